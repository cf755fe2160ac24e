//! The table of options as `docs/configuration.md` has it.

use std::fmt::Write as _;

use super::option::{Change, NodeOption, Preset};
use super::options::OPTIONS;

/// The line of `docs/configuration.md` after which the table begins.
pub const OPTIONS_BEGIN: &str =
    "<!-- options: written from the code, `make docs` renews them -->\n";
/// The line before which it ends.
pub const OPTIONS_END: &str = "<!-- end of options -->\n";

/// All options as a table in Markdown.
#[must_use]
pub fn document() -> String {
    let mut text = String::from(
        "| Option | Type | Default | Unit | Change takes effect | What it does |\n|---|---|---|---|---|---|\n",
    );
    for option in OPTIONS {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} |",
            option.name,
            kind(option),
            preset(option),
            option.unit,
            effect(option),
            option.doc
        );
    }
    text
}

fn kind(option: &NodeOption) -> String {
    let expected = option.kind.expected();
    let kind = expected.strip_prefix("an ").or_else(|| expected.strip_prefix("a "));
    kind.unwrap_or(&expected).to_owned()
}

fn preset(option: &NodeOption) -> String {
    match option.preset {
        Preset::Unset => "unset".to_owned(),
        Preset::Word(text) | Preset::Text(text) => format!("`{text}`"),
        Preset::Integer(number) => number.to_string(),
        Preset::List(texts) => format!("`[{}]`", texts.join(", ")),
        Preset::Table => "`{}`".to_owned(),
    }
}

fn effect(option: &NodeOption) -> &'static str {
    match (option.change, option.is_secret()) {
        (_, true) => "with a restart; never shown",
        (Change::Running, false) => "at once",
        (Change::Restart, false) => "with a restart",
    }
}
