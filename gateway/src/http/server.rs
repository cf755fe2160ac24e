//! The server as an actor: it listens when it starts, and lets requests end when it stops.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Running};
use actix_http::HttpService;
use actix_http::error::DispatchError;
use actix_rt::net::TcpStream;
use actix_server::{GracefulShutdownSignal, ServerHandle};
use actix_service::{
    IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_web::dev::AppConfig;
use actix_web::{App, web};
use oxbeam_kernel::Node;
use oxbeam_supervisor::{ContextExt, ExitReason};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::time::timeout;
use tracing::info;

use super::admission::Gate;
use super::connection::Connection;
use super::limits::Limits;
use super::listen::{CLOSING_TIME, Listen};
use super::serve::serve;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;
/// After which silence the system asks whether the other end of a connection is still there.
const PROBE_AFTER: Duration = Duration::from_secs(60);

/// The HTTP server.
pub(super) struct Server {
    gate: web::Data<Gate>,
    /// There until it is started.
    listener: Option<TcpListener>,
    /// There from then on until it is stopped.
    handle: Option<ServerHandle>,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("failed to listen on {address}: {source}")]
pub(super) struct BindError {
    address: SocketAddr,
    source: io::Error,
}

impl Server {
    /// Listens; nobody is answered before the actor has started.
    pub(super) fn bind(node: &Arc<Node>, listen: &Listen) -> Result<Self, BindError> {
        let bound = listen.bound();
        let address = bound.address().unwrap_or(listen.address);
        let failed = |source| BindError { address, source };
        let listener = match listen.entrance.take() {
            Some(listener) => listener,
            None => listener(address, &listen.limits).map_err(failed)?,
        };
        bound.set(listener.local_addr().map_err(failed)?);
        let gate =
            web::Data::new(Gate::new(node.clone(), listen.limits.clone(), listen.data.clone()));
        Ok(Self { gate, listener: Some(listener), handle: None })
    }

    fn run(&mut self) -> io::Result<actix_server::Server> {
        let listener = self.listener.take().ok_or(io::ErrorKind::NotConnected)?;
        let address = listener.local_addr()?;
        let limits = self.gate.limits();
        let server = actix_server::Server::build()
            .workers(limits.workers.max(1))
            .max_concurrent_connections(limits.connections)
            .shutdown_timeout(limits.drain.as_secs())
            .disable_signals();
        let (gate, stopping) = (self.gate.clone(), server.graceful_shutdown_signal());
        let http = move || http(gate.clone(), address, stopping.clone());
        Ok(server.listen("http", listener, http)?.run())
    }
}

/// What serves connections: what actix's own `HttpServer` makes, but for their type.
fn http(
    gate: web::Data<Gate>,
    address: SocketAddr,
    stopping: GracefulShutdownSignal,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
{
    let limits = gate.limits().clone();
    let entered = gate.clone();
    let app = App::new().app_data(gate).default_service(web::to(serve));
    let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
    let http = HttpService::build()
        .graceful_shutdown_signal(move || notified(stopping.clone()))
        .keep_alive(limits.keep_alive)
        .client_request_timeout(limits.head_time)
        .client_disconnect_timeout(limits.write_time)
        // Whoever stops sending has gone: what is computed for it is given up.
        .h1_allow_half_closed(false)
        .local_addr(address)
        .on_connect_ext(|connection: &Connection, data| {
            data.insert(connection.shared());
        })
        .finish(map_config(app, |()| AppConfig::default()));
    let accepted = fn_service(move |stream| {
        let gate = entered.clone();
        async move { Ok(Connection::accepted(stream, &gate).await?) }
    });
    accepted.and_then(http)
}

async fn notified(stopping: GracefulShutdownSignal) {
    stopping.notified().await;
}

/// A socket whose connections are cut when the other end does not read or is no longer there.
pub(super) fn listener(address: SocketAddr, limits: &Limits) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    // Connections that are accepted inherit both.
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(PROBE_AFTER))?;
    limit_unread(&SockRef::from(&socket), limits.write_time)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(target_os = "linux")]
fn limit_unread(socket: &SockRef<'_>, limit: Duration) -> io::Result<()> {
    socket.set_tcp_user_timeout(Some(limit))
}

/// Other systems have no such limit but their own, of some minutes.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
fn limit_unread(_: &SockRef<'_>, _: Duration) -> io::Result<()> {
    Ok(())
}

impl Actor for Server {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let address = self.listener.as_ref().and_then(|listener| listener.local_addr().ok());
        match self.run() {
            Ok(server) => {
                info!(address = ?address, "listening");
                self.handle = Some(server.handle());
                let ended = wrap_future::<_, Self>(server);
                ctx.spawn(ended.map(|ended, server, ctx| server.ended(&ended, ctx)));
            }
            Err(error) => ctx.fail(format_args!("failed to serve HTTP: {error}")),
        }
    }

    fn stopping(&mut self, ctx: &mut Self::Context) -> Running {
        let Some(handle) = self.handle.take() else { return Running::Stop };
        self.gate.close();
        let gate = self.gate.clone();
        let stopped = wrap_future::<_, Self>(async move {
            // Whoever comes meanwhile is told that the node is stopping.
            gate.drained().await;
            let _ = timeout(CLOSING_TIME, handle.stop(true)).await;
        });
        ctx.spawn(stopped.map(|(), _, ctx| ctx.stop()));
        Running::Continue
    }
}

impl Server {
    fn ended(&self, ended: &io::Result<()>, ctx: &mut Context<Self>) {
        if self.handle.is_some() {
            let reason = match ended {
                Ok(()) => "it stopped by itself".to_owned(),
                Err(error) => error.to_string(),
            };
            ctx.exit(ExitReason::Failed(format!("the HTTP server ended: {reason}").into()));
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("gate", &self.gate).finish_non_exhaustive()
    }
}
