//! Every name of a configuration, worked out when it is first asked for: variables, locals, servers and apps.
//!
//! A local may use servers, a server a local, an app a server, in any order; only a circle is an error.

use std::collections::BTreeMap;

use super::evaluate::{Budget, Files, Resolved, Scope, evaluate};
use super::lazy::{Lazy, MOST_SHOWN, Working, already_told};
use super::source::Directory;
use super::stacks::Stacks;
use super::tree::{Attribute, Body, Traversal};
use super::value::Value;
use crate::diagnostics::{Diagnostic, Span, Texts, codes, did_you_mean};
use crate::topology::Place;

/// The names of a configuration.
pub struct World<'a> {
    /// Variables by name; `None` where the value's error has been told.
    pub variables: BTreeMap<String, Option<Value>>,
    /// Servers, apps, and how to log in to them.
    pub stacks: Stacks<'a>,
    /// What is being worked out.
    pub working: Working,
    locals: BTreeMap<&'a str, (&'a Attribute, Lazy<Value>)>,
    files: Directory<'a>,
}

impl<'a> World<'a> {
    /// The names that the files' bodies declare.
    pub fn new(
        bodies: &'a [Body],
        variables: BTreeMap<String, Option<Value>>,
        files: Directory<'a>,
    ) -> Self {
        let locals = bodies
            .iter()
            .flat_map(|body| &body.blocks)
            .filter(|block| block.kind == "locals")
            .flat_map(|block| &block.body.attributes);
        let mut by_name = BTreeMap::new();
        for attribute in locals {
            by_name
                .entry(attribute.name.as_str())
                .or_insert((attribute, Lazy::default()));
        }
        Self {
            variables,
            stacks: Stacks::new(bodies),
            working: Working::default(),
            locals: by_name,
            files,
        }
    }

    /// A place as the topology keeps it.
    pub fn place(&self, span: Span) -> Place {
        let Some(source) = self.files.sources().source(span.file) else {
            return Place::default();
        };
        let position = source.position(span.start);
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Place {
            file: source.name.clone(),
            line: number(position.line),
            column: number(position.column),
        }
    }

    /// Works out every local, also those that nobody uses.
    pub fn check_locals(&self, budget: &mut Budget, out: &mut Vec<Diagnostic>) {
        for (name, (attribute, _)) in &self.locals {
            if budget.is_exhausted() || out.len() > MOST_SHOWN {
                return;
            }
            if let Err(problems) = self.local(name, attribute.name_span, budget) {
                out.extend(problems);
            }
        }
    }

    /// The value of a local that is declared.
    fn local(&self, name: &str, used: Span, budget: &mut Budget) -> Result<Value, Vec<Diagnostic>> {
        let Some((attribute, lazy)) = self.locals.get(name) else {
            return Err(already_told(used));
        };
        lazy.get(&self.working, &format!("local.{name}"), used, || {
            evaluate(&attribute.value, self, budget)
        })
    }

    fn resolve_local(
        &self,
        reference: &Traversal,
        budget: &mut Budget,
    ) -> Result<Resolved, Vec<Diagnostic>> {
        let Some((name, span)) = first_step(reference) else {
            return Err(vec![
                Diagnostic::error(
                    codes::NO_SUCH_NAME,
                    reference.span(),
                    "which local is meant?",
                )
                .help("write local.NAME"),
            ]);
        };
        if !self.locals.contains_key(name.as_str()) {
            let label = format!("there is no local `{name}`");
            let names = self.locals.keys().copied();
            return Err(vec![
                Diagnostic::error(codes::NO_SUCH_NAME, span, label).maybe_help(
                    did_you_mean(&name, names)
                        .or_else(|| Some(format!("declare it: locals {{ {name} = … }}"))),
                ),
            ]);
        }
        let value = self.local(&name, span, budget)?;
        Ok(Resolved { value, consumed: 1 })
    }

