//! From a directory to a topology: finds the files, parses them, works everything out, and checks it.
//!
//! All errors of a run are collected. After a syntax error only the structure of the rest is checked: what refers to a
//! block that couldn't be read would only be noise.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checks::{self, Decoded};
use super::decode::ssh::SshFields;
use super::decode::{changes, replications, structure, top};
use super::evaluate::{Budget, on_big_stack};
use super::given::{Given, Inputs};
use super::json::{Schema, parse_json};
use super::language::ROOT;
use super::lazy::{MOST_SHOWN, told};
use super::parse::parse_hcl;
use super::source::{Directory, Sources};
use super::tree::Body;
use super::variables;
use super::world::World;
use crate::diagnostics::{Diagnostic, Span, codes, has_errors};
use crate::topology::{Former, Replication, Server, Topology};

/// A configuration without errors.
#[derive(Debug)]
pub struct Loaded {
    /// What is wanted.
    pub topology: Topology,
    /// What is worth reading.
    pub warnings: Vec<Diagnostic>,
    /// The texts that warnings point into.
    pub sources: Arc<Sources>,
}

/// A configuration with errors.
#[derive(Debug)]
pub struct Failed {
    /// Errors and warnings, in the order of their places.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that they point into.
    pub sources: Arc<Sources>,
}

/// The files of a directory, parsed, and the values of its variables.
struct Files {
    bodies: Vec<Body>,
    /// Where to point when the whole configuration is meant: the start of the first file.
    start: Option<Span>,
    variables: Vec<PathBuf>,
}

/// Reads the configuration of a directory.
///
/// # Errors
/// All that is wrong with it.
pub fn load(directory: &Path, inputs: &Inputs) -> Result<Loaded, Failed> {
    let sources = Arc::new(Sources::new(directory));
    let mut diagnostics = Vec::new();
    let topology = on_big_stack(|| {
        open(inputs, &sources, Purpose::Whole, &mut diagnostics, topology).flatten()
    });
    let mut diagnostics = told(diagnostics);
    if topology.is_none() && !has_errors(&diagnostics) {
        // Never a failure without a word.
        let detail =
            "the configuration can't be used, and why was told nowhere; please report this";
        diagnostics.push(Diagnostic::without_place(codes::ALREADY_TOLD, detail));
    }
    match topology {
        Some(topology) if !has_errors(&diagnostics) => Ok(Loaded {
            topology,
            warnings: diagnostics,
            sources,
        }),
        _ => Err(Failed {
            diagnostics,
            sources,
        }),
    }
}

/// Opens the configuration of a directory and hands its names to `work`, for the console. `None` where it has errors
/// that leave nothing to work with; they stand in `diagnostics`.
pub fn with_world<T>(
    sources: &Sources,
    inputs: &Inputs,
    diagnostics: &mut Vec<Diagnostic>,
    work: impl FnOnce(&World<'_>) -> T,
) -> Option<T> {
    on_big_stack(|| {
        open(
            inputs,
            sources,
            Purpose::Names,
            diagnostics,
            |_, world, _, out| {
                if has_errors(out) {
                    None
                } else {
                    Some(work(world))
                }
            },
        )
        .flatten()
    })
}

/// What a configuration is opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Its topology: there must be one.
    Whole,
    /// Its names, of which there may be none.
    Names,
}

