//! Configuration: reads the user's files, parses HCL and its JSON form with places, and works
//! expressions out. The only reader of the user's files.
//!
//! `source` reads and keeps texts → `parse` (HCL) and `json` make one [`tree`] → [`evaluate`] works its
//! expressions out to [`value`]s, with [`functions`] and [`types`].

pub mod evaluate;
pub mod format;
pub mod functions;
pub mod json;
mod number;
pub mod parse;
mod references;
mod scan;
pub mod source;
pub mod tree;
pub mod types;
pub mod value;

mod convert;
mod operators;
mod template;
mod traversal;

#[cfg(test)]
mod tests;
