//! The configuration as everybody may see it. Source: spec 21, section 2.1.

use oxbeam_kernel::Context;
use oxbeam_protocol::{Atom, List, Message, Value};

/// Every option, and what follows from the node itself. Private keys are in no message.
pub(super) fn info(context: &Context) -> Message {
    let node = context.node();
    let mut info = context.configuration().message.clone();
    info.extend([
        ("address", Value::from(node.address())),
        ("http_server", node.address().into()),
        ("only", Atom::from_static("local").into()),
        ("preloaded_devices", devices(context).into()),
    ]);
    for (key, value) in [
        ("identities", Value::from(Message::new())),
        ("initialized", Atom::TRUE.into()),
        ("node_history", List::default().into()),
        ("cache_writers", [Value::from(node.address())].into_iter().collect()),
    ] {
        if !info.contains(key) {
            info.insert(key, value);
        }
    }
    info
}

/// The node's devices, in the form of the option that lists loadable ones.
fn devices(context: &Context) -> List {
    let device = |name| Message::from([("name", name), ("module", "oxbeam")]).into();
    context.node().devices().names().map(device).collect()
}
