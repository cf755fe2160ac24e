//! The store as an actor: opened when it starts, opened anew when it fails.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt, AsyncContext, Context};
use arc_swap::ArcSwapOption;
use oxbeam_store::{Checkpoints as _, LocalStore, StoreConfig, StoreError};
use oxbeam_supervisor::{ActorSpec, ContextExt, Placement, StartError};
use tracing::{debug, info, warn};

use crate::boot::StorePlace;
use crate::node::Node;

/// How long pages of guest memory that no checkpoint names any more stay at most, about.
const COLLECTS: Duration = Duration::from_mins(10);

/// Owns the open store and gives it to the node.
pub(crate) struct StoreActor {
    store: LocalStore,
    place: Arc<ArcSwapOption<LocalStore>>,
}

impl StoreActor {
    /// It runs where it may block: opening replays the log.
    pub(crate) fn spec(
        place: StorePlace,
        config: StoreConfig,
        node: &Arc<Node>,
    ) -> ActorSpec<Self> {
        let given = node.store_place().clone();
        let make = move |_: &_| match open(&place, &config) {
            Ok(store) => Ok(Self { store, place: given.clone() }),
            Err(error) => Err(StartError::failed(with_causes(&error))),
        };
        ActorSpec::fallible(make).placement(Placement::Compute)
    }
}

impl StoreActor {
    /// Collects pages again and again, each time after a pause.
    fn collect_later(ctx: &mut Context<Self>) {
        ctx.run_later(COLLECTS, |actor, ctx| {
            let collected = wrap_future::<_, Self>(actor.store.collect_pages());
            ctx.spawn(collected.map(|collected, _, ctx| {
                match collected {
                    Ok(collected) => debug!(?collected, "pages collected"),
                    Err(error) => warn!(%error, "failed to collect pages"),
                }
                Self::collect_later(ctx);
            }));
        });
    }
}

fn with_causes(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn open(place: &StorePlace, config: &StoreConfig) -> Result<LocalStore, StoreError> {
    let (store, recovery) = match place {
        StorePlace::Folder(folder) => LocalStore::open(folder, config)?,
        StorePlace::Memory(disk) => LocalStore::open_memory(disk, config)?,
    };
    info!(?recovery, "store opened");
    Ok(store)
}

impl Actor for StoreActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.place.store(Some(Arc::new(self.store.clone())));
        Self::collect_later(ctx);
        let ended = wrap_future::<_, Self>(self.store.ended());
        ctx.spawn(ended.map(|ended, _, ctx| ctx.fail(format_args!("the store ended: {ended}"))));
    }
}

impl Drop for StoreActor {
    /// The next one finds the folder free, whoever still holds this store.
    fn drop(&mut self) {
        self.place.store(None);
        self.store.close_and_wait();
    }
}

impl fmt::Debug for StoreActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreActor").finish_non_exhaustive()
    }
}
