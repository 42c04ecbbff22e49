//! Judges a scenario that could be read: does everything it names exist, does every file serve it, does it show anything?
//!
//! It needs no host: these checks run in a plain `cargo test`.

use std::collections::BTreeSet;

use replform::config::format::format;
use replform::config::{Failed, Inputs, load};
use replform::diagnostics::{Colour, render_all};

use super::story::{Act, Scenario, Script, Step};

/// Where scripts of a scenario may name a host that isn't one: the lab's network, where replform itself runs.
pub const HERE: &str = "here";

/// Everything that is wrong with a scenario, each with file and line where it has one.
pub fn check(scenario: &Scenario) -> Vec<String> {
    let mut wrong = hosts(scenario);
    let folder = scenario.folder.file_name().unwrap_or_default();
    if !is_plain(&folder.to_string_lossy(), "-") {
        let page = &scenario.page;
        wrong.push(format!(
            "{page}: a folder's name is small letters, digits and -"
        ));
    }
    wrong.extend(names(scenario));
    wrong.extend(files(scenario));
    wrong.extend(order(scenario));
    let proofs = scenario.steps.iter().filter(|step| step.act.asserts());
    if proofs.count() == 0 {
        wrong.push(format!("{}: nothing is expected", scenario.page));
    }
    wrong.extend(pages(scenario));
    wrong
}

fn at(scenario: &Scenario, step: &Step, what: impl AsRef<str>) -> String {
    format!("{}:{}: {}", scenario.page, step.line, what.as_ref())
}

/// Whether a name is small letters, digits and `extra` characters.
fn is_plain(name: &str, extra: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || extra.contains(c);
    !name.is_empty() && name.chars().all(plain)
}

fn hosts(scenario: &Scenario) -> Vec<String> {
    let page = &scenario.page;
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for host in &scenario.hosts {
        if !is_plain(&host.name, "") || host.name.len() > 10 || host.name == HERE {
            let name = &host.name;
            wrong.push(format!(
                "{page}: host \"{name}\": at most 10 small letters and digits, not {HERE}"
            ));
        }
        if !is_plain(&host.image, "-") {
            wrong.push(format!(
                "{page}: image \"{}\" is no image's name",
                host.image
            ));
        }
        if !host.address.starts_with("10.77.") {
            wrong.push(format!("{page}: {}: addresses are 10.77.x.x", host.address));
        }
        for unique in [&host.name, &host.address] {
            if !seen.insert(unique) {
                wrong.push(format!("{page}: two hosts are \"{unique}\""));
            }
        }
    }
    if scenario.hosts.is_empty() {
        wrong.push(format!("{page}: no host"));
    }
    wrong
}

/// Hosts, commands that were started, and outputs that were saved must have been named before.
fn names(scenario: &Scenario) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut saved = BTreeSet::new();
    for step in &scenario.steps {
        for name in step.act.hosts() {
            let known = scenario.hosts.iter().any(|host| host.name == name);
            let here = name == HERE && matches!(step.act, Act::On { .. } | Act::Wait { .. });
            if !known && !here {
                wrong.push(at(scenario, step, format!("no host \"{name}\"")));
            }
        }
        for name in step.act.texts().into_iter().flat_map(|text| text.names()) {
            if !saved.contains(name) {
                wrong.push(at(
                    scenario,
                    step,
                    format!("nothing was saved as \"{name}\" before"),
                ));
            }
        }
        if let Act::On {
            save: Some(name),
            hosts,
            ..
        } = &step.act
        {
            saved.insert(name.as_str());
            if hosts.len() > 1 {
                wrong.push(at(
                    scenario,
                    step,
                    "what several hosts say can't be saved under one name",
                ));
            }
        }
    }
    wrong
}

/// Files that are named must exist, and files of the folder must be named.
fn files(scenario: &Scenario) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut used: BTreeSet<&str> = BTreeSet::from(["scenario.hcl", "main.rf.hcl"]);
    for step in &scenario.steps {
        for file in step.act.files() {
            used.insert(file);
            let found = match step.act {
                Act::Page { .. } => {
                    file.ends_with(".rf.hcl") && scenario.folder.join(file).is_file()
                }
                _ => super::find(&scenario.folder, file).is_some(),
            };
            if !found {
                wrong.push(at(scenario, step, format!("no file \"{file}\"")));
            }
        }
        if let Act::On { work, .. } | Act::Wait { work, .. } = &step.act
            && let Script::Line(line) = &work.script
            && line.trim().is_empty()
        {
            wrong.push(at(scenario, step, "it runs nothing"));
        }
    }
    for name in super::names_in(&scenario.folder) {
        if !used.contains(name.as_str()) && !name.ends_with(".rfvars") {
            wrong.push(format!("{}: nothing uses its file {name}", scenario.page));
        }
    }
    wrong
}

/// What is started must be ended, and nothing is ended that wasn't started.
fn order(scenario: &Scenario) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut running: BTreeSet<&str> = BTreeSet::new();
    let mut writing = false;
    for step in &scenario.steps {
        let misplaced = match &step.act {
            Act::Start { name, .. } => {
                (!running.insert(name)).then(|| format!("\"{name}\" runs already"))
            }
            Act::Hear { name, .. } | Act::Interrupt { name } => {
                let started = running.contains(name.as_str());
                (!started).then(|| format!("\"{name}\" was not started"))
            }
            Act::Kill { name } | Act::Finish { name, .. } => {
                let started = running.remove(name.as_str());
                (!started).then(|| format!("\"{name}\" was not started"))
            }
            Act::WriterStarts { .. } => {
                let before = std::mem::replace(&mut writing, true);
                before.then(|| "a writer writes already".to_owned())
            }
            Act::WriterStops { .. } => {
                let before = std::mem::replace(&mut writing, false);
                (!before).then(|| "no writer was started".to_owned())
            }
            Act::SameData { .. } => {
                writing.then(|| "nothing can be compared while the writer writes".to_owned())
            }
            _ => None,
        };
        wrong.extend(misplaced.map(|what| at(scenario, step, what)));
    }
    let unended = running
        .iter()
        .map(|name| format!("{}: \"{name}\" is never ended", scenario.page));
    wrong.extend(unended);
    if writing {
        wrong.push(format!("{}: the writer is never stopped", scenario.page));
    }
    wrong
}

/// Every page of HCL must be valid and laid out.
fn pages(scenario: &Scenario) -> Vec<String> {
    let mut wrong = Vec::new();
    let names = super::names_in(&scenario.folder);
    for name in names.iter().filter(|name| name.ends_with(".hcl")) {
        let path = scenario.folder.join(name);
        let shown = super::shown(&path);
        match std::fs::read_to_string(&path) {
            Ok(text) if format(&text) != text => {
                wrong.push(format!("{shown}: it isn't laid out: replform fmt"));
            }
            Ok(_) => {}
            Err(error) => wrong.push(format!("{shown}: {error}")),
        }
        if name.ends_with(".rf.hcl") {
            wrong.extend(page_is_valid(scenario, name).err());
        }
    }
    wrong
}

fn page_is_valid(scenario: &Scenario, page: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    super::lay_out_project(scenario, page, folder.path())?;
    match load(folder.path(), &Inputs::default()) {
        Ok(_) => Ok(()),
        Err(Failed {
            diagnostics,
            sources,
        }) => Err(format!(
            "{}: {page} is not valid:\n{}",
            scenario.page,
            render_all(&diagnostics, &*sources, Colour::Plain)
        )),
    }
}
