//! Holds the layers apart: what is pure stays pure, and each library has the one place that the crate's map gives it.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

use std::path::{Path, PathBuf};

/// A source file without its tests and comments.
struct Source {
    name: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files, "rs");
    files.sort();
    assert!(
        files.len() > 100,
        "the sources weren't found: {}",
        files.len()
    );
    files
        .into_iter()
        .map(|file| {
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default();
            let lines = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            Source {
                name,
                code: lines.collect::<Vec<_>>().join("\n"),
            }
        })
        .filter(|source| !source.name.ends_with("_tests.rs") && !source.name.contains("/tests"))
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>, ending: &str) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files, ending);
        } else if path
            .extension()
            .is_some_and(|extension| extension == ending)
        {
            files.push(path);
        }
    }
}

/// The files outside of `allowed` (prefixes) that hold one of the words.
fn holders(words: &[&str], allowed: &[&str]) -> Vec<String> {
    sources()
        .iter()
        .filter(|source| !allowed.iter().any(|prefix| source.name.starts_with(prefix)))
        .flat_map(|source| {
            words
                .iter()
                .filter(|word| source.code.contains(**word))
                .map(|word| format!("{}: {word}", source.name))
        })
        .collect()
}

#[test]
fn topology_plan_and_render_do_no_input_or_output_and_read_no_clock() {
    let words = [
        "std::fs",
        "std::env",
        "std::net",
        "std::process",
        "SystemTime",
        "Instant",
        "Timestamp::now",
        "tokio",
        "ssh2",
        "println!",
        "eprintln!",
        "std::io",
    ];
    let pure = |name: &str| {
        ["topology/", "plan/", "render/", "engines/"]
            .iter()
            .any(|folder| name.starts_with(folder))
    };
    let found: Vec<String> = holders(&words, &[])
        .into_iter()
        .filter(|line| pure(line))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn each_library_has_its_place() {
    for (word, places) in [
        ("ssh2::", &["remote/"][..]),
        ("socket2::", &["remote/"]),
        ("petgraph", &["plan/graph.rs"]),
        ("similar::", &["render/diff.rs"]),
        ("indicatif", &["ui/"]),
        ("clap::", &["cli/"]),
        ("hcl_edit", &["config/"]),
    ] {
        let found = holders(&[word], places);
        assert!(found.is_empty(), "{word}: {found:#?}");
    }
}

#[test]
fn only_the_edge_prints_or_reads_the_environment() {
    let found = holders(
        &["println!", "eprintln!", "io::stdout", "io::stderr"],
        &["ui/", "cli/", "main.rs"],
    );
    assert!(found.is_empty(), "{found:#?}");
    let found = holders(
        &["env::var"],
        &["ui/", "cli/", "remote/target.rs", "main.rs"],
    );
    assert!(found.is_empty(), "{found:#?}");
}

/// An engine is one folder, and its rows in the registry. What `replform explain` says are texts for people.
#[test]
fn no_engine_is_named_outside_its_folder() {
    let places = [
        "engines/postgresql/",
        "engines/mysql/",
        "engines/mariadb/",
        "engines/redis/",
        "engines/mongodb/",
        "engines/mod.rs",
        "engines/registry.rs",
        "diagnostics/codes/",
    ];
    let found = holders(&ENGINE_WORDS, &places);
    assert!(found.is_empty(), "{found:#?}");
    for script in scripts_outside_of_engines() {
        let text = std::fs::read_to_string(&script).unwrap();
        let named = words_in(&without_comments(&text, "#"));
        assert!(named.is_empty(), "{}: {named:?}", script.display());
    }
}

/// A scenario is a folder of files: what reads and plays it knows no engine.
#[test]
fn no_engine_is_named_by_what_plays_scenarios() {
    let lab = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/lab");
    let mut files = vec![lab.join("lab.rs"), lab.join("writer.rs")];
    collect(&lab.join("scenario"), &mut files, "rs");
    assert!(files.len() > 8, "{files:?}");
    let scenarios = std::fs::read_dir(lab.join("scenarios")).unwrap();
    let shared = scenarios.map(|entry| entry.unwrap().path());
    files.extend(shared.filter(|path| path.extension().is_some_and(|ending| ending == "sh")));
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let sign = if file.extension().is_some_and(|ending| ending == "rs") {
            "//"
        } else {
            "#"
        };
        let named = words_in(&without_comments(&text, sign));
        assert!(named.is_empty(), "{}: {named:?}", file.display());
    }
}

/// Names of engines, and of their programs.
const ENGINE_WORDS: [&str; 8] = [
    "postgres", "psql", "pg_", "mysql", "mariadb", "redis", "valkey", "mongo",
];

fn words_in(code: &str) -> Vec<&'static str> {
    let words = ENGINE_WORDS.into_iter();
    words.filter(|word| code.contains(word)).collect()
}

fn without_comments(text: &str, sign: &str) -> String {
    let lines = text.lines();
    let code = lines.filter(|line| !line.trim_start().starts_with(sign));
    code.collect::<Vec<_>>().join("\n")
}

/// The shell files that every engine shares.
fn scripts_outside_of_engines() -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files, "sh");
    let shared = root.join("engines");
    files.retain(|file| !file.starts_with(&shared) || file.parent() == Some(&shared));
    assert!(
        files.len() > 5,
        "the shared scripts weren't found: {files:?}"
    );
    files
}

#[test]
fn every_file_says_what_it_is() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files, "rs");
    let silent: Vec<_> = files
        .iter()
        .filter(|file| !std::fs::read_to_string(file).unwrap().starts_with("//!"))
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

/// A script that no step calls would be read by the administrator as what ran, and rot.
#[test]
fn every_script_of_an_engine_is_called_by_its_steps() {
    let sources = sources();
    for engine in replform::engines::ENGINES {
        let folder = format!("engines/{}/", engine.name());
        let code: Vec<&str> = sources
            .iter()
            .filter(|source| source.name.starts_with(&folder))
            .filter(|source| !source.name.ends_with("scripts.rs"))
            .map(|source| source.code.as_str())
            .collect();
        assert!(!engine.scripts().is_empty());
        for (script, _) in engine.scripts() {
            let called = code
                .iter()
                .any(|code| code.contains(&format!("\"{script}\"")));
            assert!(called, "{script} is called by no step");
        }
    }
}
