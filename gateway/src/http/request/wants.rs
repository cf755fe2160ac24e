//! How the answer to a request is to look.

use bytes::Bytes;
use oxbeam_protocol::{Atom, Id, Message, Value};

use super::primitive::Primitive;
use crate::http::refusal::Refusal;

/// How an answer is to look.
#[derive(Debug, Default)]
pub(in crate::http) struct Wants {
    /// `require-codec`: the form, whatever the answer is.
    pub(in crate::http) required: Option<Bytes>,
    /// `accept`: the form, if the answer may have any.
    pub(in crate::http) accept: Option<Bytes>,
    /// `accept-bundle` as it was given: text of a request, or an atom.
    pub(in crate::http) accept_bundle: Option<Value>,
    /// Whether nested messages are sent along, and nothing is sent that only a browser wants.
    pub(in crate::http) bundle: bool,
    /// `accept-signature` (RFC 9421, section 5): a node that signs on request is to sign.
    pub(in crate::http) signature: bool,
    /// The id that the path begins with: of a message's items, the one that is asked for.
    pub(in crate::http) named: Option<Id>,
    /// `access-control-request-headers`, which is echoed.
    pub(in crate::http) headers: Option<Bytes>,
}

impl Wants {
    /// What a message wants and, where it says nothing, what headers and query say.
    pub(super) fn of(message: &Message, primitive: &Primitive) -> Result<Self, Refusal> {
        let given = |name: &str| {
            let own = message.get_exact(name).cloned();
            own.or_else(|| primitive.text(name).map(Value::Bytes))
        };
        let text = |name: &str| given(name).and_then(|value| value.as_name().cloned());
        let accept_bundle = given("accept-bundle");
        let bundle = match &accept_bundle {
            None => false,
            Some(value) if value.is_name("true") => true,
            Some(value) if value.is_name("false") => false,
            Some(_) => return Err(Refusal::AcceptBundle),
        };
        Ok(Self {
            required: text("require-codec"),
            accept: text("accept"),
            accept_bundle,
            bundle,
            signature: given("accept-signature").is_some(),
            named: None,
            headers: primitive.text("access-control-request-headers"),
        })
    }

    /// The same for a request with this path.
    pub(super) fn at(self, path: Option<&Value>) -> Self {
        let text = path.and_then(Value::as_bytes).and_then(|path| std::str::from_utf8(path).ok());
        let first = text
            .and_then(|text| text.trim_start_matches('/').split(['/', '~', '&', '?', '+']).next());
        Self { named: first.and_then(|id| id.parse().ok()), ..self }
    }

    /// What can be told of a request that could not be read: its answer is a sentence.
    pub(in crate::http) fn of_refused(primitive: &Primitive) -> Self {
        Self {
            bundle: true,
            headers: primitive.text("access-control-request-headers"),
            ..Self::default()
        }
    }

    /// The value of the request's key `accept-bundle`.
    pub(super) fn bundle_key(&self) -> Value {
        self.accept_bundle.clone().unwrap_or_else(|| Atom::FALSE.into())
    }
}
