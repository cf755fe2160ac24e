//! The program `oxbeam`.

fn main() {}
