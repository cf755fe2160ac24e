//! Lists of addresses, as `scheduler`, `scheduler-location` and `authority` hold them.

use oxbeam_protocol::Value;

/// The addresses of a value: a list of texts, or one text with commas between them, each with or
/// without quotes. What is neither has none. Source: spec 10, section 2.
#[must_use]
pub fn addresses(value: &Value) -> Vec<String> {
    match value {
        Value::List(list) => list.iter().flat_map(addresses).collect(),
        Value::Map(map) => map.ascending().into_iter().flat_map(|(_, v)| addresses(v)).collect(),
        Value::Bytes(text) => {
            let text = String::from_utf8_lossy(text);
            let parts = text.split(',').map(|part| part.trim().trim_matches('"').trim());
            parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_in_every_form_that_clients_write() {
        let expected = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(addresses(&"a,b".into()), expected);
        assert_eq!(addresses(&"\"a\", \"b\"".into()), expected);
        assert_eq!(addresses(&["a", "b"].map(Value::from).into_iter().collect()), expected);
        assert!(addresses(&" , ".into()).is_empty());
        assert!(addresses(&1.into()).is_empty());
    }
}
