//! Who answers while the node starts: what asks whether it is ready is told why it is not yet.
//!
//! The port is taken before anything is opened, and from then on somebody listens there. The gateway,
//! when it starts, takes the same socket over, so that no connection is refused in between.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt, AsyncContext, Context};
use actix_web::dev::ServerHandle;
use actix_web::http::header;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use oxbeam_kernel::Node;
use oxbeam_supervisor::{ActorRef, ActorSpec, Realm, SpawnError, StartError};
use parking_lot::Mutex;
use tracing::warn;

use super::probes::{Probe, healthy, not_ready};
use super::refusal::sentence;

/// Connections at a time: those that ask now are to come back anyway.
const MAX_CONNECTIONS: usize = 256;
/// In which a request must have come.
const HEAD_TIME: Duration = Duration::from_secs(5);

/// The socket on which the gateway will listen, and who answers there until then.
#[derive(Debug, Clone, Default)]
pub(super) struct Entrance(Arc<Mutex<Option<Kept>>>);

#[derive(Debug)]
struct Kept {
    listener: TcpListener,
    attendant: Option<ActorRef>,
}

impl Entrance {
    pub(super) fn open(&self, listener: TcpListener) {
        *self.0.lock() = Some(Kept { listener, attendant: None });
    }

    /// Answers that the node starts, until the socket is taken.
    pub(super) fn attend(&self, realm: &Arc<Realm>, node: &Arc<Node>) -> Result<(), SpawnError> {
        let mut entrance = self.0.lock();
        let Some(Kept { listener, attendant }) = &mut *entrance else { return Ok(()) };
        let copy = listener.try_clone().map(|copy| Arc::new(Mutex::new(Some(copy))));
        let copy = copy.map_err(|error| SpawnError::Failed {
            reason: oxbeam_supervisor::ExitReason::Failed(error.to_string().into()),
        })?;
        let node = node.clone();
        let make = move |_: &_| {
            let gone = || StartError::failed("the socket is given away");
            let listener = copy.lock().take().ok_or_else(gone)?;
            Ok(Doorway { node: node.clone(), listener: Some(listener), handle: None })
        };
        let doorway = realm.spawn("doorway", ActorSpec::fallible(make))?;
        *attendant = Some(doorway.actor());
        Ok(())
    }

    /// Takes the socket; whoever answered there stops.
    pub(super) fn take(&self) -> Option<TcpListener> {
        let Kept { listener, attendant } = self.0.lock().take()?;
        if let Some(attendant) = attendant {
            attendant.shutdown();
        }
        Some(listener)
    }
}

/// Answers until the gateway does.
struct Doorway {
    node: Arc<Node>,
    listener: Option<TcpListener>,
    handle: Option<ServerHandle>,
}

impl Doorway {
    fn run(&mut self) -> io::Result<actix_web::dev::Server> {
        let listener = self.listener.take().ok_or(io::ErrorKind::NotConnected)?;
        let node = web::Data::new(self.node.clone());
        let app = move || App::new().app_data(node.clone()).default_service(web::to(answer));
        let server = HttpServer::new(app)
            .workers(1)
            .max_connections(MAX_CONNECTIONS)
            .client_request_timeout(HEAD_TIME)
            .disable_signals()
            .listen_auto_h2c(listener)?;
        Ok(server.run())
    }
}

impl Actor for Doorway {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        match self.run() {
            Ok(server) => {
                self.handle = Some(server.handle());
                ctx.spawn(wrap_future::<_, Self>(server).map(|_, _, _| ()));
            }
            // The node starts all the same.
            Err(error) => warn!(%error, "nobody answers while the node starts"),
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if let Some(handle) = self.handle.take() {
            // It is told now, and ends by itself.
            drop(handle.stop(false));
        }
    }
}

impl fmt::Debug for Doorway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doorway").field("listener", &self.listener).finish_non_exhaustive()
    }
}

async fn answer(request: HttpRequest, node: web::Data<Arc<Node>>) -> HttpResponse {
    let mut response = match Probe::of(&request) {
        Some(Probe::Health) => healthy(),
        _ => match node.ready().await {
            Ok(()) => not_ready("the node is starting: its start hook is running"),
            Err(reason) => not_ready(&format!("the node is starting: {}", sentence(&reason))),
        },
    };
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    response
}
