//! Errors as a guest gets them. Source: WASI snapshot preview 1, `errno`.

/// Why a function of the host did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Errno {
    /// What is asked for is too long. Also what there is instead of a clock.
    TooBig = 1,
    /// No such descriptor.
    BadDescriptor = 8,
    /// The path is there already.
    Exists = 20,
    /// The guest has no such memory.
    Fault = 21,
    /// The file would be too large.
    FileTooBig = 22,
    /// The arguments make no sense.
    Invalid = 28,
    /// The path is a folder.
    IsFolder = 31,
    /// The guest has too many descriptors.
    TooManyDescriptors = 33,
    /// There is nothing at the path.
    NotFound = 44,
    /// All files together would be too large.
    NoSpace = 51,
    /// A part of the path is no folder.
    NotFolder = 54,
}
