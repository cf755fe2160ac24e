//! Configuration files. The ending says which form a file has.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use config::{FileFormat, Format, Map, Value};

use super::flat::Flat;
use crate::configuration::error::ConfigurationError;

/// The options in a file, as they are written there.
pub(super) fn read(file: &Path) -> Result<Map<String, Value>, ConfigurationError> {
    let form: &dyn Format = match file.extension().and_then(|ending| ending.to_str()) {
        Some("toml") => &FileFormat::Toml,
        Some("json") => &FileFormat::Json,
        Some("flat") => &Flat,
        _ => return Err(ConfigurationError::UnknownForm { file: file.to_owned() }),
    };
    let origin = file.display().to_string();
    let unreadable = |reason: String| {
        let origin = origin.clone();
        ConfigurationError::Unreadable { origin, reason }
    };
    let text = fs::read_to_string(file).map_err(|error| {
        unreadable(match error.kind() {
            ErrorKind::NotFound => "there is no such file".into(),
            ErrorKind::PermissionDenied => "no permission: let the node's user read it".into(),
            _ => error.to_string(),
        })
    })?;
    form.parse(Some(&origin), &text).map_err(|error| unreadable(on_one_line(&error.to_string())))
}

/// What parsers say with a drawing of the place, as a sentence.
fn on_one_line(text: &str) -> String {
    let drawn = |line: &str| line.contains('|') || line.trim_start().starts_with('^');
    let lines = text.lines().filter(|line| !drawn(line)).map(str::trim);
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(": ")
}
