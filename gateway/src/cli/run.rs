//! `oxbeam run`: an agent in this program, without a node.
//!
//! The agent is scheduled and computed by the kernel and the devices that a node has; what it sends is
//! shown and goes nowhere. A line of `--messages` is a message, or a test:
//!
//! ```json
//! {"send": {"action": "Add", "quantity": 5}, "expect": {"total": 5, "results/output/data": "5"}}
//! ```
//!
//! `expect` names parts of the state after the slot; `{"failed": "text"}` expects that the slot has no
//! state, and says so. The exit code is 1 if something is not as expected.

mod expect;
mod prints;
mod steps;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use oxbeam_kernel::StorePlace;
use oxbeam_protocol::codec::{HttpSig, Links};
use oxbeam_protocol::commitment::{CommitRequest, commit, signed_id};
use oxbeam_protocol::{Id, Message, NoContent, Wallet};
use oxbeam_store::MemoryDisk;

use super::agent::Agent;
use super::arguments::agent::Run;
use super::client::own_wallet;
use super::failure::Failure;
use super::local::{self, Local};
use super::{fork, say_line, send};
use steps::{Step, steps};

/// Sends the messages, one after another.
pub(super) fn run(arguments: &Run) -> Result<ExitCode, Failure> {
    let steps = steps(&arguments.message, arguments.messages.as_deref())?;
    let wallet = match &arguments.signer.wallet {
        Some(file) => own_wallet(Some(file))?,
        None => Wallet::generate_secp256k1()?,
    };
    prints::begin();
    // The log of a fork ends with what another node has signed, and goes on with what this one signs.
    let options = Message::from([("verify_assignments", "false")]);
    let fork = fork::read(&arguments.agent)?;
    let (store, whom) = match &fork {
        Some(fork) => (StorePlace::Folder(store_of(&arguments.agent)), Whom::Fork(fork.process)),
        None => {
            let agent = Box::new(Agent::load(&arguments.agent)?);
            (StorePlace::Memory(MemoryDisk::default()), Whom::New(agent))
        }
    };
    let session = Session { wallet, json: arguments.json };
    let held =
        local::with(store, &options, async |local: &Local| session.run(local, whom, steps).await)?;
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn store_of(folder: &Path) -> PathBuf {
    folder.join(super::start::folder::STORE)
}

/// Who is run.
enum Whom {
    New(Box<Agent>),
    Fork(Id),
}

/// Who sends, and how it is shown.
struct Session {
    wallet: Wallet,
    json: bool,
}

impl Session {
    /// Whether all was as expected.
    async fn run(&self, local: &Local, whom: Whom, steps: Vec<Step>) -> Result<bool, Failure> {
        let process = match whom {
            Whom::Fork(process) => process,
            Whom::New(agent) => self.spawn(local, &agent).await?,
        };
        let (mut checks, mut missed, count) = (0_usize, 0_usize, steps.len());
        for step in steps {
            let message = send::addressed(step.send, &process.to_string());
            let slot = local.schedule(process, self.signed(&message)?).await?;
            let state = local.state(process, slot).await;
            let seen = expect::of(&step.expect, &state);
            expect::say(slot, &message, &state, &seen, self.json);
            checks += seen.len();
            missed += seen.iter().filter(|seen| !seen.holds).count();
            if let (Err(_), false) = (&state, seen.iter().any(|seen| seen.holds)) {
                // Every later slot comes after this one.
                missed += 1;
                break;
            }
        }
        if !self.json && checks > 0 {
            say_line(&format!(
                "{count} messages, {} of {checks} expectations hold",
                checks.saturating_sub(missed)
            ));
        }
        Ok(missed == 0)
    }

    async fn spawn(&self, local: &Local, agent: &Agent) -> Result<Id, Failure> {
        let module = self.signed(&agent.module())?;
        local.keep(&module).await?;
        let definition = agent.definition(&id(&module)?.to_string(), local.address());
        let definition = self.signed(&definition)?;
        let process = id(&definition)?;
        let slot = local.schedule(process, definition).await?;
        match local.state(process, slot).await {
            Ok(_) => Ok(process),
            Err(reason) => Err(Failure::Local { what: format!("starting {}", agent.name), reason }),
        }
    }

    fn signed(&self, message: &Message) -> Result<Message, Failure> {
        let signed = commit(message, &CommitRequest::default(), &self.wallet, &NoContent);
        let signed = signed.map_err(|error| unsigned(&error))?;
        // What could not be sent to a node is not sent here.
        let wire = HttpSig { links: Links::Embed(&NoContent) }.encode(&signed.clone().into());
        wire.map_err(|error| unsigned(&error))?;
        Ok(signed)
    }
}

fn id(message: &Message) -> Result<Id, Failure> {
    signed_id(&message.clone().into()).map_err(|error| unsigned(&error))
}

fn unsigned(error: &dyn std::fmt::Display) -> Failure {
    Failure::Unsigned { reason: error.to_string() }
}
