//! Every example is valid, laid out, and can be drawn.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

use std::path::PathBuf;
use std::process::Command;

fn examples() -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples");
    let folders = |path: &PathBuf| -> Vec<PathBuf> {
        std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect()
    };
    let configured = |folder: &PathBuf| folder.join("main.rf.hcl").exists();
    let found: Vec<PathBuf> = folders(&root)
        .iter()
        .flat_map(folders)
        .filter(configured)
        .collect();
    assert!(found.len() >= 3, "{found:?}");
    found
}

fn replform(directory: &PathBuf, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_replform"))
        .current_dir(directory)
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .concat();
    (output.status.code(), text)
}

#[test]
fn every_example_is_valid_laid_out_and_drawn() {
    for example in examples() {
        for arguments in [
            &["validate"][..],
            &["fmt", "-check"],
            &["graph", "-format=mermaid"],
        ] {
            let (code, text) = replform(&example, arguments);
            assert_eq!(code, Some(0), "{} {arguments:?}\n{text}", example.display());
        }
        let (_, picture) = replform(&example, &["graph"]);
        assert!(picture.contains("->"), "{picture}");
    }
}
