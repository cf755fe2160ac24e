//! Actors whose calls are isolated from each other.

use std::time::Duration;

use actix::{Actor, Context, Handler};
use oxbeam_supervisor::{ActorSpec, AskError, Concurrent, Place};

use crate::common::*;

pub(crate) struct Device {
    calls: u32,
}

impl Device {
    pub(crate) fn new() -> Self {
        Self { calls: 0 }
    }
}

impl Actor for Device {
    type Context = Context<Self>;
}

#[derive(Debug, Clone, Copy, actix::Message)]
#[rtype(u32)]
pub(crate) enum Call {
    Answer(u32),
    PanicLater,
    PanicNow,
}

impl Handler<Call> for Device {
    type Result = Concurrent<u32>;
    fn handle(&mut self, call: Call, _: &mut Context<Self>) -> Concurrent<u32> {
        self.calls += 1;
        assert!(!matches!(call, Call::PanicNow), "before the future");
        Concurrent::new(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            match call {
                Call::Answer(number) => number,
                _ => panic!("inside the future"),
            }
        })
    }
}

#[test]
fn a_panic_in_one_call_fails_that_call_and_leaves_the_others_in_flight() {
    simulate(async {
        let realm = realm();
        let spec = ActorSpec::new(Device::new).concurrent(16);
        let device = realm.spawn("device", spec).unwrap();
        let before = device.ask(Call::Answer(1));
        let later = device.ask(Call::PanicLater);
        let now = device.ask(Call::PanicNow);
        let after = device.ask(Call::Answer(2));
        let Err(AskError::CallPanicked { crash }) = now.await else { panic!("not told") };
        assert_eq!((crash.place, crash.text.as_str()), (Place::Handler, "before the future"));
        let Err(AskError::CallPanicked { crash }) = later.await else { panic!("not told") };
        assert_eq!((crash.place, crash.text.as_str()), (Place::Call, "inside the future"));
        assert!(crash.message.unwrap().ends_with("Call"));
        assert_eq!((before.await, after.await), (Ok(1), Ok(2)));
        assert_eq!(device.inspect(|device| device.calls).await, Ok(4), "the same state");
        assert_eq!(device.actor().row().exits, 0);
        assert_eq!(realm.crashes().groups().len(), 2);
    });
}

#[test]
fn calls_over_the_limit_wait_in_the_queue() {
    simulate(async {
        let spec = ActorSpec::new(Device::new).concurrent(2);
        let device = realm().spawn("device", spec).unwrap();
        let asks: Vec<_> = (0..6).map(|number| device.ask(Call::Answer(number))).collect();
        settle().await;
        assert_eq!(device.actor().row().queued, 4);
        let begun = tokio::time::Instant::now();
        for (number, ask) in (0..).zip(asks) {
            assert_eq!(ask.await, Ok(number));
        }
        assert_eq!(begun.elapsed().as_secs(), 2, "three rounds of two, one already begun");
    });
}
