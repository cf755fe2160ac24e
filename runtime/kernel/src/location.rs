//! Location records, as they are kept: where the scheduler of an address is reached. Source: spec 11,
//! section 8.

use bytes::Bytes;
use oxbeam_protocol::{Message, Value};
use oxbeam_store::{Table, Versioned};

use crate::error::CallError;
use crate::node::Node;
use crate::record;

/// Under which names records are kept in [`Table::Node`].
const NAME: &str = "location/";
/// Longest address, and longest URL.
const MAX_ADDRESS: usize = 128;
const MAX_URL: usize = 2048;

/// The name under which the record of an address is kept.
#[must_use]
pub fn name(address: &str) -> Bytes {
    format!("{NAME}{address}").into()
}

/// The record that is kept, if there is one.
///
/// # Errors
/// What is kept is no record of the store.
pub fn decode(kept: &Versioned) -> Result<Option<Message>, CallError> {
    match kept.value.as_deref().map(record::decode).transpose()? {
        Some(Value::Map(record)) => Ok(Some(record)),
        _ => Ok(None),
    }
}

/// Where a record leads to.
#[must_use]
pub fn url_of(record: &Message) -> Option<String> {
    let text = |key| Some(std::str::from_utf8(record.get(key)?.as_name()?).ok()?.to_owned());
    let url = text("url").or_else(|| text("location"));
    url.filter(|url| is_url(url))
}

/// Whether a text can be put into a header that clients follow.
#[must_use]
pub fn is_url(url: &str) -> bool {
    let scheme = url.starts_with("http://") || url.starts_with("https://");
    scheme && url.len() <= MAX_URL && url.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Where one who schedules may be reached, as a definition names them: an address, which may be
/// followed by `?hint=` and a URL.
#[must_use]
pub fn hinted(scheduler: &str) -> (&str, Option<&str>) {
    match scheduler.split_once("?hint=") {
        Some((address, hint)) => (address, Some(hint).filter(|hint| is_url(hint))),
        None => (scheduler, None),
    }
}

impl Node {
    /// The location record of an address, if there is one.
    ///
    /// # Errors
    /// Errors of reading.
    pub async fn location(&self, address: &str) -> Result<Option<Message>, CallError> {
        if address.len() > MAX_ADDRESS {
            return Ok(None);
        }
        decode(&self.store()?.value(Table::Node, name(address)).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_client_can_follow_is_a_url() {
        assert!(is_url("https://host:8734"));
        assert!(!is_url("javascript:alert(1)"));
        assert!(!is_url("http://host\r\nset-cookie: a=b"));
        assert!(!is_url(&format!("http://{}", "a".repeat(MAX_URL))));
    }

    #[test]
    fn a_scheduler_may_say_where_it_is() {
        assert_eq!(hinted("A?hint=http://host:1"), ("A", Some("http://host:1")));
        assert_eq!(hinted("A?hint=nowhere"), ("A", None));
        assert_eq!(hinted("A"), ("A", None));
    }
}
