//! Places where tests make the store fail, panic or abort. Nothing is left of them in a build
//! without the feature `failpoints`.

use crate::error::StoreError;

/// Names of all of them, in the order in which a checkpoint meets them.
#[cfg(feature = "failpoints")]
pub const FAILPOINTS: [&str; 12] = [
    "write::before",
    "sync::before",
    "sync::after",
    "write::after",
    "answer::before",
    "answer::after",
    "page::before",
    "page::after",
    "checkpoint::before",
    "checkpoint::after",
    "collection::before",
    "collection::after",
];

/// Fails where a test says so.
#[cfg_attr(not(feature = "failpoints"), inline(always))]
pub(crate) fn pass(name: &'static str) -> Result<(), StoreError> {
    fail::fail_point!(name, |how: Option<String>| {
        if how.as_deref() == Some("abort") {
            std::process::abort();
        }
        let source = std::sync::Arc::new(std::io::Error::other(name));
        Err(StoreError::WriteFailed { action: "pass a failpoint", source })
    });
    let _ = name;
    Ok(())
}
