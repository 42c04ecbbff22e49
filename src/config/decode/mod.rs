//! From trees to the typed topology, block by block. What is wrong is collected, never the first error only.
//!
//! `structure` holds a tree against the language's table; `fields` works attributes out and `values` converts them;
//! one file per block makes the topology's types. Reads no file.

pub mod apps;
pub mod changes;
pub mod env;
pub mod fields;
pub mod instances;
pub mod replicas;
pub mod replications;
pub mod requirement;
pub mod servers;
pub mod ssh;
pub mod structure;
pub mod top;
pub mod values;

pub use structure::is_identifier;
