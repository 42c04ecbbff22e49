//! `replform fmt`: lays files out in the canonical way.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::commands::Command;
use super::{Context, Exit, Failure};
use crate::config::format::format;
use crate::config::parse::parse_hcl;
use crate::config::source::{LARGEST_FILE, Sources};
use crate::diagnostics::{Diagnostic, FileId, codes};
use crate::render::unified;

/// Lay configuration files out in the canonical way
///
/// Rewrites *.rf.hcl and *.rfvars files in place and lists those that it changed.
#[derive(Args, Debug)]
pub struct Fmt {
    /// List the files whose layout differs
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, hide_possible_values = true)]
    pub list: bool,
    /// Write the new layout into the files
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, hide_possible_values = true)]
    pub write: bool,
    /// Show what would change
    #[arg(long)]
    pub diff: bool,
    /// Change nothing; exit 3 when a file isn't laid out
    #[arg(long)]
    pub check: bool,
    /// Go into subdirectories too
    #[arg(long)]
    pub recursive: bool,
    /// Files and directories, or - for standard input [default: this directory]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// A file in both layouts.
struct Text {
    name: String,
    path: Option<PathBuf>,
    before: Arc<str>,
    after: String,
}

impl Command for Fmt {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let sources = Arc::new(Sources::new(&context.directory));
        let mut diagnostics = Vec::new();
        let mut differ = false;
        for (file, path) in self.files(&sources, &mut diagnostics)? {
            let (_, problems) = parse_hcl(file, &sources);
            if !problems.is_empty() {
                diagnostics.extend(problems);
                continue;
            }
            let before = sources.text(file);
            let name = path.as_deref().map_or_else(|| "<stdin>".to_owned(), shown);
            let text = Text {
                name,
                path,
                after: format(&before),
                before,
            };
            differ |= *text.before != *text.after;
            self.one(&text, context)?;
        }
        if !diagnostics.is_empty() {
            return Err(Failure::diagnostics(diagnostics, sources));
        }
        Ok(if self.check && differ {
            Exit::Incomplete
        } else {
            Exit::Done
        })
    }
}

impl Fmt {
    fn one(&self, text: &Text, context: &Context) -> Result<(), Failure> {
        let differs = *text.before != *text.after;
        if let (Some(path), true) = (&text.path, differs) {
            if self.list {
                context.streams.data(&format!("{}\n", text.name))?;
            }
            if self.write && !self.check {
                write(path, &text.after).map_err(|error| Failure::file("writing", path, &error))?;
            }
        }
        if self.diff && differs {
            let (old, new) = (format!("old/{}", text.name), format!("new/{}", text.name));
            context
                .streams
                .data(&unified(&old, &text.before, &new, &text.after))?;
        }
        let nothing_else = text.path.is_none() || !(self.list || self.write);
        if nothing_else && !self.diff && !self.check {
            context.streams.data(&text.after)?;
        }
        Ok(())
    }

    /// The files to lay out, read; each with its path unless it is standard input.
    fn files(
        &self,
        sources: &Sources,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Result<Vec<(FileId, Option<PathBuf>)>, Failure> {
        if self.paths.iter().any(|path| path == Path::new("-")) {
            if self.paths.len() > 1 {
                return Err(Failure::plain(Diagnostic::without_place(
                    codes::NOT_A_CONFIGURATION_FILE,
                    "- (standard input) can't be given together with files",
                )));
            }
            return Ok(vec![(standard_input(sources)?, None)]);
        }
        let here = [PathBuf::from(".")];
        let given = if self.paths.is_empty() {
            &here[..]
        } else {
            &self.paths
        };
        let mut paths = Vec::new();
        for path in given {
            match std::fs::metadata(path) {
                Ok(metadata) if metadata.is_dir() => {
                    collect(path, self.recursive, &mut paths)
                        .map_err(|error| Failure::file("listing", path, &error))?;
                }
                Ok(_) if is_configuration(path) => paths.push(path.clone()),
                Ok(_) => diagnostics.push(
                    Diagnostic::without_place(codes::NOT_A_CONFIGURATION_FILE, shown(path)).help(
                        "fmt lays out *.rf.hcl and *.rfvars files; JSON has no layout of ours",
                    ),
                ),
                Err(error) => return Err(Failure::file("looking at", path, &error)),
            }
        }
        let mut files = Vec::new();
        for path in paths {
            match sources.read(path.strip_prefix(".").unwrap_or(&path)) {
                Ok(file) => files.push((file, Some(path))),
                Err(diagnostic) => diagnostics.push(diagnostic),
            }
        }
        Ok(files)
    }
}

fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

fn standard_input(sources: &Sources) -> Result<FileId, Failure> {
    let name = Path::new("standard input");
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::file("reading", name, &error))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(Failure::plain(Diagnostic::without_place(
            codes::FILE_TOO_LARGE,
            "standard input: at most 8 MiB are read",
        )));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(sources.add("<stdin>", &text)),
        Err(error) => Err(Failure::plain(Diagnostic::without_place(
            codes::NOT_UTF8,
            format!(
                "standard input: byte {} is not UTF-8",
                error.utf8_error().valid_up_to()
            ),
        ))),
    }
}

fn is_configuration(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.ends_with(".rf.hcl") || name.ends_with(".rfvars"))
}

/// The configuration files of a directory in the order of their names; symbolic links to directories and hidden
/// directories are left out.
fn collect(directory: &Path, recursive: bool, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if entry.file_type()?.is_dir() {
            if recursive && !hidden {
                collect(&path, recursive, paths)?;
            }
        } else if is_configuration(&path) && !hidden {
            paths.push(path);
        }
    }
    Ok(())
}

/// Replaces a file whole, or leaves it as it was; keeps its mode, and a symbolic link stays one.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    let directory = path.parent().unwrap_or(Path::new("/"));
    let permissions = std::fs::metadata(&path)?.permissions();
    let mut file = tempfile::Builder::new()
        .prefix(".replform-")
        .tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}
