//! Configuration: reads the user's files, parses HCL and its JSON form with places, and works
//! expressions out. The only reader of the user's files.
//!
//! `source` reads and keeps texts → `parse` (HCL) and `json` make one [`tree`] → [`evaluate`] works its
//! expressions out to [`value`]s, with [`functions`] and [`types`].

mod addresses;
mod checks;
pub mod console;
mod decode;
pub mod evaluate;
pub mod format;
pub mod functions;
mod given;
pub mod json;
pub mod language;
mod lazy;
mod load;
mod number;
pub mod parse;
mod references;
mod scan;
pub mod source;
mod stacks;
pub mod tree;
pub mod types;
pub mod value;
mod variables;
mod world;

pub use given::Inputs;
pub use lazy::told;
pub use load::{Failed, Loaded, load, with_world};
pub use world::World;

mod convert;
mod operators;
mod template;
mod traversal;

#[cfg(test)]
mod tests;
