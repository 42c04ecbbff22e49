//! Which settings a link needs on each end, and which of them aren't as needed.
//!
//! They stand in the unit's own mongod.conf: MongoDB reads no directory of further files. Only these values change, every
//! other byte stays (conf.sh), and mongod itself reads the new text before it takes the old one's place.

use super::facts::{MongoFacts, State};
pub(super) use crate::engines::settings::Change;
use crate::engines::{Link, Upstreams, registry};
use crate::observe::reach_key;
use crate::plan::names;
use crate::topology::{Member, Replication};

/// MongoDB's own port.
pub(super) const DEFAULT_PORT: u16 = registry::MONGODB.default_port;

/// What people call an instance.
pub(super) const NOUN: &str = "server";

/// The vendor's unit, data directory and package on Debian.
pub(super) const DEFAULT_UNIT: &str = "mongod.service";
pub(super) const DEFAULT_DIRECTORY: &str = "/var/lib/mongodb";
pub(super) const PACKAGE: &str = "mongodb-org-server";

/// Where the key file is made that replform makes.
pub(super) const KEY_FILE: &str = "/etc/mongod.replform.key";

/// The smallest oplog that mongod takes, bytes (manual 6.0, replication.oplogSizeMB: 990 MB).
pub(super) const SMALLEST_OPLOG: u64 = 990_000_000;

/// What stands in [`Change::now`] of a server that is no set yet; it is no setting.
pub(super) const SET: &str = "replica set";

/// What a member is called in the set's configuration: `10.0.0.11:27017`.
pub(super) fn host_of(member: &Member) -> String {
    reach_key(&member.address, member.instance.port)
}

/// The set's name where it has none yet: the replication's.
pub(super) fn new_set_name(replication: &Replication) -> String {
    names::in_files(&replication.name)
}

/// The set's name: its own, or the one that it will be given.
pub(super) fn set_name(replication: &Replication, facts: &MongoFacts) -> String {
    let named = facts.setting("replication.replSetName");
    match &facts.set {
        Some(set) => set.clone(),
        None if facts.state == State::Waiting && !named.is_empty() => named.to_owned(),
        None => new_set_name(replication),
    }
}

/// `net.bindIp` with the address added; `None` when the server listens there already.
pub(super) fn listening(facts: &MongoFacts, address: &str) -> Option<String> {
    if facts.setting("net.bindIpAll") == "true" {
        return None;
    }
    let mut addresses: Vec<&str> = facts
        .bind()
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .collect();
    // mongod's own default.
    if addresses.is_empty() {
        addresses.push("127.0.0.1");
    }
    let everywhere = if address.contains(':') {
        ["*", "::"]
    } else {
        ["*", "0.0.0.0"]
    };
    if addresses
        .iter()
        .any(|one| *one == address || everywhere.contains(one))
    {
        return None;
    }
    addresses.push(address);
    Some(addresses.join(","))
}

/// What must change on the primary before the links can be made.
pub(super) fn upstream_changes(upstreams: &Upstreams<'_>, facts: &MongoFacts) -> Vec<Change> {
    let mut changes = Vec::new();
    if upstreams.new.is_empty() {
        return changes;
    }
    let mut change = |name, want: String, why: String| {
        let now = match name {
            // The file may say it already: an earlier run was cut off before the restart.
            "replication.replSetName" if facts.state == State::Standalone => String::new(),
            "net.bindIp" => facts.bind().to_owned(),
            _ => facts.setting(name).to_owned(),
        };
        if now != want {
            changes.push(Change {
                name,
                now,
                want,
                why,
                restart: true,
            });
        }
    };
    let alone = matches!(facts.state, State::Standalone | State::Waiting);
    if alone {
        change(
            "replication.replSetName",
            set_name(upstreams.replication, facts),
            "only a member of a set has replicas".to_owned(),
        );
    }
    if let Some(want) = listening(facts, &upstreams.member.address) {
        let why = format!("it must listen on {}", upstreams.member.address);
        change("net.bindIp", want, why);
    }
    if alone && facts.authenticates() && facts.key_path().is_none() {
        let why = "apps log in here, so members must too".to_owned();
        change("security.keyFile", KEY_FILE.to_owned(), why);
    }
    if let (true, Some(retain)) = (alone, upstreams.replication.retain) {
        let why = format!("retain = {retain}");
        change(
            "replication.oplogSizeMB",
            (retain.0 / 1_000_000).to_string(),
            why,
        );
    }
    if alone {
        changes.push(Change {
            name: SET,
            now: "none".to_owned(),
            want: set_name(upstreams.replication, facts),
            why: "the set begins with the primary alone".to_owned(),
            restart: false,
        });
    }
    changes
}

