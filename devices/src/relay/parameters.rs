//! What is sent, and where to. Source: spec 22, section 2.1.

use oxbeam_kernel::relay::Outbound;
use oxbeam_kernel::{Call, CallError, Context};
use oxbeam_protocol::{Message, Value};

use super::route;

/// A key of what a signed request of the node's says: that it was signed for somebody else.
pub(crate) const RELAYED: &str = "relayed";

/// The messages in which parameters are looked for.
struct Places<'a> {
    context: &'a Context,
    base: &'a Message,
    target: Message,
    request: &'a Message,
}

/// One of them.
#[derive(Clone, Copy)]
enum Place {
    Base,
    Target,
    Request,
}
use Place::{Base, Request, Target};

impl<'a> Places<'a> {
    async fn of(call: &'a Call) -> Result<Self, CallError> {
        let Call { base, request, context, .. } = call;
        let target = target(context, base, request).await?;
        Ok(Self { context, base, target, request })
    }

    /// What the first of these places has under its key.
    async fn first(&self, places: &[(Place, &str)]) -> Result<Option<Value>, CallError> {
        for (place, key) in places {
            let message = match place {
                Base => self.base,
                Target => &self.target,
                Request => self.request,
            };
            if let Some(value) = self.context.get(message, key).await? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    async fn text(&self, places: &[(Place, &str)]) -> Result<Option<String>, CallError> {
        let Some(value) = self.first(places).await? else { return Ok(None) };
        let text = value.as_name().and_then(|text| std::str::from_utf8(text).ok());
        let key = places.first().map_or("", |(_, key)| key);
        let wrong = || CallError::BadRequest(format!("`{key}` of what is passed on must be text"));
        text.map(|text| Some(text.to_owned())).ok_or_else(wrong)
    }

    async fn wants_commitment(&self) -> Result<bool, CallError> {
        let places = [
            (Target, "commit-request"),
            (Request, "relay-commit-request"),
            (Base, "relay-commit-request"),
            (Request, "commit-request"),
            (Base, "commit-request"),
        ];
        let wanted = self.first(&places).await?;
        Ok(matches!(wanted, Some(Value::Atom(word)) if word.name() == "true"))
    }
}

/// The message that is passed on: the base, or what the request says.
async fn target(
    context: &Context,
    base: &Message,
    request: &Message,
) -> Result<Message, CallError> {
    let named = request.get("target").and_then(Value::as_name).filter(|name| *name != "self");
    let Some(name) = named else { return Ok(base.clone()) };
    let named = std::str::from_utf8(name).unwrap_or_default();
    let found = match context.get(request, named).await? {
        Some(found) => Some(found),
        None => context.get(request, "body").await?,
    };
    match found {
        Some(Value::Map(message)) => Ok(message),
        _ => Err(CallError::BadRequest("`target` names no message of the request".into())),
    }
}

/// What a call asks to pass on.
pub(super) async fn outbound(call: &Call) -> Result<Outbound, CallError> {
    let places = Places::of(call).await?;
    let path = places
        .text(&[(Base, "path"), (Target, "path"), (Request, "relay-path"), (Base, "relay-path")])
        .await?
        .ok_or_else(|| CallError::BadRequest("there is no `relay-path` to send to".into()))?;
    let method = [
        (Base, "method"),
        (Target, "method"),
        (Request, "relay-method"),
        (Base, "relay-method"),
        (Request, "method"),
    ];
    let method = places.text(&method).await?.unwrap_or_else(|| "GET".to_owned());
    let peer = places.text(&[(Base, "peer"), (Target, "peer"), (Request, "peer")]).await?;
    let message = message(call, &places).await?;
    let to = match peer {
        Some(peer) => route::Target::of_peer(&peer, &path),
        None => route::target(&call.context, &message, &path).await?,
    };
    let route::Target { url, configured } = to;
    Ok(Outbound { method: method.to_ascii_uppercase(), url, configured, message })
}

async fn message(call: &Call, places: &Places<'_>) -> Result<Message, CallError> {
    let device = [(Base, "relay-device"), (Target, "relay-device"), (Request, "relay-device")];
    let body = [
        (Base, "body"),
        (Target, "body"),
        (Request, "relay-body"),
        (Base, "relay-body"),
        (Request, "body"),
    ];
    let mut message = places.target.clone().without_private().without(&["path", "host", "device"]);
    if let Some(device) = places.first(&device).await? {
        message.insert("device", device);
    }
    if let Some(body) = places.first(&body).await? {
        message.insert("body", body);
    }
    let Value::Map(message) = call.context.load_all(message.into()).await? else {
        return Err(CallError::Raised("what is passed on is no message".into()));
    };
    match places.wants_commitment().await? {
        true => signed(call, message).await,
        false => Ok(message),
    }
}

/// The message with the node's signature. It says for whom that was made: it would else be a request of
/// the operator's for whoever sent it back here.
async fn signed(call: &Call, message: Message) -> Result<Message, CallError> {
    if !call.context.settings().relay.signs {
        return Err(CallError::Raised("relay_commit_request_not_allowed".into()));
    }
    call.context.node().sign(message.with(RELAYED, "true"), None).await
}
