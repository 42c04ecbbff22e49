//! Requirements that every engine has, looked at before anything runs: version, packages, data directory, disk, path.

use super::{Link, Upstreams};
use crate::diagnostics::{Code, codes};
use crate::observe::{Reach, ServerState, reach_key};
use crate::plan::findings::{about, choice};
use crate::plan::{Choice, Finding, Severity};
use crate::topology::{Bytes, Member, Replication};

/// Findings about one member, as an engine's checks add them.
#[derive(Debug)]
pub struct Checks<'a> {
    replication: &'a Replication,
    member: &'a Member,
    found: Vec<Finding>,
}

impl<'a> Checks<'a> {
    /// Of an upstream.
    pub fn of_upstream(upstreams: &Upstreams<'a>) -> Self {
        Self {
            replication: upstreams.replication,
            member: upstreams.member,
            found: Vec::new(),
        }
    }

    /// Of a link's replica.
    pub fn of_link(link: &Link<'a>) -> Self {
        Self {
            replication: link.replication,
            member: &link.replica.member,
            found: Vec::new(),
        }
    }

    /// What was found.
    pub fn done(self) -> Vec<Finding> {
        self.found
    }

    /// One more.
    pub fn add(&mut self, code: Code, severity: Severity, what: String, choices: Vec<Choice>) {
        self.found.push(about(
            code,
            severity,
            self.replication,
            self.member,
            what,
            choices,
        ));
    }

    /// One that blocks.
    pub fn block(&mut self, code: Code, what: String, choices: Vec<Choice>) {
        self.add(code, Severity::Blocked, what, choices);
    }

    /// One to know.
    pub fn warn(&mut self, code: Code, what: String, choices: Vec<Choice>) {
        self.add(code, Severity::Warning, what, choices);
    }
}

/// `version = "…"` of the replication against what runs. `title`: the engine's name for people; `release`: the part of the
/// upstream's version that a person would write (`15`, `10.11`).
pub fn required_version(
    upstreams: &Upstreams<'_>,
    title: &str,
    release: Option<&str>,
    checks: &mut Checks<'_>,
) {
    if let (Some(wanted), Some(release)) = (&upstreams.replication.version, release)
        && wanted != release
    {
        checks.block(
            codes::OTHER_VERSION,
            format!("runs {title} {release}, but version = \"{wanted}\" is required"),
            vec![choice(
                "require what runs",
                format!("version = \"{release}\" ({})", upstreams.replication.place),
            )],
        );
    }
}

/// The upstream's data directory is the written one, where one is written.
pub fn upstream_data_directory(upstreams: &Upstreams<'_>, checks: &mut Checks<'_>) {
    if let (Some(wanted), Some(data)) = (
        &upstreams.member.instance.data_directory,
        &upstreams.instance.data,
    ) && wanted.trim_end_matches('/') != data.directory
    {
        other_directory(
            wanted,
            &data.directory,
            ", or the port of the other instance",
            checks,
        );
    }
}

/// The replica's data directory is the written one, where it has one.
pub fn data_directory(link: &Link<'_>, checks: &mut Checks<'_>) {
    let exists = !matches!(
        link.instance.server,
        ServerState::NotInstalled | ServerState::NoInstance
    );
    if let (true, Some(wanted), Some(data)) = (
        exists,
        &link.replica.member.instance.data_directory,
        &link.instance.data,
    ) && wanted.trim_end_matches('/') != data.directory
    {
        other_directory(wanted, &data.directory, "", checks);
    }
}

fn other_directory(wanted: &str, there: &str, or: &str, checks: &mut Checks<'_>) {
    checks.block(
        codes::OTHER_DATA_DIRECTORY,
        format!("its data directory is {there}, but data_directory = \"{wanted}\" is written"),
        vec![choice(
            "write what is",
            format!("data_directory = \"{there}\"{or}"),
        )],
    );
}

/// The full version that the replica's package sources would install for the upstream's release, where they have one.
pub fn candidate<'a>(link: &Link<'a>) -> Option<&'a str> {
    super::engine(&link.replication.engine.0)?.candidate(link)
}