/// Those of the changes that are settings.
pub(super) fn in_files(changes: &[Change]) -> Vec<Change> {
    let mut changes = changes.to_vec();
    changes.retain(|change| change.name != SET);
    changes
}

/// Whether members of the set log in to one another once the changes are made.
pub(super) fn has_key(upstream: &MongoFacts) -> bool {
    upstream.key_path().is_some() || upstream.authenticates()
}

/// The key file's path on the replica: the one that it has, else ours.
pub(super) fn replica_key(facts: &MongoFacts) -> String {
    facts.key_path().unwrap_or(KEY_FILE).to_owned()
}

/// What the replica's file must say, `section.name=value` a line; an empty value takes the line out.
pub(super) fn replica_lines(
    link: &Link<'_>,
    facts: &MongoFacts,
    upstream: &MongoFacts,
) -> Vec<String> {
    let member = &link.replica.member;
    let mut lines = vec![format!(
        "replication.replSetName={}",
        set_name(link.replication, upstream)
    )];
    if let Some(addresses) = listening(facts, &member.address) {
        lines.push(format!("net.bindIp={addresses}"));
    }
    let port = facts.setting("net.port").parse().unwrap_or(DEFAULT_PORT);
    if port != member.instance.port {
        lines.push(format!("net.port={}", member.instance.port));
    }
    if let Some(directory) = &member.instance.data_directory
        && facts.setting("storage.dbPath") != directory
    {
        lines.push(format!("storage.dbPath={directory}"));
    }
    lines.extend(login_lines(facts, upstream));
    let size = oplog_megabytes(link, upstream);
    if let Some(size) = size.filter(|size| facts.setting("replication.oplogSizeMB") != size) {
        lines.push(format!("replication.oplogSizeMB={size}"));
    }
    lines
}

/// What a running member's file must say so that it is the same member after a restart, where it says something else: each
/// with the value that the server runs with.
pub(super) fn kept_lines(
    link: &Link<'_>,
    facts: &MongoFacts,
    upstream: &MongoFacts,
) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    // A file that mongod refuses says nothing.
    if facts.setting("config").is_empty() {
        return lines;
    }
    let set = set_name(link.replication, upstream);
    if facts.setting("replication.replSetName") != set {
        lines.push(("replication.replSetName", set));
    }
    let address = &link.replica.member.address;
    let written = MongoFacts {
        running_bind: None,
        ..facts.clone()
    };
    // Names of hosts aren't looked up: only what the server listened on by its address counts.
    if let Some(running) = &facts.running_bind
        && listening(facts, address).is_none()
        && listening(&written, address).is_some()
    {
        lines.push(("net.bindIp", running.clone()));
    }
    lines
}

/// Who may log in on the replica, and how: as on the primary.
fn login_lines(facts: &MongoFacts, upstream: &MongoFacts) -> Vec<String> {
    let mut lines = Vec::new();
    if has_key(upstream) {
        lines.push(format!("security.keyFile={}", replica_key(facts)));
    } else if facts.key_path().is_some() {
        lines.push("security.keyFile=".to_owned());
    }
    let mut same = |name: &str, want: &str| {
        if facts.setting(name) != want {
            lines.push(format!("{name}={want}"));
        }
    };
    same(
        "security.authorization",
        upstream.setting("security.authorization"),
    );
    same(
        "security.transitionToAuth",
        upstream.setting("security.transitionToAuth"),
    );
    lines
}

/// The oplog's size on the replica where it isn't left to mongod: as written, or as on the primary.
fn oplog_megabytes(link: &Link<'_>, upstream: &MongoFacts) -> Option<String> {
    match link.replication.retain {
        Some(retain) => Some((retain.0 / 1_000_000).to_string()),
        None => Some(upstream.setting("replication.oplogSizeMB").to_owned())
            .filter(|size| !size.is_empty()),
    }
}
