//! Pages for people who look with a browser.

use bytes::Bytes;
use maud::{DOCTYPE, Markup, html};
use oxbeam_protocol::{Message, Value};

use super::Reply;

const HTML: &str = "text/html";
/// What of a value is shown, in characters.
const MAX_SHOWN: usize = 4096;

/// The page about a request that came to nothing. Source: spec 20, section 8.
pub(super) fn of_failure(status: u16, message: &Message) -> Reply {
    let (title, text) = match status {
        404 => ("404: not found", "There is nothing under this path.".to_owned()),
        _ => ("500: the request failed", details(message)),
    };
    let body = document(title, &html! { p { (text) } });
    Reply { status, headers: vec![("content-type".into(), HTML.into())], body }
}

fn details(message: &Message) -> String {
    let told = ["details", "body"].into_iter().find_map(|key| message.get(key));
    told.map(shown).unwrap_or_default()
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Integer(integer) => integer.to_string(),
        Value::Float(float) => float.to_string(),
        value => value
            .as_name()
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .unwrap_or_default(),
    };
    text.chars().take(MAX_SHOWN).collect()
}

fn document(title: &str, content: &Markup) -> Bytes {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Oxbeam" }
                style { "body{font:1rem/1.5 system-ui,sans-serif;margin:3rem auto;max-width:60rem;padding:0 1rem}th{text-align:left;vertical-align:top;padding-right:2rem}td{word-break:break-word}" }
            }
            body { h1 { (title) } (content) }
        }
    };
    page.into_string().into()
}
