//! The node's threads.

use actix_rt::Arbiter;
use oxbeam_kernel::Startup;
use oxbeam_supervisor::Schedulers;

/// Threads that run actors: control threads what must answer at once, compute threads what computes.
#[derive(Debug)]
pub(super) struct Threads {
    control: Vec<Arbiter>,
    compute: Vec<Arbiter>,
}

impl Threads {
    pub(super) fn start(startup: &Startup) -> Self {
        let group = |threads: usize| (0..threads).map(|_| Arbiter::new()).collect();
        Self { control: group(startup.control_threads), compute: group(startup.compute_threads) }
    }

    pub(super) fn schedulers(&self) -> Schedulers {
        let handles = |group: &[Arbiter]| group.iter().map(Arbiter::handle).collect();
        Schedulers::on(handles(&self.control), handles(&self.compute))
    }

    /// Ends them, once what runs on them has ended.
    pub(super) fn stop(self) {
        for thread in self.control.into_iter().chain(self.compute) {
            thread.stop();
            // It panicked before, and said so then.
            let _ = thread.join();
        }
    }
}
