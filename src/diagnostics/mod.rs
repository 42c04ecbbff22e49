//! Diagnostics: one type for what every command has to say about the user's files and wishes.
//!
//! [`Diagnostic`] is data. [`render`] alone turns it into text (rustc's look) or JSON (Terraform's
//! shape), and [`codes`] holds each code with the text of `replform explain`. Nothing here prints,
//! reads a file or asks for the time; the text that is pointed into comes through [`Texts`].

pub mod codes;
mod diagnostic;
mod render;
mod report;
mod span;

pub use codes::Code;
pub use diagnostic::{Diagnostic, Severity, has_errors};
pub use render::{Colour, render, render_all};
pub use report::{REPORT_FORMAT, Range, Report, Reported, Snippet};
pub use span::{FileId, Position, SourceText, Span, Texts};

mod nearest;
pub use nearest::{did_you_mean, nearest};
