//! Configuration: reads the user's files, parses HCL and its JSON form with places, and works
//! expressions out. The only reader of the user's files.
//!
//! [`load`] makes a [`Topology`](crate::topology::Topology) of a directory, or says all that is wrong with it:
//!
//! `source` reads and keeps texts → `parse` (HCL) and `json` make one [`tree`] → `decode` holds it against the table of
//! the [`language`] and makes typed blocks of it; names are worked out when they are first asked for (`world`, `stacks`,
//! `lazy`, `variables`, `given`) → `checks` compares blocks with one another. [`evaluate`] works expressions out to
//! [`value`]s, with [`functions`] and [`types`]. [`mod@format`] and [`console`] stand beside that way.

mod addresses;
mod budget;
mod checks;
pub mod console;
mod conversion;
mod convert;
mod decode;
pub mod evaluate;
pub mod format;
pub mod functions;
mod given;
pub mod json;
pub mod language;
mod lazy;
mod load;
mod loops;
mod number;
mod operators;
pub mod parse;
mod references;
mod scan;
mod scope;
pub mod source;
mod stacks;
mod template;
mod traversal;
pub mod tree;
pub mod types;
pub mod value;
mod variables;
mod wording;
mod world;

pub use given::Inputs;
pub use lazy::told;
pub use load::{Failed, Loaded, load, with_world};
pub use world::World;

#[cfg(test)]
mod tests;
