//! What a supervisor is made of.

use std::sync::{Arc, OnceLock};

use crate::{
    scheduler::Placement,
    spec::{ActorSpec, ChildSpec, SpecError, check_child_specs},
};

use super::{Finish, Intensity, Supervisor};

/// Which children are restarted when one of them fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// That one.
    #[default]
    OneForOne,
    /// All: the others are stopped from right to left, then all are started from left to right.
    OneForAll,
    /// That one and those after it, in the same way.
    RestForOne,
}

/// When a supervisor shuts down because of children that ended by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AutoShutdown {
    /// Never.
    #[default]
    Never,
    /// When any significant child ends for good.
    AnySignificant,
    /// When the last significant child ends for good.
    AllSignificant,
}

/// A supervisor and its children.
#[derive(Debug, Clone, Default)]
pub struct SupervisorSpec {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: Intensity,
    pub(crate) auto_shutdown: AutoShutdown,
    pub(crate) children: Vec<ChildSpec>,
    pub(crate) placement: Placement,
    /// Where whoever runs a root finds out why it ended.
    pub(crate) finish: Arc<OnceLock<Finish>>,
}

impl SupervisorSpec {
    /// One for one, one restart in five seconds, no children.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Which children are restarted when one fails.
    #[must_use]
    pub fn strategy(self, strategy: Strategy) -> Self {
        Self { strategy, ..self }
    }

    /// How many restarts in which time.
    #[must_use]
    pub fn intensity(self, intensity: Intensity) -> Self {
        Self { intensity, ..self }
    }

    /// When it shuts down because of children that ended by themselves.
    #[must_use]
    pub fn auto_shutdown(self, auto_shutdown: AutoShutdown) -> Self {
        Self { auto_shutdown, ..self }
    }

    /// Which threads it runs on.
    #[must_use]
    pub fn placement(self, placement: Placement) -> Self {
        Self { placement, ..self }
    }

    /// One more child, started after those before.
    #[must_use]
    pub fn child(mut self, child: ChildSpec) -> Self {
        self.children.push(child);
        self
    }

    /// What is wrong with it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), SpecError> {
        if self.intensity.period.is_zero() {
            return Err(SpecError::ZeroPeriod);
        }
        check_child_specs(&self.children, self.auto_shutdown)
    }

    pub(crate) fn into_actor(self) -> ActorSpec<Supervisor> {
        let placement = self.placement;
        ActorSpec::fallible(move |birth| Ok(Supervisor::new(&self, birth)))
            .placement(placement)
            .acknowledged()
            .trap_exits()
    }
}
