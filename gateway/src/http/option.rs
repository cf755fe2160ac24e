//! Options of the node that only the gateway works by.

use oxbeam_kernel::Node;
use oxbeam_protocol::Value;

/// An option of the node, under its name or that with dashes.
fn option(node: &Node, name: &str) -> Option<Value> {
    let configuration = node.configuration();
    let message = &configuration.message;
    message.get(name).or_else(|| message.get(name.replace('_', "-"))).cloned()
}

/// Whether an option that is on by default is on.
pub(super) fn is_on(node: &Node, name: &str) -> bool {
    !option(node, name).is_some_and(|value| value.is_name("false"))
}

/// The text of an option.
pub(super) fn text(node: &Node, name: &str) -> Option<String> {
    let value = option(node, name)?;
    String::from_utf8(value.as_name()?.to_vec()).ok()
}

/// The texts of an option that is a list, in lower case.
pub(super) fn list(node: &Node, name: &str) -> Vec<String> {
    let Some(Value::List(list)) = option(node, name) else { return Vec::new() };
    let texts = list.iter().filter_map(Value::as_name);
    texts.map(|text| String::from_utf8_lossy(text).to_ascii_lowercase()).collect()
}
