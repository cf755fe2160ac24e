use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Insert(u8, i64),
    Remove(u8),
    Write(u8, i64),
    /// Keeps the tree as it is, to be looked at again when others have gone on from it.
    Copy,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (any::<u8>(), any::<i64>()).prop_map(|(key, value)| Step::Insert(key, value)),
        2 => any::<u8>().prop_map(Step::Remove),
        2 => (any::<u8>(), any::<i64>()).prop_map(|(key, value)| Step::Write(key, value)),
        1 => Just(Step::Copy),
    ];
    vec(step, 0..300)
}

fn key(number: u8) -> Key {
    Key::from(number.to_string())
}

/// Takes a step on both, which must answer alike.
fn take(step: &Step, tree: &mut Tree, map: &mut BTreeMap<Key, Value>) {
    match step {
        Step::Insert(at, value) => {
            let (at, value) = (key(*at), Value::from(*value));
            assert_eq!(tree.insert(at.clone(), value.clone()), map.insert(at, value));
        }
        Step::Remove(at) => {
            let at = key(*at);
            assert_eq!(tree.remove(at.as_bytes()), map.remove(&at));
        }
        Step::Write(at, value) => {
            let at = key(*at);
            let (one, other) = (tree.get_mut(at.as_bytes()), map.get_mut(&at));
            assert_eq!(one, other);
            if let (Some(one), Some(other)) = (one, other) {
                (*one, *other) = (Value::from(*value), Value::from(*value));
            }
        }
        Step::Copy => {}
    }
}

fn assert_same(tree: &Tree, map: &BTreeMap<Key, Value>) {
    assert_eq!(tree.len(), map.len());
    assert!(tree.iter().eq(map.iter()));
    assert!(tree.iter().rev().eq(map.iter().rev()));
    for number in 0..=u8::MAX {
        assert_eq!(tree.get(key(number).as_bytes()), map.get(&key(number)));
    }
}

fn of(map: &BTreeMap<Key, Value>) -> Tree {
    Tree::from_sorted(map.iter().map(|(key, value)| (key.clone(), value.clone())))
}

fn changes(before: &BTreeMap<Key, Value>, after: &BTreeMap<Key, Value>) -> Vec<Key> {
    let mut keys: Vec<Key> = before.keys().chain(after.keys()).cloned().collect();
    keys.sort();
    keys.dedup();
    keys.retain(|key| before.get(key) != after.get(key));
    keys
}

proptest! {
    #[test]
    fn a_tree_and_all_its_copies_are_what_a_map_would_be(steps in steps()) {
        let (mut tree, mut map) = (Tree::default(), BTreeMap::new());
        let mut copies = Vec::new();
        for step in &steps {
            take(step, &mut tree, &mut map);
            if let Step::Copy = step {
                copies.push((tree.clone(), map.clone()));
            }
        }
        copies.push((tree.clone(), map.clone()));
        for (copy, expected) in &copies {
            assert_same(copy, expected);
            let differences: Vec<Key> =
                copy.differences(&tree).map(|change| change.key.clone()).collect();
            prop_assert_eq!(differences, changes(expected, &map));
            prop_assert_eq!(*copy == tree, *expected == map);
        }
    }

    #[test]
    fn the_shape_follows_from_the_keys(steps in steps()) {
        let (mut tree, mut map) = (Tree::default(), BTreeMap::new());
        steps.iter().for_each(|step| take(step, &mut tree, &mut map));
        let made = of(&map);
        assert_same(&made, &map);
        let shape = |tree: &Tree| {
            let mut links = vec![tree.root.clone()];
            let mut keys = Vec::new();
            while let Some(link) = links.pop() {
                keys.push(link.as_ref().map(|node| node.key().clone()));
                links.extend(link.iter().flat_map(|node| [node.left.clone(), node.right.clone()]));
            }
            keys
        };
        prop_assert_eq!(shape(&made), shape(&tree));
        prop_assert!(made == tree);
    }

    #[test]
    fn both_ends_of_an_iteration_meet(size in 0_usize..100, fronts in vec(any::<bool>(), 110)) {
        let map: BTreeMap<Key, Value> =
            (0..size).map(|number| (Key::number(number), Value::from("x"))).collect();
        let tree = of(&map);
        let (mut one, mut other) = (tree.iter(), map.iter());
        for front in fronts {
            let (one, other) = match front {
                true => (one.next(), other.next()),
                false => (one.next_back(), other.next_back()),
            };
            prop_assert_eq!(one, other);
        }
    }
}

fn numbered(size: usize) -> Tree {
    (0..size).fold(Tree::default(), |mut tree, number| {
        tree.insert(Key::number(number), Value::from("x"));
        tree
    })
}

fn depth(link: &Link) -> usize {
    link.as_ref().map_or(0, |node| 1 + depth(&node.left).max(depth(&node.right)))
}

#[test]
fn a_tree_of_keys_in_order_is_shallow() {
    // On the average some 40; the chance of a hundred is below one in 10^15.
    assert!(depth(&numbered(100_000).root) < 100);
}

/// Nodes that only this tree has.
fn own_nodes(link: &Link, others: &[*const Node]) -> usize {
    let Some(node) = link else { return 0 };
    if others.contains(&Arc::as_ptr(node)) {
        return 0;
    }
    1 + own_nodes(&node.left, others) + own_nodes(&node.right, others)
}

fn all_nodes(link: &Link, nodes: &mut Vec<*const Node>) {
    if let Some(node) = link {
        nodes.push(Arc::as_ptr(node));
        all_nodes(&node.left, nodes);
        all_nodes(&node.right, nodes);
    }
}

#[test]
fn a_write_to_a_copy_copies_the_way_to_it_alone() {
    let tree = numbered(4_000);
    let mut nodes = Vec::new();
    all_nodes(&tree.root, &mut nodes);
    let changed = |change: fn(&mut Tree)| {
        let mut copy = tree.clone();
        change(&mut copy);
        own_nodes(&copy.root, &nodes)
    };
    let none = changed(|copy| drop(copy.remove(b"no such key")));
    assert_eq!(none, 0);
    for change in [
        |copy: &mut Tree| *copy.get_mut(b"1234").unwrap() = Value::from("y"),
        |copy: &mut Tree| drop(copy.insert("1234x".into(), Value::from("y"))),
        |copy: &mut Tree| drop(copy.remove(b"1234")),
    ] {
        let copied = changed(change);
        assert!((1..100).contains(&copied), "{copied} nodes were copied");
    }
}
