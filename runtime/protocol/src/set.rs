//! Changing messages: deep merge, unset, and what becomes of commitments. Source: spec 05, section
//! 7.4 and spec 03, section 10.

use std::collections::BTreeSet;

use crate::codec::flat::components;
use crate::commitment::base::unlinked;
use crate::commitment::{COMMITMENTS, Commitment};
use crate::limits::MAX_DEPTH;
use crate::{Key, Message, Value};

/// Keys of a request that say what to do, and are not set.
const NOT_SET: [&str; 9] =
    ["id", "commitments", "committers", "keys", "path", "set", "remove", "verify", "set-mode"];
/// The atom that deletes a key.
const UNSET: &str = "unset";
/// The atom that stands for no value, so that its key is not set.
const UNDEFINED: &str = "undefined";

/// A change that cannot be made. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// The result would be nested deeper than [`MAX_DEPTH`].
    #[error("key {key} would be nested more than {MAX_DEPTH} deep")]
    TooDeep {
        /// The key at fault.
        key: Key,
    },
}

impl Message {
    /// The message with the keys of `request` set.
    ///
    /// Maps are merged into maps, other values replaced; with `set-mode: explicit` maps are replaced
    /// too. A key with `/` names a nested value, the atom `unset` deletes a key of the top level, a
    /// key with the atom `undefined` is left as it is. If the value of a committed key changes, the
    /// commitments no longer hold and are dropped.
    ///
    /// # Errors
    /// A change that nests too deep.
    pub fn set(&self, request: &Self) -> Result<Self, SetError> {
        let merge = !request.get("set-mode").is_some_and(|mode| mode.is_name("explicit"));
        let changes = request.iter().filter(|(key, value)| {
            NOT_SET.iter().all(|name| **key != *name) && !is_atom(value, UNDEFINED)
        });
        let mut result = self.clone();
        let mut touched = BTreeSet::new();
        for (key, value) in changes {
            if is_atom(value, UNSET) {
                result.remove(key);
                touched.insert(key.clone());
            } else {
                let path: Vec<Key> = path(key);
                touched.extend(path.first().cloned());
                place(&mut result, &path, value, merge, 1)?;
            }
        }
        let changed = |key: &Key| self.get_exact(key) != result.get_exact(key);
        if committed(self).any(|key| touched.contains(&key) && changed(&key)) {
            result.remove(COMMITMENTS);
        }
        Ok(result)
    }
}

fn is_atom(value: &Value, name: &str) -> bool {
    matches!(value, Value::Atom(atom) if atom.name() == name)
}

fn committed(message: &Message) -> impl Iterator<Item = Key> {
    Commitment::all(message).flat_map(|one| one.committed()).map(|key| unlinked(&key))
}

/// How deep a value is nested, itself counted; no further than one past the limit.
fn depth_of(value: &Value, depth: usize) -> usize {
    let deepest = |values: &mut dyn Iterator<Item = &Value>| {
        values.map(|value| depth_of(value, depth + 1)).max().unwrap_or(depth)
    };
    match value {
        Value::Map(_) | Value::List(_) if depth > MAX_DEPTH => depth,
        Value::Map(map) => deepest(&mut map.iter().map(|(_, value)| value)),
        Value::List(list) => deepest(&mut list.iter()),
        _ => depth,
    }
}

fn path(key: &Key) -> Vec<Key> {
    let shared = key.to_bytes();
    let path: Vec<Key> = components(key).map(|name| shared.slice_ref(name).into()).collect();
    if path.is_empty() { vec![key.clone()] } else { path }
}

fn place(
    map: &mut Message,
    path: &[Key],
    value: &Value,
    merge: bool,
    depth: usize,
) -> Result<(), SetError> {
    let Some((key, rest)) = path.split_first() else { return Ok(()) };
    if rest.is_empty() && depth_of(value, depth) > MAX_DEPTH + 1 || depth + rest.len() > MAX_DEPTH {
        return Err(SetError::TooDeep { key: key.clone() });
    }
    if !rest.is_empty() {
        return place_in(map, key, |child| place(child, rest, value, merge, depth + 1));
    }
    match value {
        // A nested `unset` leaves what is there.
        Value::Atom(atom) if atom.name() == UNSET => Ok(()),
        Value::Map(entries) if merge && matches!(map.get_exact(key), Some(Value::Map(_))) => {
            place_in(map, key, |child| merge_into(child, entries, depth + 1))
        }
        value if fits(value, MAX_DEPTH - depth) => {
            map.insert(key.clone(), value.clone());
            Ok(())
        }
        _ => Err(SetError::TooDeep { key: key.clone() }),
    }
}

