//! Scenarios: folders of files that say what happens to real hosts, and what must come of it. No test of an engine is code.
//!
//! `tests/lab/scenarios/ENGINE/NAME/scenario.hcl` is a story told in steps (the README beside them says how); here it is
//! read, judged without any host, and played in a lab of its own. Scripts are looked for in the scenario's folder, then
//! in its engine's, then in the one of all.

mod check;
mod decode;
mod expect;
mod format_tests;
mod page;
mod play;
mod run;
mod secrets;
mod story;
mod text;

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

use story::Scenario;

/// The folder of all scenarios.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/scenarios")
}

/// A path as messages show it: below the checkout.
fn shown(path: &Path) -> String {
    let below = path
        .strip_prefix(env!("CARGO_MANIFEST_DIR"))
        .unwrap_or(path);
    below.display().to_string()
}

/// Names of the files of a folder, in order.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A script of a scenario, wherever it is.
fn find(scenario: &Path, file: &str) -> Option<PathBuf> {
    let places = scenario.ancestors().take(3).map(|folder| folder.join(file));
    places.into_iter().find(|path| path.is_file())
}

/// Makes `project` what replform reads: `page` as its main.rf.hcl, and the files of variables.
fn lay_out_project(scenario: &Scenario, page: &str, project: &Path) -> Result<(), String> {
    let copy = |from: &str, to: &str| {
        let (from, to) = (scenario.folder.join(from), project.join(to));
        match std::fs::copy(&from, to) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("{}: {error}", shown(&from))),
        }
    };
    for name in names_in(&scenario.folder) {
        if name.ends_with(".rfvars") {
            copy(&name, &name)?;
        }
    }
    copy(page, "main.rf.hcl")
}

/// Every scenario's folder, in order.
fn folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for engine in names_in(&root()) {
        let engine = root().join(engine);
        if !engine.is_dir() {
            continue;
        }
        for name in names_in(&engine) {
            let folder = engine.join(name);
            if folder.is_dir() {
                folders.push(folder);
            }
        }
    }
    folders
}

/// `ENGINE::NAME`.
fn title(folder: &Path) -> String {
    let below = folder.strip_prefix(root()).unwrap();
    below.display().to_string().replace('/', "::")
}

/// Each scenario twice: judged in any `cargo test`, played when ignored tests are asked for.
pub fn trials() -> Vec<Trial> {
    let folders = folders();
    let judged = folders.iter().cloned().map(|folder| {
        let title = format!("reads::{}", title(&folder));
        Trial::test(title, move || judge(&folder).map(|_| ()))
    });
    let played = folders.iter().cloned().map(|folder| {
        let title = title(&folder);
        Trial::test(title.clone(), move || {
            let scenario = judge(&folder)?;
            play::play(&title, &scenario).map_err(Failed::from)
        })
        .with_ignored_flag(true)
    });
    judged.chain(played).chain(format_tests::trials()).collect()
}

fn judge(folder: &Path) -> Result<Scenario, Failed> {
    let scenario = decode::read(folder)?;
    let wrong = check::check(&scenario);
    if wrong.is_empty() {
        Ok(scenario)
    } else {
        Err(wrong.join("\n").into())
    }
}
