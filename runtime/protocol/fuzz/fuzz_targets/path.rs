//! Requests: lines `name: value`, the first of them a path without a name.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use oxbeam_protocol::path::{PATH, Step, parse, to_singleton};
use oxbeam_protocol_fuzz::flat_message;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (path, keys) = input.split_at(end);
    let request = flat_message(keys).with(PATH, Bytes::copy_from_slice(path));
    let Ok(steps) = parse(&request) else { return };
    count(&steps);
    // Not every list of steps is written; one that is, says the same.
    if let Ok(written) = to_singleton(&steps) {
        assert_eq!(parse(&written), Ok(steps), "other steps when written and read");
    }
});

/// Goes through all steps, those of sub-paths too, as a node would.
fn count(steps: &[Step]) -> usize {
    let sub_paths = steps.iter().flat_map(|step| match step {
        Step::Id(_) => Vec::new(),
        Step::SubPath(steps) => vec![steps],
        Step::Request(request) | Step::As { request, .. } => request.pending.values().collect(),
    });
    steps.len() + sub_paths.map(|steps| count(steps)).sum::<usize>()
}