/// A bare host can install the upstream's release. `package`: its name for people.
pub fn installable(link: &Link<'_>, package: &str, checks: &mut Checks<'_>) {
    if link.instance.server != ServerState::NotInstalled || candidate(link).is_some() {
        return;
    }
    let known: Vec<&str> = link
        .instance
        .installable
        .iter()
        .map(|(release, _)| release.as_str())
        .collect();
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    checks.block(
        codes::NO_PACKAGE,
        format!(
            "no package source of this host has {package}, the primary's version (there: {known})"
        ),
        vec![choice(
            "add a source",
            format!("one that has {package}, and run apt-get update there"),
        )],
    );
}

/// Free bytes that a copy of `copy` bytes needs: the copy, the log written meanwhile and 10 %, and at least twice the copy
/// together with what is there.
pub fn disk_needed(link: &Link<'_>, copy: Bytes) -> Bytes {
    let there = link.instance.data.as_ref().map_or(0, |data| data.bytes.0);
    let seconds = copy.0 as f64 / super::steps::copy_rate(link);
    let log = super::engine(&link.replication.engine.0)
        .and_then(|engine| engine.log_rate(link.upstream_instance))
        .map_or(0.0, |rate| rate * seconds) as u64;
    let needed = (copy.0 + copy.0 / 10 + log).max((2 * copy.0).saturating_sub(there));
    // What an unfinished copy of ours takes is used again, or freed first.
    let copied: u64 = link
        .instance
        .set_aside
        .iter()
        .filter(|directory| directory.path.ends_with(".replform-copy"))
        .map(|directory| directory.bytes.0)
        .sum();
    Bytes(needed.saturating_sub(copied))
}

/// The free disk where the copy goes, and the data directory there: that of the instance, else where it will be made.
pub fn free_disk(link: &Link<'_>) -> Option<(Bytes, String)> {
    if let Some(data) = &link.instance.data {
        return Some((data.disk_free, data.directory.clone()));
    }
    let written = link.replica.member.instance.data_directory.clone();
    let usual = || Some(super::engine(&link.replication.engine.0)?.data_directory(link));
    let directory = written.or_else(usual)?;
    Some((link.facts.host.disk_of(&directory)?.free, directory))
}

/// The copy fits.
pub fn disk(link: &Link<'_>, copy: Bytes, checks: &mut Checks<'_>) {
    let needed = disk_needed(link, copy);
    match free_disk(link) {
        Some((free, directory)) if free < needed => checks.block(
            codes::DISK_TOO_SMALL,
            format!("needs {needed} free beside {directory} for the copy, has {free}"),
            vec![choice(
                "make room",
                format!("{} more on that file system", Bytes(needed.0 - free.0)),
            )],
        ),
        Some(_) => {}
        None => checks.block(
            codes::DISK_TOO_SMALL,
            "its free disk isn't known, so a copy isn't begun".to_owned(),
            vec![choice(
                "look there",
                "df must answer for the data directory's file system",
            )],
        ),
    }
}

/// The upstream listens on its address (`listens`), yet the replica is refused: a firewall that rejects.
pub fn closed_port(link: &Link<'_>, listens: bool, checks: &mut Checks<'_>) {
    let target = reach_key(link.upstream_address(), link.upstream.instance.port);
    if listens && link.facts.reach.get(&target) == Some(&Reach::Refused) {
        checks.block(
            codes::NO_PATH,
            format!(
                "is refused by {target}, although the server there listens on that address (a firewall rejects it?)"
            ),
            vec![choice(
                "open the path",
                format!("from {} to {target}", link.replica.member.address),
            )],
        );
    }
}

/// The same for an engine whose copies may be made inside of a data directory that is a mount point (common.sh: data_swap).
pub fn movable_or_mounted(place: &str, checks: &mut Checks<'_>) {
    if place != "mount" {
        movable(place, checks);
    }
}

/// A data directory that can't be renamed. `place`: `symlink`, `mount`, or empty where it is a plain directory.
pub fn movable(place: &str, checks: &mut Checks<'_>) {
    if place == "mount" {
        checks.block(
            codes::DATA_DIRECTORY_PLACE,
            "its data directory is a mount point of its own: nothing can be renamed to its place, and this engine takes \
             directories beside its files, inside of it, for its own data"
                .to_owned(),
            vec![choice(
                "mount the directory above it",
                "and let the data directory be an ordinary directory there; or use another host",
            )],
        );
    } else if !place.is_empty() {
        checks.block(
            codes::DATA_DIRECTORY_PLACE,
            format!("its data directory is a {place} and can't be renamed"),
            vec![choice(
                "make it a plain directory",
                "on the file system that is to hold the data; or use another host",
            )],
        );
    }
}