    fn resolve_variable(&self, reference: &Traversal) -> Result<Resolved, Vec<Diagnostic>> {
        let Some((name, span)) = first_step(reference) else {
            return Err(vec![
                Diagnostic::error(
                    codes::NO_SUCH_NAME,
                    reference.span(),
                    "which variable is meant?",
                )
                .help("write var.NAME"),
            ]);
        };
        match self.variables.get(&name) {
            Some(Some(value)) => Ok(Resolved {
                value: value.clone(),
                consumed: 1,
            }),
            Some(None) => Err(already_told(span)),
            None => {
                let names = self.variables.keys().map(String::as_str);
                let help = did_you_mean(&name, names)
                    .or_else(|| Some(format!("declare it: variable \"{name}\" {{ … }}")));
                let label = format!("there is no variable `{name}`");
                Err(vec![
                    Diagnostic::error(codes::NO_SUCH_NAME, span, label).maybe_help(help),
                ])
            }
        }
    }
}

/// The name after the first dot (or in the first brackets), and its place.
pub fn first_step(reference: &Traversal) -> Option<(String, Span)> {
    let step = reference.steps.first()?;
    Some((step.name()?, step.span))
}

impl Scope for World<'_> {
    fn resolve(
        &self,
        reference: &Traversal,
        budget: &mut Budget,
    ) -> Result<Option<Resolved>, Vec<Diagnostic>> {
        match reference.root.as_str() {
            "var" => self.resolve_variable(reference).map(Some),
            "local" => self.resolve_local(reference, budget).map(Some),
            "stack" => self.stacks.resolve(reference, self, budget).map(Some),
            root => match not_here(root) {
                Some(help) => Err(vec![
                    Diagnostic::error(
                        codes::NOT_HERE,
                        reference.root_span,
                        format!("`{root}` means nothing here"),
                    )
                    .help(help),
                ]),
                None => Ok(None),
            },
        }
    }

    fn candidates(&self) -> Vec<String> {
        ["var", "local", "stack"].map(str::to_owned).to_vec()
    }

    fn files(&self) -> Option<&dyn Files> {
        Some(&self.files)
    }
}

/// Names that mean something elsewhere.
fn not_here(root: &str) -> Option<&'static str> {
    match root {
        "each" => Some("each.key and each.value are there in a block with for_each"),
        "replica" => Some("replica.NAME is there inside its replication"),
        "primary" | "replicas" => Some("primary and replicas are there in env { variables = … }"),
        "replication" => Some("a replication can't be read; servers are stack.STACK.server.NAME"),
        "server" | "app" => {
            Some("servers and apps are stack.STACK.server.NAME and stack.STACK.app.NAME")
        }
        "path" => Some("paths start at the configuration directory: write file(\"name\")"),
        _ => None,
    }
}

/// Names over those of another scope.
pub struct Layer<'s> {
    /// The scope below.
    pub outer: &'s dyn Scope,
    /// The names of this one.
    pub names: Vec<(&'static str, Value)>,
}

impl<'s> Layer<'s> {
    /// `each.key` and `each.value` over another scope; nothing where there is no `for_each`.
    pub fn each(outer: &'s dyn Scope, each: Option<(&str, Value)>) -> Self {
        let names = each.map(|(key, value)| {
            let entries = [
                ("key".to_owned(), Value::string(key)),
                ("value".to_owned(), value),
            ];
            ("each", Value::object(entries.into_iter().collect()))
        });
        Self {
            outer,
            names: names.into_iter().collect(),
        }
    }
}

impl Scope for Layer<'_> {
    fn resolve(
        &self,
        reference: &Traversal,
        budget: &mut Budget,
    ) -> Result<Option<Resolved>, Vec<Diagnostic>> {
        match self.names.iter().find(|(name, _)| *name == reference.root) {
            Some((_, value)) => Ok(Some(Resolved {
                value: value.clone(),
                consumed: 0,
            })),
            None => self.outer.resolve(reference, budget),
        }
    }

    fn candidates(&self) -> Vec<String> {
        let mut names = self.outer.candidates();
        names.extend(self.names.iter().map(|(name, _)| (*name).to_owned()));
        names
    }

    fn files(&self) -> Option<&dyn Files> {
        self.outer.files()
    }
}
