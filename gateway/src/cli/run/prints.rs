//! What scripts print, on standard error as they print it.

use std::fmt::Debug;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::show;

/// Where scripts are run.
const SCRIPTS: &str = "oxbeam_devices::lua";

/// From now on what scripts print is shown.
pub(super) fn begin() {
    // A second beginning in the same program changes nothing.
    let _ = tracing_subscriber::registry().with(Prints).try_init();
}

/// Shows what is printed, and nothing else of the node's log.
struct Prints;

impl<S: Subscriber> Layer<S> for Prints {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target().starts_with(SCRIPTS) {
            let mut printed = Printed(None);
            event.record(&mut printed);
            if let Some(text) = printed.0 {
                crate::cli::printed(&show::lines(&text));
            }
        }
    }
}

struct Printed(Option<String>);

impl Visit for Printed {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "text" {
            self.0 = Some(format!("{value:?}"));
        }
    }
}
