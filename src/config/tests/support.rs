//! What the tests of the language share: a scope with a few values, and tables of expressions.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::super::evaluate::{Budget, Files, Resolved, Scope, evaluate, on_big_stack};
use super::super::parse::parse_expression;
use super::super::source::{Directory, Sources};
use super::super::tree::Traversal;
use super::super::value::Value;
use crate::diagnostics::{Diagnostic, Span};

/// `var` with a few values, `stack` with one server, files of a folder.
pub(super) struct World<'a> {
    names: BTreeMap<String, Value>,
    files: Directory<'a>,
}

impl<'a> World<'a> {
    pub(super) fn new(sources: &'a Sources) -> World<'a> {
        let plain = Value::from_json(&json!({
            "n": 3, "text": "two", "digits": "12", "yes": "true", "none": null,
            "list": ["a", "b", "c"], "map": {"x": 1, "y": 2},
            "servers": [{"name": "db1", "port": 1}, {"name": "db2", "port": 2}],
        }));
        let mut variables = plain.entries().unwrap().clone();
        variables.insert("secret".into(), Value::string("s3cr3t").marked(true));
        variables.insert(
            "set".into(),
            Value::set(vec![Value::string("b"), Value::string("a")]),
        );
        let address = ["stack", "eu", "server", "db1"].map(str::to_owned).to_vec();
        let host = BTreeMap::from([("host".to_owned(), Value::string("10.0.0.1"))]);
        let server = Value::object(BTreeMap::from([(
            "db1".to_owned(),
            Value::reference(address, host),
        )]));
        let eu = Value::object(BTreeMap::from([("server".to_owned(), server)]));
        let stack = Value::object(BTreeMap::from([("eu".to_owned(), eu)]));
        let names = BTreeMap::from([
            ("var".to_owned(), Value::object(variables)),
            ("stack".to_owned(), stack),
        ]);
        World {
            names,
            files: Directory::new(sources, None),
        }
    }
}

impl Scope for World<'_> {
    fn resolve(
        &self,
        reference: &Traversal,
        _: &mut Budget,
    ) -> Result<Option<Resolved>, Vec<Diagnostic>> {
        Ok(self.names.get(&reference.root).map(|value| Resolved {
            value: value.clone(),
            consumed: 0,
        }))
    }

    fn candidates(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    fn files(&self) -> Option<&dyn Files> {
        Some(&self.files)
    }
}

/// Works one expression out in the [`World`], with the files of `folder`.
pub(super) fn value_in(folder: &std::path::Path, text: &str) -> Result<Value, Vec<Diagnostic>> {
    on_big_stack(|| {
        let sources = Sources::new(folder);
        let file = sources.add("case", text);
        let expression = parse_expression(file, &sources)?;
        evaluate(&expression, &World::new(&sources), &mut Budget::new())
    })
}

/// Works one expression out.
pub(super) fn value(text: &str) -> Result<Value, Vec<Diagnostic>> {
    value_in(std::path::Path::new("/nonexistent"), text)
}

/// Holds a table: each expression comes to its JSON.
pub(super) fn table(rows: &[(&str, Json)]) {
    for (text, want) in rows {
        match value(text) {
            Ok(value) => assert_eq!(
                &Value::from_json(want).to_json(),
                &value.to_json(),
                "{text}"
            ),
            Err(diagnostics) => panic!("{text}: {diagnostics:?}"),
        }
    }
}

/// The text that a diagnostic points at.
pub(super) fn marked(text: &str, span: Option<Span>) -> &str {
    span.map_or("", |span| &text[span.start..span.end])
}

/// Holds a table of errors: expression, what is marked, and a part of the label.
pub(super) fn errors(rows: &[(&str, &str, &str)]) {
    for (text, place, label) in rows {
        let diagnostics = value(text).expect_err(text);
        assert_eq!(diagnostics.len(), 1, "{text}: {diagnostics:?}");
        let one = &diagnostics[0];
        assert_eq!(marked(text, one.span), *place, "{text}: {one:?}");
        assert!(one.label.contains(label), "{text}: {one:?}");
    }
}
