//! The functions of the language, each as Terraform's of the same name.
//!
//! `table` lists them all; the other files hold a family each. Functions are pure but for the three that
//! read files, which do so only through [`super::evaluate::Files`].

mod call;
mod table;

pub use table::names;
