//! What a scenario is: hosts, and what happens to them in order. `decode.rs` makes it, `check.rs` judges it, `run.rs` plays it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::expect::Expect;
use super::text::Text;

/// One folder of files.
pub struct Scenario {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// `FOLDER/scenario.hcl` as messages name it.
    pub page: String,
    /// What is shown, in a sentence.
    pub about: String,
    /// In the file's order.
    pub hosts: Vec<HostWanted>,
    /// In the file's order.
    pub steps: Vec<Step>,
}

/// A host of the lab.
pub struct HostWanted {
    pub name: String,
    /// `bookworm-bare` and so on: what `testdata/lab/lab image` builds.
    pub image: String,
    pub address: String,
}

/// One block of the file.
pub struct Step {
    pub line: usize,
    /// The block's first line, for people.
    pub title: String,
    pub act: Act,
}

/// What happens.
pub enum Act {
    /// A script runs on hosts, side by side.
    On {
        hosts: Vec<String>,
        work: Work,
        save: Option<String>,
        expect: Expect,
    },
    /// The same, again and again until all that is expected holds.
    Wait {
        host: String,
        work: Work,
        expect: Expect,
    },
    /// Another page of HCL takes the place of main.rf.hcl.
    Page { file: String },
    /// replform runs to its end.
    Replform {
        arguments: Vec<String>,
        within: Duration,
        expect: Expect,
    },
    /// replform runs beside the next steps.
    Start {
        name: String,
        arguments: Vec<String>,
    },
    /// Waits until one that was started says something on standard error.
    Hear {
        name: String,
        says: Text,
        within: Duration,
    },
    /// SIGKILL for one that was started.
    Kill { name: String },
    /// Ctrl-C for one that was started.
    Interrupt { name: String },
    /// Waits until one that was started ends by itself.
    Finish {
        name: String,
        within: Duration,
        expect: Expect,
    },
    /// The engine's writer begins.
    WriterStarts {
        host: String,
        with: BTreeMap<String, Text>,
    },
    /// The writer ends; what it measured is held to these bounds.
    WriterStops {
        longest_pause: Option<Duration>,
        lost_connections: Option<u32>,
    },
    /// The host's cable is unplugged; plugged in again where a time is given.
    Cut {
        host: String,
        lasting: Option<Duration>,
    },
    /// The cable is plugged in again.
    Heal { host: String },
    /// Every process of the host dies.
    PowerOff { host: String },
    /// The host boots from the same disk.
    PowerOn { host: String },
    /// A small disk is put over a path; another size later makes it grow.
    Disk {
        host: String,
        path: String,
        size: String,
    },
    /// Replicas reach the primary's position and hold the same contents and every acknowledged write.
    SameData {
        primary: String,
        replicas: Vec<String>,
        with: BTreeMap<String, Text>,
        within: Duration,
    },
    /// A second plan is empty.
    NothingToDo,
    /// A secret stands nowhere: not in what replform said or saved, not on any host.
    StaysSecret { what: String, secret: Secret },
}

/// A script with its variables.
pub struct Work {
    pub script: Script,
    pub with: BTreeMap<String, Text>,
    pub within: Duration,
}

/// Where a script's text comes from.
pub enum Script {
    /// The scenario says it itself.
    Line(String),
    /// A file of the scenario's folder, its engine's, or the one of all.
    File(String),
}

/// How a secret is known to the test.
pub enum Secret {
    /// It is a canary.
    Value(String),
    /// A script on a host tells it.
    Told { host: String, work: Work },
}

impl Act {
    /// The hosts that must exist.
    pub fn hosts(&self) -> Vec<&str> {
        match self {
            Act::On { hosts, .. } => hosts.iter().map(String::as_str).collect(),
            Act::SameData {
                primary, replicas, ..
            } => std::iter::once(primary)
                .chain(replicas)
                .map(String::as_str)
                .collect(),
            Act::Wait { host, .. }
            | Act::WriterStarts { host, .. }
            | Act::Cut { host, .. }
            | Act::Heal { host }
            | Act::PowerOff { host }
            | Act::PowerOn { host }
            | Act::Disk { host, .. }
            | Act::StaysSecret {
                secret: Secret::Told { host, .. },
                ..
            } => vec![host],
            _ => Vec::new(),
        }
    }

    /// The script files that it runs.
    pub fn files(&self) -> Vec<&str> {
        match self {
            Act::On { work, .. }
            | Act::Wait { work, .. }
            | Act::StaysSecret {
                secret: Secret::Told { work, .. },
                ..
            } => match &work.script {
                Script::File(file) => vec![file],
                Script::Line(_) => Vec::new(),
            },
            Act::Page { file } => vec![file],
            Act::WriterStarts { .. } => vec!["writer.sh"],
            Act::SameData { .. } => {
                vec!["position.sh", "caught-up.sh", "contents.sh", "written.sh"]
            }
            _ => Vec::new(),
        }
    }

    /// The texts with something to fill in.
    pub fn texts(&self) -> Vec<&Text> {
        let mut texts = Vec::new();
        match self {
            Act::On { work, expect, .. } | Act::Wait { work, expect, .. } => {
                texts.extend(work.with.values());
                texts.extend(expect.texts());
            }
            Act::Replform { expect, .. } | Act::Finish { expect, .. } => {
                texts.extend(expect.texts());
            }
            Act::Hear { says, .. } => texts.push(says),
            Act::WriterStarts { with, .. } | Act::SameData { with, .. } => {
                texts.extend(with.values());
            }
            Act::StaysSecret {
                secret: Secret::Told { work, .. },
                ..
            } => texts.extend(work.with.values()),
            _ => {}
        }
        texts
    }

    /// Whether it would fail if replform did the wrong thing, beyond a command that ends badly.
    pub fn asserts(&self) -> bool {
        match self {
            Act::On { expect, .. }
            | Act::Wait { expect, .. }
            | Act::Replform { expect, .. }
            | Act::Finish { expect, .. } => expect.asserts(),
            Act::Hear { .. }
            | Act::SameData { .. }
            | Act::NothingToDo
            | Act::StaysSecret { .. } => true,
            Act::WriterStops {
                longest_pause,
                lost_connections,
            } => longest_pause.is_some() || lost_connections.is_some(),
            _ => false,
        }
    }
}