/// Whether a value is nested no deeper than this.
fn fits(value: &Value, depth: usize) -> bool {
    match value {
        Value::Map(map) => depth > 0 && map.iter().all(|(_, value)| fits(value, depth - 1)),
        Value::List(list) => depth > 0 && list.iter().all(|value| fits(value, depth - 1)),
        _ => true,
    }
}

fn merge_into(map: &mut Message, entries: &Message, depth: usize) -> Result<(), SetError> {
    entries.iter().try_for_each(|(key, value)| place(map, &path(key), value, true, depth))
}

/// Writes to the nested message under a key; what else is there is replaced by one.
fn place_in(
    map: &mut Message,
    key: &Key,
    write: impl FnOnce(&mut Message) -> Result<(), SetError>,
) -> Result<(), SetError> {
    if !matches!(map.get_exact(key), Some(Value::Map(_))) {
        map.insert(key.clone(), Message::new());
    }
    map.child_mut(key).map_or(Ok(()), write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Atom;

    fn base() -> Message {
        Message::from([
            ("a", Value::from("1")),
            ("m", Message::from([("x", "1"), ("y", "2")]).into()),
        ])
    }

    #[test]
    fn maps_merge_and_other_values_replace() {
        let request =
            Message::new().with("a", "2").with("m", Message::from([("y", "3"), ("z", "4")]));
        let expected = Message::from([
            ("a", Value::from("2")),
            ("m", Message::from([("x", "1"), ("y", "3"), ("z", "4")]).into()),
        ]);
        assert_eq!(base().set(&request), Ok(expected));
    }

    #[test]
    fn an_explicit_set_replaces_maps() {
        let request =
            Message::new().with("m", Message::from([("z", "4")])).with("set-mode", "explicit");
        let result = base().set(&request).unwrap();
        assert_eq!(result.get("m"), Some(&Message::from([("z", "4")]).into()));
    }

    #[test]
    fn a_slash_names_a_nested_value() {
        let result = base().set(&Message::from([("m/x", "9"), ("n/o/p", "1")])).unwrap();
        assert_eq!(result.get("m").unwrap().as_map().unwrap().get("x"), Some(&"9".into()));
        assert!(result.get("n").unwrap().as_map().unwrap().get("o").is_some());
    }

    #[test]
    fn unset_deletes_at_the_top_level_only() {
        let unset = Atom::from_static(UNSET);
        let request =
            Message::new().with("a", unset.clone()).with("m", Message::from([("x", unset)]));
        let result = base().set(&request).unwrap();
        assert!(!result.contains("a"));
        assert_eq!(result.get("m"), base().get("m"));
    }

    #[test]
    fn an_undefined_value_is_not_set() {
        let undefined = Atom::from_static(UNDEFINED);
        let request = Message::from([("a", undefined.clone()), ("b", undefined)]);
        assert_eq!(base().set(&request), Ok(base()));
    }

    #[test]
    fn a_changed_committed_key_drops_the_commitments() {
        let commitment =
            Message::new().with("committed", ["a"].into_iter().map(Value::from).collect::<Value>());
        let message = base().with(COMMITMENTS, Message::from([("id", commitment)]));
        let kept = message.set(&Message::from([("a", "1"), ("b", "2")])).unwrap();
        assert!(kept.contains(COMMITMENTS), "what is committed is the same");
        let changed = message.set(&Message::from([("a", "2")])).unwrap();
        assert!(!changed.contains(COMMITMENTS));
        let same = message.set(&Message::from([("a", "1")])).unwrap();
        assert!(same.contains(COMMITMENTS));
        let other = message.set(&Message::from([("b", "2")])).unwrap();
        assert!(other.contains(COMMITMENTS));
    }

    #[test]
    fn a_path_deeper_than_the_limit_is_refused() {
        let key = vec!["k"; MAX_DEPTH + 1].join("/");
        assert!(matches!(base().set(&Message::from([(key, "1")])), Err(SetError::TooDeep { .. })));
        let key = vec!["k"; MAX_DEPTH].join("/");
        assert!(base().set(&Message::from([(key, "1")])).is_ok());
    }
}
