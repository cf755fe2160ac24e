//! Calls: start, restart, terminate and delete a child.

use std::{collections::VecDeque, sync::Arc};

use super::{Action, Key, Machine, Phase, Policy, Purpose, Run, SupervisorError};

/// Names a call to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::supervisor) struct CallId(pub(in crate::supervisor) u64);

/// A call that changes something.
#[derive(Debug, Clone)]
pub(in crate::supervisor) enum Command {
    Start(Key, Policy),
    Restart(Arc<str>),
    Terminate(Arc<str>),
    Delete(Arc<str>),
}

/// The child that now runs, if the call was about starting one and it was not ignored.
pub(in crate::supervisor) type Reply = Result<Option<Key>, SupervisorError>;

impl Machine {
    pub(super) fn command(&mut self, call: CallId, command: Command) {
        match command {
            Command::Start(key, policy) => self.start_child(call, key, policy),
            Command::Restart(id) => self.restart_child(call, &id),
            Command::Terminate(id) => self.terminate_child(call, &id),
            Command::Delete(id) => self.delete_child(call, &id),
        }
    }

    fn start_child(&mut self, call: CallId, key: Key, policy: Policy) {
        if let Some(known) = self.children.find(&policy.id) {
            let refusal = match known.phase {
                Phase::Stopped => SupervisorError::AlreadyPresent,
                _ => SupervisorError::AlreadyStarted,
            };
            self.actions.push(Action::Forget(key));
            return self.reply(call, Err(refusal));
        }
        self.children.add(key, policy);
        self.run_start(key, Purpose::Start(call));
    }

    fn restart_child(&mut self, call: CallId, id: &str) {
        match self.find(id) {
            Err(refusal) => self.reply(call, Err(refusal)),
            Ok((key, Phase::Stopped)) => self.run_start(key, Purpose::Restarted(call)),
            Ok((_, Phase::Restarting)) => self.reply(call, Err(SupervisorError::Restarting)),
            Ok(_) => self.reply(call, Err(SupervisorError::Running)),
        }
    }

    fn terminate_child(&mut self, call: CallId, id: &str) {
        match self.find(id) {
            Err(refusal) => self.reply(call, Err(refusal)),
            Ok((key, _)) => {
                let (stops, starts) = (VecDeque::from([key]), VecDeque::new());
                self.run = Some(Run { stops, starts, purpose: Purpose::Terminate(call) });
            }
        }
    }

    fn delete_child(&mut self, call: CallId, id: &str) {
        match self.find(id) {
            Err(refusal) => self.reply(call, Err(refusal)),
            Ok((key, Phase::Stopped)) => {
                self.remove(key);
                self.reply(call, Ok(None));
            }
            Ok((_, Phase::Restarting)) => self.reply(call, Err(SupervisorError::Restarting)),
            Ok(_) => self.reply(call, Err(SupervisorError::Running)),
        }
    }

    fn find(&self, id: &str) -> Result<(Key, Phase), SupervisorError> {
        let child = self.children.find(id).ok_or(SupervisorError::NotFound)?;
        Ok((child.key, child.phase.clone()))
    }

    fn run_start(&mut self, key: Key, purpose: Purpose) {
        let (stops, starts) = (VecDeque::new(), VecDeque::from([key]));
        self.run = Some(Run { stops, starts, purpose });
    }
}
