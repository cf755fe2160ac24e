//! What holds for every message, and at every limit, tried through the public API.

#[cfg(test)]
mod properties {
    /// Messages of every shape, and what each form can carry of them.
    mod generators;
    /// Wallets and a store for the tests.
    mod support;

    /// What is written reads back.
    mod codecs;
    /// What lies deeper than anything may.
    mod depth;
    /// The chain of steps.
    mod hashpaths;
    /// What does not change an id.
    mod ids;
    /// Each limit at its last value and one past it.
    mod limits;
    /// Signatures that hold, also after a journey.
    mod signatures;
    /// Signatures that must not hold.
    mod tampering;
}
