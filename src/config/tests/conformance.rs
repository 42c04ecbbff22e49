//! The public tables of HCL, OpenTofu and Terraform, when `REPLFORM_CONFORMANCE` names their folder; nothing
//! of them is in this repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::super::evaluate::{Budget, Files, Resolved, Scope, evaluate, on_big_stack};
use super::super::parse::{parse_expression, parse_hcl, parse_template};
use super::super::source::{Directory, Sources};
use super::super::tree::{Body, Traversal};
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

/// Attributes and, by kind and label, blocks as one object.
fn object(body: &Body, scope: &dyn Scope) -> Json {
    let mut result = serde_json::Map::new();
    for attribute in &body.attributes {
        let value = evaluate(&attribute.value, scope, &mut Budget::new()).unwrap();
        result.insert(attribute.name.clone(), value.to_json());
    }
    for block in &body.blocks {
        let mut place = &mut result;
        for name in [&block.kind]
            .into_iter()
            .chain(block.labels.iter().map(|label| &label.text))
        {
            place = place
                .entry(name)
                .or_insert_with(|| Json::Object(serde_json::Map::new()))
                .as_object_mut()
                .unwrap();
        }
        place.extend(object(&block.body, scope).as_object().unwrap().clone());
    }
    Json::Object(result)
}

fn parsed(sources: &Sources, path: &Path) -> (Body, Vec<Diagnostic>) {
    let file = sources.add(
        path.display().to_string(),
        &std::fs::read_to_string(path).unwrap(),
    );
    parse_hcl(file, sources)
}

#[test]
fn the_specification_suites_expressions_have_their_values() {
    let Some(root) = std::env::var_os("REPLFORM_CONFORMANCE").map(PathBuf::from) else {
        return;
    };
    let sources = Sources::new("");
    let values = [("bar", "Bar"), ("space_bar", "  Bar")];
    let scope = Variables {
        values: values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::string(value)))
            .collect(),
        files: Directory::new(&sources, None),
    };
    for name in ["heredoc", "operators"] {
        let folder = root.join("hcl-specsuite/expressions");
        let (body, diagnostics) = parsed(&sources, &folder.join(format!("{name}.hcl")));
        assert_eq!(diagnostics, []);
        let (want, _) = parsed(&sources, &folder.join(format!("{name}.t")));
        let mut wants = want;
        wants
            .attributes
            .retain(|attribute| attribute.name == "result");
        let got = object(&body, &scope);
        let want = object(&wants, &scope);
        let want = want["result"].as_object().unwrap();
        for (group, want) in want {
            let got = if got[group].is_null() {
                &got
            } else {
                &got[group]
            };
            assert_eq!(plain(got), plain(want), "{name} {group}");
        }
    }
}

#[test]
fn the_specification_suites_errors_are_on_their_lines() {
    let Some(root) = std::env::var_os("REPLFORM_CONFORMANCE").map(PathBuf::from) else {
        return;
    };
    let sources = Sources::new("");
    for (name, starts) in [
        ("structure/blocks/single_oneline_invalid", vec![13, 40, 56]),
        ("structure/blocks/single_unclosed", vec![2]),
        ("structure/attributes/singleline_bad", vec![13]),
    ] {
        let (_, diagnostics) = parsed(&sources, &root.join(format!("hcl-specsuite/{name}.hcl")));
        let places: Vec<usize> = diagnostics
            .iter()
            .filter_map(|one| Some(one.span?.start))
            .collect();
        assert!(
            starts.iter().all(|start| places.contains(start)),
            "{name}: {diagnostics:?}"
        );
    }
}
