//! The canonical layout of HCL, as `terraform fmt` lays it out.
//!
//! Text in, text out; keeps every comment, changes nothing but spacing, the quoting of labels and a few
//! redundant spellings. Works on tokens rather than on the syntax tree, so that no comment can get lost.
//! Must only be given text that parses; whoever calls it has asked [`super::parse`] first.

mod layout;
mod rewrite;
mod spacing;
mod tokens;

mod text;

pub use text::format;
