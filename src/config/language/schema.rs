//! The table as a JSON Schema for `*.rf.json`, for editors and checkers.
//!
//! In the JSON form every string may be a template, so a schema can say little about the texts themselves; it
//! says which names there are, what is required, and which words a string without a template may be.

use serde_json::{Map, Value as Json, json};

use super::rows::{AttributeRow, BlockRow, Count, Kind, quoted};
use super::table::ROOT;

/// The schema of a `*.rf.json` file.
pub fn json_schema() -> Json {
    let mut definitions = Map::new();
    let mut root = body(&ROOT, &mut definitions);
    if let Some(root) = root.as_object_mut() {
        root.insert(
            "$schema".into(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        root.insert(
            "title".into(),
            json!("A replform configuration in HCL's JSON form (*.rf.json)"),
        );
        // The block may stand in another file of the directory.
        root.remove("required");
        root.insert("$defs".into(), Json::Object(definitions));
    }
    root
}

/// A block's body; the blocks inside become definitions by their names and those of the blocks around.
fn body(row: &'static BlockRow, definitions: &mut Map<String, Json>) -> Json {
    let mut properties = Map::new();
    properties.insert("//".into(), json!({ "description": "A comment." }));
    for attribute in row.attributes {
        properties.insert(attribute.name.into(), value(attribute));
    }
    if row.for_each {
        properties.insert("for_each".into(), json!({ "description": "Makes one block of each element of a map, an object or a set of strings." }));
    }
    for inner in row.blocks {
        properties.insert(inner.name.into(), block(row, inner, definitions));
    }
    let mut schema = Map::new();
    schema.insert("type".into(), json!("object"));
    if !row.help.is_empty() {
        schema.insert("description".into(), json!(row.help));
    }
    schema.insert("properties".into(), Json::Object(properties));
    let required: Vec<&str> = row
        .attributes
        .iter()
        .filter(|attribute| attribute.required)
        .map(|attribute| attribute.name)
        .collect();
    if !required.is_empty() {
        schema.insert("required".into(), json!(required));
    }
    if !row.open {
        schema.insert("additionalProperties".into(), json!(false));
    }
    Json::Object(schema)
}

/// A block as a property: under its label where it has one; an array where it may be repeated.
fn block(
    outer: &'static BlockRow,
    row: &'static BlockRow,
    definitions: &mut Map<String, Json>,
) -> Json {
    // `ssh` is the same block everywhere, and so are the engines'; `replica` isn't `replication.replica` elsewhere.
    let name = row.name.to_owned();
    if !definitions.contains_key(&name) {
        definitions.insert(name.clone(), Json::Null);
        let schema = body(row, definitions);
        definitions.insert(name.clone(), schema);
    }
    debug_assert!(
        outer.block(row.name).is_some(),
        "a block is asked for by its own outer block"
    );
    let reference = json!({ "$ref": format!("#/$defs/{name}") });
    let one = match row.label {
        None => reference,
        Some(_) => json!({
            "type": "object",
            "properties": { "//": { "description": "A comment." } },
            "additionalProperties": reference,
        }),
    };
    match row.count {
        Count::Many => {
            json!({ "description": row.help, "anyOf": [one, { "type": "array", "items": one }] })
        }
        Count::Required | Count::Optional => {
            json!({ "description": row.help, "anyOf": [one, { "type": "array", "items": one, "maxItems": 1 }] })
        }
    }
}

fn value(row: &AttributeRow) -> Json {
    let text = json!({ "type": "string" });
    let mut schema = match row.kind {
        Kind::Port => {
            json!({ "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 65535 }, text] })
        }
        Kind::Bool => json!({ "anyOf": [{ "type": "boolean" }, text] }),
        Kind::MajorVersion => json!({ "type": ["string", "number"] }),
        Kind::Hosts | Kind::References(_) => {
            json!({ "anyOf": [{ "type": "array", "items": text, "minItems": 1 }, text] })
        }
        Kind::Words(words) => {
            json!({ "anyOf": [{ "type": "array", "items": word(words) }, template()] })
        }
        Kind::Word(words) => word(words),
        Kind::Variables => json!({ "type": ["object", "string"] }),
        Kind::Any => json!({}),
        _ => text,
    };
    if let Some(object) = schema.as_object_mut() {
        let mut description = row.help.to_owned();
        if let Kind::Word(words) | Kind::Words(words) = row.kind {
            description = format!("{description} One of {}.", quoted(words));
        }
        if let Some(default) = row.default {
            description = format!("{description} Default: {default}.");
        }
        object.insert("description".into(), json!(description));
    }
    schema
}

fn word(words: &[&str]) -> Json {
    json!({ "anyOf": [{ "enum": words }, template()] })
}

/// A string with something to work out in it.
fn template() -> Json {
    json!({ "type": "string", "pattern": "[$%]\\{" })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `REPLFORM_REWRITE=1` writes the file anew.
    #[test]
    fn the_schema_in_the_repository_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/config.json");
        let now = format!("{:#}\n", json_schema());
        if std::env::var_os("REPLFORM_REWRITE").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), now);
    }
}
