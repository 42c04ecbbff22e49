//! The values that are given for variables: from the environment, from files, from the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::evaluate::Budget;
use super::json::{Schema, parse_json};
use super::parse::parse_hcl;
use super::source::Sources;
use super::value::Value;
use super::variables::constant;
use crate::diagnostics::{Diagnostic, Severity, Span, codes, did_you_mean};

/// Where values come from, besides the `*.auto.rfvars` files of the directory.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// `-var-file`, in the order given; relative to the directory.
    pub var_files: Vec<PathBuf>,
    /// `-var NAME=VALUE`, in the order given.
    pub vars: Vec<String>,
    /// `REPLFORM_VAR_name`, by name.
    pub environment: BTreeMap<String, String>,
    /// What `~` means in the paths of files that expressions read.
    pub home: Option<PathBuf>,
}

/// A given value.
#[derive(Clone, Debug)]
pub enum GivenValue {
    /// Text, to be read as the variable's type wants; `from` says where it came from.
    Text {
        /// The text.
        text: String,
        /// `-var x`, `REPLFORM_VAR_x`.
        from: String,
    },
    /// Worked out already.
    Value(Value),
    /// Its error has been told.
    Unreadable(Span),
}

/// The winning value of each name.
#[derive(Debug, Default)]
pub struct Given {
    values: BTreeMap<String, GivenValue>,
    /// Names that were given in a file, with their places.
    in_files: Vec<(String, Span)>,
    /// Names that were given with `-var`.
    on_command_line: Vec<String>,
}

/// A variables file has attributes only.
struct NoBlocks;

impl Schema for NoBlocks {
    fn block(&self, _path: &[&str]) -> Option<usize> {
        None
    }
}

impl Given {
    /// Reads everything that is given, the weakest first; `automatic` are the directory's `*.auto.rfvars` files.
    pub fn read(
        inputs: &Inputs,
        automatic: &[PathBuf],
        sources: &Sources,
        budget: &mut Budget,
        out: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut given = Self::default();
        for (name, text) in &inputs.environment {
            let from = format!("REPLFORM_VAR_{name}");
            given.values.insert(
                name.clone(),
                GivenValue::Text {
                    text: text.clone(),
                    from,
                },
            );
        }
        for path in automatic.iter().chain(&inputs.var_files) {
            given.file(path, sources, budget, out);
        }
        for argument in &inputs.vars {
            match argument.split_once('=') {
                Some((name, text)) if !name.trim().is_empty() => {
                    let name = name.trim();
                    given.on_command_line.push(name.to_owned());
                    let from = format!("-var {name}");
                    given.values.insert(
                        name.to_owned(),
                        GivenValue::Text {
                            text: text.to_owned(),
                            from,
                        },
                    );
                }
                // The argument itself may be a secret whose name was forgotten.
                _ => out.push(
                    Diagnostic::without_place(
                        codes::INVALID_VARIABLE_ARGUMENT,
                        "an argument of -var has no name before \"=\"",
                    )
                    .help("write -var NAME=VALUE"),
                ),
            }
        }
        given
    }

    fn file(
        &mut self,
        path: &Path,
        sources: &Sources,
        budget: &mut Budget,
        out: &mut Vec<Diagnostic>,
    ) {
        let file = match sources.read(path) {
            Ok(file) => file,
            Err(problem) => return out.push(problem),
        };
        let is_json = path
            .extension()
            .is_some_and(|extension| extension == "json");
        let (body, problems) = if is_json {
            parse_json(file, sources, &NoBlocks)
        } else {
            parse_hcl(file, sources)
        };
        out.extend(problems);
        for block in &body.blocks {
            out.push(
                Diagnostic::error(
                    codes::NO_SUCH_BLOCK,
                    block.heading(),
                    "a variables file has no blocks",
                )
                .help("write NAME = VALUE; variables are declared in a *.rf.hcl file"),
            );
        }
        for attribute in &body.attributes {
            let given = match constant(attribute, budget) {
                Ok(value) => GivenValue::Value(value),
                Err(problems) => {
                    out.extend(problems);
                    GivenValue::Unreadable(attribute.value.span)
                }
            };
            self.in_files
                .push((attribute.name.clone(), attribute.name_span));
            self.values.insert(attribute.name.clone(), given);
        }
    }

    /// The winning value.
    pub fn value(&self, name: &str) -> Option<&GivenValue> {
        self.values.get(name)
    }

    /// Where the winning value came from, for messages.
    pub fn origin(&self, name: &str, sources: &Sources) -> String {
        match self.values.get(name) {
            Some(GivenValue::Text { from, .. }) => from.clone(),
            Some(GivenValue::Value(value)) => value
                .span
                .map(|span| sources.place(span))
                .unwrap_or_default(),
            Some(GivenValue::Unreadable(span)) => sources.place(*span),
            None => "its default".to_owned(),
        }
    }

    /// Values for what isn't declared: an error for `-var`, a warning in a file (which others may share), nothing for
    /// the environment.
    pub fn check_declared<T>(&self, declared: &BTreeMap<String, T>, out: &mut Vec<Diagnostic>) {
        let names = || declared.keys().map(String::as_str);
        let help = |name: &str| {
            did_you_mean(name, names())
                .or_else(|| Some(format!("declare it: variable \"{name}\" {{ }}")))
        };
        for name in self
            .on_command_line
            .iter()
            .filter(|name| !declared.contains_key(*name))
        {
            let detail = format!("-var {name}: no variable block declares it");
            out.push(
                Diagnostic::without_place(codes::UNDECLARED_VARIABLE, detail)
                    .maybe_help(help(name)),
            );
        }
        for (name, span) in self
            .in_files
            .iter()
            .filter(|(name, _)| !declared.contains_key(name))
        {
            let label = format!("no variable block declares `{name}`");
            let warning = Diagnostic::warning(codes::UNDECLARED_VARIABLE, *span, label);
            out.push(
                Diagnostic {
                    severity: Severity::Warning,
                    ..warning
                }
                .maybe_help(help(name)),
            );
        }
    }
}
