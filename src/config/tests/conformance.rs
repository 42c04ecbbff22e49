//! The public tables of HCL, OpenTofu and Terraform, when `REPLFORM_CONFORMANCE` names their folder; nothing
//! of them is in this repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::super::evaluate::{Budget, Files, Resolved, Scope, evaluate, on_big_stack};
use super::super::parse::{parse_expression, parse_template};
use super::super::source::{Directory, Sources};
use super::super::tree::Traversal;
use super::super::value::Value;
use crate::diagnostics::Diagnostic;

struct Variables<'a> {
    values: BTreeMap<String, Value>,
    files: Directory<'a>,
}

impl Scope for Variables<'_> {
    fn resolve(
        &self,
        reference: &Traversal,
        _: &mut Budget,
    ) -> Result<Option<Resolved>, Vec<Diagnostic>> {
        Ok(self.values.get(&reference.root).map(|value| Resolved {
            value: value.clone(),
            consumed: 0,
        }))
    }

    fn candidates(&self) -> Vec<String> {
        self.values.keys().cloned().collect()
    }

    fn files(&self) -> Option<&dyn Files> {
        Some(&self.files)
    }
}

fn run(root: &Path, kind: &str, row: &Json) -> Result<Json, Vec<Diagnostic>> {
    let sources = Sources::new(root.join("expr/files"));
    let file = sources.add("case", row["expr"].as_str().unwrap());
    let expression = if kind == "templates" {
        parse_template(file, &sources)?
    } else {
        parse_expression(file, &sources)?
    };
    let values = row["vars"].as_object().into_iter().flatten();
    let scope = Variables {
        values: values
            .map(|(name, value)| (name.clone(), Value::from_json(value)))
            .collect(),
        files: Directory::new(&sources, None),
    };
    Ok(evaluate(&expression, &scope, &mut Budget::new())?.to_json())
}

/// Numbers as one form, so that 1 and 1.0 are equal.
fn plain(json: &Json) -> Json {
    Value::from_json(json).to_json()
}

#[test]
fn the_public_tables_are_right() {
    let Some(root) = std::env::var_os("REPLFORM_CONFORMANCE").map(PathBuf::from) else {
        return;
    };
    let mut wrong = Vec::new();
    for kind in ["functions", "hclsyntax", "templates"] {
        let text = std::fs::read_to_string(root.join(format!("expr/{kind}.jsonl"))).unwrap();
        for line in text.lines() {
            let row: Json = serde_json::from_str(line).unwrap();
            let result = on_big_stack(|| run(&root, kind, &row));
            let errors = row["errors"].as_u64().unwrap_or(0) > 0;
            let right = match &result {
                Ok(value) => !errors && plain(value) == plain(&row["want"]),
                Err(_) => errors,
            };
            let ours = !matches!(&result, Err(why) if why.iter().any(|one| one.code == crate::diagnostics::codes::NO_SUCH_FUNCTION));
            if !right && ours {
                wrong.push(format!(
                    "{kind}: {} gives {result:?}, not {}",
                    row["expr"], row["want"]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
