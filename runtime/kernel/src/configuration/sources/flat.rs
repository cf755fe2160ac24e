//! `config.flat`: lines `key: value`, keys being paths. Source: spec 21, section 7.
//!
//! It is `flat@1.0`, read here because that codec leaves out private keys, of which the wallet's
//! place is one.

use std::error::Error;

use config::{Format, Map, Value, ValueKind};
use oxbeam_protocol::limits::MAX_DEPTH;

/// The form of the reference node's own configuration file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flat;

impl Format for Flat {
    /// A line without a `": "`, or with more than one, is no option.
    fn parse(
        &self,
        origin: Option<&String>,
        text: &str,
    ) -> Result<Map<String, Value>, Box<dyn Error + Send + Sync>> {
        let mut options = Map::new();
        for line in text.lines() {
            let Some((path, value)) = line.trim_end().split_once(": ") else { continue };
            if !value.contains(": ") {
                let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
                place(&mut options, &names, Value::new(origin, value))?;
            }
        }
        Ok(options)
    }
}

/// Puts a value at its path. Recursion ends with the path's length, which is bounded.
fn place(table: &mut Map<String, Value>, path: &[&str], value: Value) -> Result<(), String> {
    if path.len() > MAX_DEPTH {
        return Err(format!("a key has more than {MAX_DEPTH} parts"));
    }
    match path {
        [] => Err("a line has no key".to_owned()),
        [name] => match table.insert((*name).to_owned(), value) {
            Some(Value { kind: ValueKind::Table(_), .. }) => {
                Err(format!("{name} has both a value and parts"))
            }
            _ => Ok(()),
        },
        [name, rest @ ..] => {
            let empty = || Value::new(None, ValueKind::Table(Map::new()));
            match &mut table.entry((*name).to_owned()).or_insert_with(empty).kind {
                ValueKind::Table(inner) => place(inner, rest, value),
                _ => Err(format!("{name} has both a value and parts")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Map<String, Value>, String> {
        Flat.parse(None, text).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_are_options_and_paths_are_tables() {
        let options = parse("port: 1234  \r\nroutes/1/node: x\nno option\na: b: c\n").unwrap();
        assert_eq!(options.len(), 2);
        assert_eq!(options["port"], Value::from("1234"));
        let routes = options["routes"].clone().into_table().unwrap();
        assert!(routes["1"].clone().into_table().unwrap().contains_key("node"));
    }

    #[test]
    fn a_name_is_a_value_or_a_table() {
        assert!(parse("a: 1\na/b: 2\n").unwrap_err().contains("both"));
        assert!(parse("a/b: 2\na: 1\n").unwrap_err().contains("both"));
        assert!(parse("/: 1\n").unwrap_err().contains("no key"));
    }
}
