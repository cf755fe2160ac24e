//! `oxbeam start`: the node, until somebody ends it.

mod files;
pub(super) mod folder;
mod http;
mod log;
mod ready;
mod threads;
mod traces;

use std::process::ExitCode;

use oxbeam_gateway::http::Listen;
use oxbeam_kernel::{Boot, NodeMessage, Startup, StorePlace};
use oxbeam_supervisor::{Realm, RealmConfig, Verdict, WatchdogConfig, run as run_tree, watch};

use super::arguments::Start;
use super::failure::Failure;
use super::wallet;
use folder::DataFolder;
use ready::Ready;
pub(super) use ready::reachable;
use threads::Threads;
use traces::{Collector, Traces};

/// The root's name in the tree.
const ROOT: &str = "node";

/// Runs the node; its verdict is the exit code.
pub(super) fn run(arguments: &Start) -> Result<ExitCode, Failure> {
    let configuration = arguments.load()?;
    let startup = Startup::read(&configuration.message);
    log::begin(&startup)?;
    let collector = Collector::of(&startup)?;
    let folder = DataFolder::take(&startup.data)?;
    let mut listen = Listen::new(startup.listen).limits(http::limits(&startup));
    listen.data = Some(startup.data.clone());
    listen.open().map_err(|error| Failure::listen(startup.listen, error))?;
    let (wallet, made) = wallet::read_or_make(&startup.wallet)?;
    if made {
        tracing::info!(file = %startup.wallet.display(), "made a wallet");
    }
    let serve = serve(&startup, configuration, wallet, &folder, listen, collector);
    let node = actix_rt::System::new().block_on(serve);
    drop(folder);
    verdict(node?)
}

async fn serve(
    startup: &Startup,
    configuration: NodeMessage,
    wallet: oxbeam_protocol::Wallet,
    folder: &DataFolder,
    listen: Listen,
    collector: Option<Collector>,
) -> Result<Verdict, Failure> {
    let threads = Threads::start(startup);
    let realm = Realm::with_schedulers(RealmConfig::default(), threads.schedulers());
    let realm = realm.map_err(|error| not_started(&error.to_string(), &Verdict::Stopped))?;
    watch(&realm, WatchdogConfig::default()).map_err(Failure::Threads)?;
    let boot = Boot {
        wallet,
        configuration,
        devices: oxbeam_devices::table(),
        store: StorePlace::Folder(folder.store()),
        store_config: startup.store.clone(),
        realm: realm.clone(),
    };
    let (node, tree) = boot.build()?;
    let attended = listen.attend(&realm, &node);
    attended.map_err(|error| not_started(&error.to_string(), &Verdict::Stopped))?;
    let ready = Ready::spec(&node, startup, listen.bound());
    let traces = collector.map(|collector| collector.takes(&node, startup));
    let tree = traces.iter().fold(tree, |tree, traces| tree.child(traces.spec()));
    let tree = tree.child(oxbeam_gateway::http::spec(node, listen)).child(ready);
    let verdict = run_tree(&realm, ROOT, tree, startup.stop_timeout).await;
    traces.iter().for_each(Traces::close);
    threads.stop();
    Ok(verdict)
}

fn verdict(verdict: Verdict) -> Result<ExitCode, Failure> {
    match &verdict {
        Verdict::NotStarted(error) => Err(not_started(&error.to_string(), &verdict)),
        Verdict::Unfit(error) => Err(not_started(&error.to_string(), &verdict)),
        _ => Ok(ExitCode::from(verdict.code())),
    }
}

fn not_started(reason: &str, verdict: &Verdict) -> Failure {
    Failure::NotStarted { reason: reason.to_owned(), code: verdict.code() }
}
