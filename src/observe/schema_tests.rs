//! The schemas under schemas/ say what the types say; REPLFORM_REWRITE=1 writes them anew.

use schemars::{JsonSchema, schema_for};

use super::Observation;
use super::status::Status;

fn current<T: JsonSchema>(name: &str) {
    let schema = serde_json::to_string_pretty(&schema_for!(T)).unwrap() + "\n";
    let path = format!("{}/schemas/{name}.json", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("REPLFORM_REWRITE").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == schema,
        "schemas/{name}.json is stale: REPLFORM_REWRITE=1 cargo test --lib schema"
    );
}

#[test]
fn the_schema_of_observations_is_current() {
    current::<Observation>("observation");
}

#[test]
fn the_schema_of_status_is_current() {
    current::<Status>("status");
}
