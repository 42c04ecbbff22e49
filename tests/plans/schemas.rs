//! What programs read is as schemas/ says: every golden, every recording, every view of every case.

use jsonschema::Validator;

use super::*;

/// A schema of schemas/, or one of its definitions.
pub fn schema(name: &str, definition: Option<&str>) -> Validator {
    let mut schema = read(&root().join(format!("../schemas/{name}.json")));
    if let Some(definition) = definition {
        schema = json!({
            "$schema": schema["$schema"],
            "$ref": format!("#/$defs/{definition}"),
            "$defs": schema["$defs"],
        });
    }
    jsonschema::validator_for(&schema).unwrap()
}

pub fn fits(schema: &Validator, value: &Value, whose: &Path) {
    let errors: Vec<String> = schema
        .iter_errors(value)
        .take(3)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}: {errors:?}", whose.display());
}

/// Files below a folder whose names end so, sorted.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_golden_is_as_its_schema_says() {
    let mut checked = 0;
    let mut all = |schema: &Validator, folder: &str, end: &str| {
        for file in files(&root().join(folder), end) {
            fits(schema, &read(&file), &file);
            checked += 1;
        }
    };
    all(&schema("plan", None), "plans", "/expected.json");
    all(&schema("config", None), "config/valid", ".rf.json");
    let instance = schema("observation", Some("Instance"));
    let machine = schema("observation", Some("MachineObservation"));
    for file in files(&root().join("observations"), ".json") {
        let mut value = read(&file);
        let is_host = value.get("host").is_some();
        if is_host {
            value["state"] = json!("reached");
            fits(&machine, &value, &file);
        } else if !file.to_string_lossy().ends_with(".request.json") {
            for one in value.as_object().unwrap().values() {
                fits(&instance, one, &file);
            }
        }
        checked += 1;
    }
    assert!(checked > 100, "{checked}");
}

#[test]
fn what_programs_read_of_every_case_is_as_its_schema_says() {
    let [plan, drift, observed] = ["plan", "drift", "observation"].map(|name| schema(name, None));
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        let file = saved_observation(&case, folder.path());
        fits(&observed, &read(&file), &case);
        let ask = |command: &[&str]| {
            let words = command.iter().map(|word| (*word).to_owned());
            let words = words.chain([format!("-observed={}", file.display())]);
            let (text, _) = replform(&configuration(&case), &words.collect::<Vec<_>>());
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let made = ask(&["plan", "-json"]);
        fits(&plan, &made, &case);
        let told = ask(&["drift", "-format=json"]);
        fits(&drift, &told, &case);
        assert_eq!(told["plan"], made["hash"], "{}", case.display());
    }
}
