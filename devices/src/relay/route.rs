//! Where a request goes: the node's routing table. Source: spec 22, sections 1.1 to 1.3.
//!
//! Of a route `template` and `node` are read. Several `nodes`, of which one is chosen, are for a device
//! that balances load.

use std::borrow::Cow;

use oxbeam_kernel::{CallError, Context};
use oxbeam_protocol::{List, Message, Value};
use regex::{Captures, Regex, RegexBuilder};

/// Bytes that a template may take when it is compiled.
const MAX_TEMPLATE: usize = 1 << 20;

/// An address that a request goes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) url: String,
    /// The part of it that the operator has written, if any.
    pub(super) configured: Option<String>,
}

impl Target {
    /// A path on a node that whoever asks has named.
    pub(super) fn of_peer(peer: &str, path: &str) -> Self {
        let url = format!("{}/{}", peer.trim_end_matches('/'), path.trim_start_matches('/'));
        Self { url, configured: None }
    }
}

/// Where the path of a message leads: to itself if it is a URL, else where the first route says that
/// matches it.
pub(super) async fn target(
    context: &Context,
    message: &Message,
    path: &str,
) -> Result<Target, CallError> {
    if path.starts_with("http://") || path.starts_with("https://") {
        return Ok(Target { url: path.to_owned(), configured: None });
    }
    let table = context.get(&context.configuration().message, "routes").await?;
    let table = table.and_then(|table| List::try_from(table).ok()).unwrap_or_default();
    for route in &table {
        context.spend(1)?;
        let Value::Map(route) = context.load_all(route.clone()).await? else { continue };
        if matches(&route, message, path) {
            let named = route.get("node").and_then(|node| uri(node, path));
            let several = || CallError::Raised("a route without `node` leads nowhere".into());
            return named.ok_or_else(several);
        }
    }
    Err(CallError::Raised("no_viable_route".into()))
}

/// Whether a route is for a message. Source: spec 22, section 1.2.
fn matches(route: &Message, message: &Message, path: &str) -> bool {
    match route.get("template") {
        None => true,
        Some(Value::Map(template)) => {
            template.iter().all(|(key, value)| message.get(key.as_bytes()) == Some(value))
        }
        Some(template) => {
            let path = message.get("route-path").and_then(Value::as_name).map_or_else(
                || Cow::Borrowed(path),
                |path| Cow::Owned(String::from_utf8_lossy(path).into_owned()),
            );
            let path = with_slash(&path);
            let template = template.as_name().and_then(|text| std::str::from_utf8(text).ok());
            template.is_some_and(|text| {
                match text.starts_with('^') {
                    true => expression(text),
                    false => expression(&with_slash(text)),
                }
                .is_some_and(|template| template.is_match(&path))
            })
        }
    }
}

fn with_slash(path: &str) -> Cow<'_, str> {
    if path.starts_with('/') { path.into() } else { format!("/{path}").into() }
}

/// An expression whose time is linear in the text. One that cannot be read matches nothing.
fn expression(text: &str) -> Option<Regex> {
    RegexBuilder::new(text).size_limit(MAX_TEMPLATE).build().ok()
}

/// The address that a node rule makes of a path. Source: spec 22, section 1.3.
fn uri(node: &Value, path: &str) -> Option<Target> {
    let text = |rule: &Message, key: &str| {
        let text = rule.get(key).and_then(Value::as_name)?;
        Some(String::from_utf8_lossy(text).into_owned())
    };
    let Value::Map(rule) = node else {
        let url = String::from_utf8_lossy(node.as_name()?).into_owned();
        return Some(Target { configured: Some(url.clone()), url });
    };
    if let Some(prefix) = text(rule, "prefix") {
        return Some(Target { url: format!("{prefix}{path}"), configured: Some(prefix) });
    }
    if let Some(suffix) = text(rule, "suffix") {
        return Some(Target { url: format!("{path}{suffix}"), configured: None });
    }
    let (from, to) = (text(rule, "match")?, text(rule, "with")?);
    let replaced = expression(&from)?.replace_all(path, |found: &Captures<'_>| filled(&to, found));
    Some(Target { url: replaced.into_owned(), configured: Some(to) })
}

/// A replacement with what was found in place of `&`, and of `\1` what its first group found.
fn filled(with: &str, found: &Captures<'_>) -> String {
    let group = |number: usize| found.get(number).map_or("", |group| group.as_str());
    let mut text = String::with_capacity(with.len());
    let mut rest = with.chars();
    while let Some(next) = rest.next() {
        match next {
            '&' => text.push_str(group(0)),
            '\\' => match rest.next() {
                Some(digit) if digit.is_ascii_digit() => {
                    text.push_str(group(digit.to_digit(10).unwrap_or_default() as usize));
                }
                Some(escaped) => text.push(escaped),
                None => text.push('\\'),
            },
            next => text.push(next),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_matched(template: &str, path: &str) -> bool {
        let route = Message::new().with("template", template.to_owned());
        matches(&route, &Message::new(), path)
    }

    fn led(rule: Message, path: &str) -> Option<String> {
        uri(&rule.into(), path).map(|target| target.url)
    }

    #[test]
    fn a_template_is_found_anywhere_in_the_path() {
        assert!(is_matched("/a", "/x/a/b") && is_matched("/a", "/ab") && is_matched("a", "/a"));
        assert!(
            is_matched("*", "/anything") && is_matched("^/a", "/a?b") && is_matched("b=1", "/b=1")
        );
        assert!(!is_matched("^/a", "/x/a") && !is_matched("/A", "/a"));
        assert!(!is_matched("(", "/("), "what cannot be read matches nothing");
    }

    #[test]
    fn a_template_that_is_a_message_is_found_in_the_request() {
        let route = Message::new().with("template", Message::from([("kind", "a")]));
        let request = Message::from([("kind", "a"), ("more", "b")]);
        assert!(matches(&route, &request, "/x"));
        assert!(!matches(&route, &Message::from([("kind", "b")]), "/x"));
    }

    #[test]
    fn a_node_rule_makes_an_address_of_the_path() {
        let rule = Message::from([("prefix", "http://h:1")]);
        assert_eq!(led(rule, "/a/b?x=1").unwrap(), "http://h:1/a/b?x=1");
        let rule = Message::from([("match", "^/arweave"), ("with", "https://arweave.net")]);
        assert_eq!(led(rule, "/arweave/tx/1").unwrap(), "https://arweave.net/tx/1");
        let rule = Message::from([("match", "^/(.*)/x"), ("with", "http://h/\\1?of=\\&&")]);
        assert_eq!(led(rule, "/p/x").unwrap(), "http://h/p?of=&/p/x");
        assert_eq!(led(Message::from([("weight", "1")]), "/a"), None);
        assert_eq!(uri(&"http://h/whole".into(), "/a").unwrap().url, "http://h/whole");
    }

    #[test]
    fn a_peer_is_a_server_and_its_path_a_path() {
        assert_eq!(Target::of_peer("http://h:1/", "/a").url, "http://h:1/a");
        assert_eq!(
            Target::of_peer("http://h:1", "@other.example/").url,
            "http://h:1/@other.example/"
        );
    }
}