fn open<T>(
    inputs: &Inputs,
    sources: &Sources,
    purpose: Purpose,
    out: &mut Vec<Diagnostic>,
    work: impl FnOnce(&[Body], &World<'_>, &mut Budget, &mut Vec<Diagnostic>) -> T,
) -> Option<T> {
    let files = read(sources, out);
    let syntax_errors = has_errors(out);
    let bodies: Vec<&Body> = files.bodies.iter().collect();
    if let Some(start) = files.start {
        structure::check(&bodies, &ROOT, start, out);
        if purpose == Purpose::Whole && !syntax_errors {
            structure::check_required_blocks(&bodies, &ROOT, start, out);
        }
    } else if purpose == Purpose::Whole && !syntax_errors {
        out.push(no_files(sources.root()));
    }
    if syntax_errors || (files.start.is_none() && purpose == Purpose::Whole) {
        return None;
    }
    let mut budget = Budget::for_attributes(files.bodies.iter().map(attributes).sum());
    let given = Given::read(inputs, &files.variables, sources, &mut budget, out);
    let values = variables::resolve(&files.bodies, &given, sources, &mut budget, out);
    let readable = Directory::new(sources, inputs.home.clone());
    let world = World::new(&files.bodies, values, readable);
    Some(work(&files.bodies, &world, &mut budget, out))
}

/// How many attributes there are to work out.
fn attributes(body: &Body) -> u64 {
    body.attributes.len() as u64
        + body
            .blocks
            .iter()
            .map(|block| attributes(&block.body))
            .sum::<u64>()
}

fn topology(
    bodies: &[Body],
    world: &World<'_>,
    budget: &mut Budget,
    out: &mut Vec<Diagnostic>,
) -> Option<Topology> {
    variables::validate(bodies, world, budget, out);
    world.check_locals(budget, out);
    let name = top::topology(bodies, world, budget, out);
    let ssh = world.stacks.ssh(world, budget).unwrap_or_else(|problems| {
        out.extend(problems);
        SshFields::default()
    });
    let servers = world.stacks.servers(world, budget, out);
    let apps = world.stacks.apps(world, budget, out);
    let mut decoded = Vec::new();
    for block in top::blocks(bodies).filter(|block| block.kind == "replication") {
        if budget.is_exhausted() || out.len() > MOST_SHOWN {
            break;
        }
        match replications::decode(block, world, budget) {
            Ok(instances) => decoded.extend(instances.into_all()),
            Err(problems) => out.extend(problems),
        }
    }
    let machines = checks::check(
        &Decoded {
            servers: &servers,
            apps: &apps,
            replications: &decoded,
        },
        out,
    );
    let replications: Vec<&Replication> = decoded.iter().map(|one| &one.replication).collect();
    let removed = changes::removed(bodies, &replications, world, budget, out);
    Some(Topology {
        name: name?,
        machines,
        servers: servers
            .iter()
            .map(|server| -> Server { server.server.clone() })
            .collect(),
        apps: apps.iter().map(|app| app.app.clone()).collect(),
        replications: decoded
            .into_iter()
            .map(|decoded| decoded.replication)
            .collect(),
        ssh: SshFields::default().over(&ssh, "", None),
        removed,
        former: Former::default(),
    })
}

/// Which names are blocks, for the JSON parser.
struct Table;

impl Schema for Table {
    fn block(&self, path: &[&str]) -> Option<usize> {
        let (last, around) = path.split_last()?;
        let mut row = &ROOT;
        for name in around {
            row = row.block(name)?;
        }
        row.block(last).map(|row| usize::from(row.label.is_some()))
    }
}

/// Reads and parses the files of the directory, in the order of their names.
fn read(sources: &Sources, out: &mut Vec<Diagnostic>) -> Files {
    let mut files = Files {
        bodies: Vec::new(),
        start: None,
        variables: Vec::new(),
    };
    let names = match names(sources.root()) {
        Ok(names) => names,
        Err(error) => {
            let detail = format!("reading {}: {error}", sources.root().display());
            out.push(Diagnostic::without_place(codes::FILE_ACCESS, detail));
            return files;
        }
    };
    let is = |name: &str, ends: [&str; 2]| ends.iter().any(|end| name.ends_with(end));
    for name in names
        .iter()
        .filter(|name| is(name, [".rf.hcl", ".rf.json"]))
    {
        match sources.read(Path::new(name)) {
            Ok(file) => {
                files.start = files.start.or(Some(Span::new(file, 0, 0)));
                let (body, problems) = if name.ends_with(".json") {
                    parse_json(file, sources, &Table)
                } else {
                    parse_hcl(file, sources)
                };
                files.bodies.push(body);
                out.extend(problems);
            }
            Err(problem) => out.push(problem),
        }
    }
    files.variables = names
        .iter()
        .filter(|name| is(name, [".auto.rfvars", ".auto.rfvars.json"]))
        .map(PathBuf::from)
        .collect();
    files
}

fn no_files(directory: &Path) -> Diagnostic {
    let detail = format!("{} has no *.rf.hcl or *.rf.json file", shown(directory));
    Diagnostic::without_place(codes::NO_FILES, detail)
        .help("go to the directory of your configuration, or name it: replform -chdir=DIR …")
}

fn shown(directory: &Path) -> String {
    let absolute = directory.canonicalize();
    absolute
        .as_deref()
        .unwrap_or(directory)
        .display()
        .to_string()
}

/// The names in a directory, sorted; hidden files and editors' backups are left out.
fn names(directory: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        // A name that isn't UTF-8 is none of ours.
        if let Ok(name) = entry?.file_name().into_string()
            && !name.starts_with(['.', '#'])
            && !name.ends_with('~')
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::{Colour, render_all};

    fn failed(folder: &Path) -> String {
        let failed = load(folder, &Inputs::default()).unwrap_err();
        render_all(&failed.diagnostics, &*failed.sources, Colour::Plain)
    }

    #[test]
    fn a_directory_without_configuration_says_where_it_looked() {
        let folder = tempfile::tempdir().unwrap();
        let text = failed(folder.path());
        assert!(
            text.contains("RF0214") && text.contains(&shown(folder.path())),
            "{text}"
        );
        assert!(failed(&folder.path().join("nowhere")).contains("RF0801"));
    }

    #[test]
    fn a_directory_named_like_a_file_and_a_huge_file_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("x.rf.hcl")).unwrap();
        let huge = std::fs::File::create(folder.path().join("y.rf.hcl")).unwrap();
        huge.set_len(50_000_000).unwrap();
        let text = failed(folder.path());
        assert!(
            text.contains("x.rf.hcl: it is a directory") && text.contains("RF0002"),
            "{text}"
        );
    }

    #[test]
    fn a_hundred_thousand_brackets_are_an_error() {
        for (open, close) in [("[", "]"), ("(", ")"), ("{a=", "}"), ("\"${", "}\"")] {
            let folder = tempfile::tempdir().unwrap();
            let text = format!(
                "locals {{\n  a = {}1{}\n}}\n",
                open.repeat(100_000),
                close.repeat(100_000)
            );
            std::fs::write(folder.path().join("main.rf.hcl"), text).unwrap();
            assert!(failed(folder.path()).contains("error[RF"));
        }
    }

    #[test]
    fn hidden_files_and_backups_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".hidden.rf.hcl", "#main.rf.hcl", "main.rf.hcl~"] {
            std::fs::write(folder.path().join(name), "nonsense").unwrap();
        }
        std::fs::write(
            folder.path().join("main.rf.hcl"),
            "replform {\n  topology = \"acme\"\n}\n",
        )
        .unwrap();
        assert_eq!(
            load(folder.path(), &Inputs::default())
                .unwrap()
                .topology
                .name,
            "acme"
        );
    }

    #[test]
    fn a_long_chain_of_locals_ends_in_an_error_or_a_value_but_never_in_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let mut text = "replform {\n  topology = \"acme\"\n}\nlocals {\n  a0 = 1\n".to_owned();
        for index in 1..20_000 {
            text += &format!("  a{index} = local.a{} + 1\n", index - 1);
        }
        std::fs::write(folder.path().join("main.rf.hcl"), text + "}\n").unwrap();
        let _ = load(folder.path(), &Inputs::default());
    }
}
