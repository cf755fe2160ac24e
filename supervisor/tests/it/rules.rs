//! OTP's rules, one by one, in simulated time. The numbers are those of the table in README.

mod calls;
mod ending;
mod restarting;
mod starting;
mod telling;

use actix::{Actor, AsyncContext, Context};
use oxbeam_supervisor::{
    ActorSpec, ChildSpec, ContextExt, ExitReason, State, Strategy, SupervisorRef, SupervisorSpec,
};

use crate::common::*;

async fn gone(supervisor: &SupervisorRef) -> ExitReason {
    supervisor.actor().reaches(|state| state == State::Gone).await;
    supervisor.actor().closed().unwrap()
}

fn abc(strategy: Strategy) -> SupervisorSpec {
    let spec = SupervisorSpec::new().strategy(strategy);
    spec.child(worker("a")).child(worker("b")).child(worker("c"))
}

/// Says that it has started a second after it began.
struct Slow;

impl Actor for Slow {
    type Context = Context<Self>;
    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_later(SECOND, |_, ctx| ctx.acknowledge(Ok(())));
    }
}

fn slow(id: &str) -> ChildSpec {
    ChildSpec::worker(id, ActorSpec::new(|| Slow).acknowledged())
}
