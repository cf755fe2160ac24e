//! A node that is asked over HTTP. The only place that knows how one is started.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use actix_rt::System;
use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use oxbeam_gateway::http::{Listen, spec};
use oxbeam_kernel::{Boot, NodeMessage, StorePlace};
use oxbeam_protocol::codec::Json as Codec;
use oxbeam_protocol::{Value, Wallet};
use oxbeam_store::{MemoryDisk, StoreConfig};
use oxbeam_supervisor::{Realm, RealmConfig};
use serde_json::Value as Json;
use tokio::sync::oneshot;

/// A node with an empty store, listening on a port of its own until this is dropped.
#[derive(Debug)]
pub struct ServedNode {
    /// Where it listens.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ServedNode {
    /// Starts a node with this wallet and these options.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(wallet: Wallet, config: &Json) -> Result<Self> {
        let configuration = configuration(config)?;
        let (listens, listening) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            System::new().block_on(async move {
                match serve(wallet, configuration).await {
                    Ok((address, root)) => {
                        // Whoever waits for it may have given up; then it ends at once.
                        let _ = listens.send(Ok(address));
                        let _ = stopped.await;
                        root.actor().kill();
                    }
                    Err(error) => drop(listens.send(Err(error))),
                }
            });
        };
        let thread = Some(thread::spawn(run));
        let address = listening.recv().map_err(|_| anyhow!("the node's thread ended"))??;
        Ok(Self { address, stop: Some(stop), thread })
    }
}

async fn serve(
    wallet: Wallet,
    configuration: NodeMessage,
) -> Result<(SocketAddr, oxbeam_supervisor::SupervisorRef)> {
    let realm = Realm::new(RealmConfig::default())?;
    let boot = Boot {
        wallet,
        configuration,
        devices: oxbeam_devices::table(),
        store: StorePlace::Memory(MemoryDisk::default()),
        store_config: StoreConfig::default(),
        realm: realm.clone(),
    };
    let (node, tree) = boot.build()?;
    let listen = Listen::new((Ipv4Addr::LOCALHOST, 0).into());
    let bound = listen.bound();
    let root = realm.start("node", tree.child(spec(node, listen))).await?;
    Ok((bound.address().context("the node does not listen")?, root))
}

/// Options as the vectors write them: a JSON object.
fn configuration(config: &Json) -> Result<NodeMessage> {
    let text = Bytes::from(config.to_string());
    let Value::Map(message) = Codec::decode(&text)? else { bail!("options are an object") };
    Ok(NodeMessage::from_message(&message)?)
}

impl Drop for ServedNode {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in it has been reported where it happened.
            let _ = thread.join();
        }
    }
}
