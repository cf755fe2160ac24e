//! How large a module may be. Together they bound the time and memory that compiling takes.
//!
//! The largest modules of the network (aos, AssemblyScript and Rust programs, databases compiled to
//! WebAssembly) have some megabytes, thousands of functions and tens of imports.

/// Bytes of a module: 16 MiB.
pub const BYTES: usize = 16 << 20;
/// Function types.
pub const TYPES: u32 = 10_000;
/// Parameters of a function or block.
pub const PARAMETERS: usize = 256;
/// Results of a function or block.
pub const RESULTS: usize = 64;
/// Imported functions.
pub const IMPORTS: u32 = 1_000;
/// Functions of its own.
pub const FUNCTIONS: u32 = 50_000;
/// Bytes of one function's body: 2 MiB, also once exceptions are lowered.
pub const FUNCTION_BYTES: usize = 2 << 20;
/// Local variables of one function, its parameters not counted.
pub const LOCALS: u32 = 20_000;
/// Local variables of all functions together.
pub const ALL_LOCALS: u64 = 2_000_000;
/// Globals.
pub const GLOBALS: u32 = 10_000;
/// Tables.
pub const TABLES: u32 = 64;
/// Linear memories.
pub const MEMORIES: u32 = 1;
/// Exports.
pub const EXPORTS: u32 = 50_000;
/// Bytes of an import's or export's name.
pub const NAME_BYTES: usize = 4_096;
/// Element segments.
pub const ELEMENT_SEGMENTS: u32 = 10_000;
/// Elements of all element segments together.
pub const ELEMENTS: u64 = 1_000_000;
/// Data segments.
pub const DATA_SEGMENTS: u32 = 50_000;
