//! A guest's answer as results. Source: spec 13, section 6.2.

use oxbeam_kernel::{CallError, Context};
use oxbeam_protocol::commitment::unsigned_id;
use oxbeam_protocol::{Key, List, Message, Value};
use serde_json::{Map, Value as Json};

use super::value::value;

/// Keys of a guest's message that are the node's to set, or are spelt otherwise.
const NOT_SENT: [&str; 4] = ["from-process", "from-image", "anchor", "tags"];

/// An answer as values. Making them takes its time, and needs no node.
pub(super) struct Answer {
    data: Value,
    messages: Vec<Message>,
    patches: List,
}

impl Answer {
    /// The values of an answer.
    pub(super) fn of(answer: Json) -> Result<Self, CallError> {
        let mut answer = response(answer)?;
        let (data, messages) = match answer.remove("Error") {
            Some(error) => (error, Vec::new()),
            None => (data(&mut answer), array(answer.remove("Messages"))),
        };
        let patches = array(answer.remove("patches")).into_iter().map(|patch| tags(&patch));
        Ok(Self {
            data: value(data),
            messages: messages.into_iter().map(entry).collect(),
            patches: patches.map(Value::from).collect(),
        })
    }
}

/// The base with the results of an answer.
pub(super) async fn results(
    context: &Context,
    base: &Message,
    answer: Answer,
) -> Result<Message, CallError> {
    let Answer { data, messages, patches } = answer;
    let sender = Sender::of(context, base).await?;
    let outbox = messages.into_iter().map(|message| sender.sent(message));
    let outbox: Message =
        (1..).map(Key::number).zip(outbox).map(|(key, entry)| (key, Value::from(entry))).collect();
    let results = match context.get(base, "results").await? {
        Some(Value::Map(results)) => results,
        _ => Message::new(),
    };
    let results = results.with("data", data).with("outbox", outbox).with("patches", patches);
    Ok(base.clone().with("results", results))
}

/// The response of an answer that is well.
fn response(answer: Json) -> Result<Map<String, Json>, CallError> {
    if let Json::Object(mut answer) = answer
        && answer.get("ok") == Some(&Json::Bool(true))
        && let Some(Json::Object(response)) = answer.remove("response")
    {
        return Ok(response);
    }
    Err(CallError::Raised("the guest's answer is not ok".into()))
}

/// What is shown of an answer: `Output.data`, else `Data`, else nothing.
fn data(answer: &mut Map<String, Json>) -> Json {
    let output = match answer.get_mut("Output") {
        Some(Json::Object(output)) => output.remove("data"),
        _ => None,
    };
    output.or_else(|| answer.remove("Data")).unwrap_or_else(|| "".into())
}

fn array(json: Option<Json>) -> Vec<Json> {
    match json {
        Some(Json::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// The tags of a message as its keys, in their own case.
fn tags(message: &Json) -> Message {
    let tags = message.get("Tags").and_then(Json::as_array).into_iter().flatten();
    let tag = |tag: &Json| {
        let name = tag.get("name")?.as_str()?.to_owned();
        Some((Key::from(name), value(tag.get("value")?.clone())))
    };
    tags.filter_map(tag).collect()
}

/// A message as it is sent: its own keys, with each tag as one more.
fn entry(message: Json) -> Message {
    let tags = tags(&message);
    let Value::Map(message) = value(message) else { return tags };
    let mut entry = message.without(&NOT_SENT);
    entry.extend(tags);
    entry
}

/// Who sends an outbox.
struct Sender {
    process: Value,
    image: Option<Value>,
}

impl Sender {
    async fn of(context: &Context, base: &Message) -> Result<Self, CallError> {
        let Some(process) = context.get(base, "process").await? else {
            return Ok(Self { process: Value::from_static(""), image: None });
        };
        let image = match &process {
            Value::Map(process) => context.get(process, "image").await?,
            _ => None,
        };
        Ok(Self { process: unsigned_id(&process)?.to_string().into(), image })
    }

    fn sent(&self, entry: Message) -> Message {
        let entry = entry.with("from-process", self.process.clone());
        match &self.image {
            Some(image) => entry.with("from-image", image.clone()),
            None => entry,
        }
    }
}
