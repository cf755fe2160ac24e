//! What a caller changed in the value that it was given.

use super::*;

/// Altered tables that are replaced one by one, each with the whole way to it. With more of them
/// there is little left of the table that does not cross, and the ways could be longer than it.
const MAX_ALTERED: usize = 4096;

/// What is to be changed in the guest's table, with the keys that it has there.
struct Differences<'a> {
    kept: &'a Kept,
    count: usize,
    written: Outgoing,
    path: Vec<Key>,
}

impl Kept {
    /// Writes the guest's table as the caller wants it: as kept, with changes. `None` when it is
    /// another table altogether, or too much of it is.
    pub(in super::super) fn differences(&self, wanted: &Value) -> Option<Vec<u8>> {
        let (Value::Map(kept), Value::Map(wanted)) = (&self.value, wanted) else { return None };
        if self.altered.contains(&self.root) || self.altered.len() > MAX_ALTERED {
            return None;
        }
        let mut differences =
            Differences { kept: self, count: 0, written: Outgoing::default(), path: Vec::new() };
        differences.maps(self.root, kept, wanted);
        differences.altered(&Value::Map(wanted.clone()))?;
        let mut out = Outgoing::default();
        out.tag(b'k');
        out.count(differences.count);
        let mut out = out.into_bytes();
        out.extend(differences.written.into_bytes());
        Some(out)
    }
}

impl Differences<'_> {
    fn change(&mut self, key: &Key, value: Option<&Value>) {
        self.path.push(key.clone());
        self.count += 1;
        self.written.change(&self.path, value);
        self.path.pop();
    }

    /// What is gone first, then what is set, both in byte order of their keys.
    fn maps(&mut self, id: u64, kept: &Message, wanted: &Message) {
        let changes: Vec<_> = wanted.changes_since(kept).collect();
        for gone in changes.iter().filter(|change| change.after.is_none()) {
            self.change(&Key::Text(gone.key.to_bytes()), None);
        }
        for change in changes {
            let key = Key::Text(change.key.to_bytes());
            match (change.before, change.after) {
                (Some(before), Some(after)) => self.values(id, &key, before, after),
                (None, Some(after)) => self.change(&key, Some(after)),
                (_, None) => {}
            }
        }
    }

    /// Two values that differ.
    fn values(&mut self, holder: u64, key: &Key, kept: &Value, wanted: &Value) {
        let id = self.kept.tables.get(&holder).and_then(|known| known.tables.get(key)).copied();
        // Those that are altered are replaced, whether they differ or not.
        if id.is_some_and(|id| self.kept.altered.contains(&id)) {
            return;
        }
        match (kept, wanted, id) {
            (Value::Map(kept), Value::Map(wanted), Some(id))
                if !kept.is_empty() && !wanted.is_empty() =>
            {
                self.path.push(key.clone());
                self.maps(id, kept, wanted);
                self.path.pop();
            }
            _ if same(kept, wanted) => {}
            _ => self.change(key, Some(wanted)),
        }
    }

    /// Replaces tables that the script would see otherwise if they had crossed the border.
    fn altered(&mut self, wanted: &Value) -> Option<()> {
        for id in &self.kept.altered {
            // One that is gone, or was replaced, is right.
            if let Some(path) = self.kept.outermost(*id).ok()?
                && let Some(now) = path.iter().try_fold(wanted, look)
            {
                let (key, outer) = path.split_last()?;
                self.path = outer.to_vec();
                self.change(&key.clone(), Some(now));
            }
        }
        self.path.clear();
        Some(())
    }
}

impl Kept {
    /// The keys that lead to an altered table, unless it lies in another, with which it is replaced.
    fn outermost(&self, id: u64) -> Result<Option<Vec<Key>>, Shared> {
        let mut holder = id;
        while holder != self.root {
            holder = self.tables.get(&holder).ok_or(Shared)?.place.0;
            if self.altered.contains(&holder) {
                return Ok(None);
            }
        }
        self.path(id).map(Some)
    }
}

/// Whether two values are the same, also if both are no number, which otherwise is equal to itself
/// only where it is shared: a copy made anew would differ from one that lived on.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter().zip(b.iter()).all(|((a, x), (b, y))| a == b && same(x, y))
        }
        _ => a == b,
    }
}
