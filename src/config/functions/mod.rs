//! The functions of the language, each as Terraform's of the same name.
//!
//! `table` lists them all; the other files hold a family each. Functions are pure but for those that
//! read files, which do so only through [`super::evaluate::Files`].

mod call;
mod collections;
mod conversions;
mod dates;
mod digests;
mod encoding;
mod files;
mod format;
mod network;
mod numbers;
mod row;
mod sets;
mod strings;
mod table;
mod texts;
mod yaml;

pub use table::{names, usage};
