//! Which settings a link needs on each end, and which of them aren't as needed.
//!
//! They go into a drop-in of ours (`conf.d/90-replform.conf`), never into postgresql.auto.conf: that lies in the data
//! directory, so the next base backup would copy it to the replica (engine page, section 1).

use super::facts::{PostgresFacts, REPLICA_LIMITS};
use super::tls;
pub(super) use crate::engines::settings::Change;
use crate::engines::steps::ASSUMED_RATE;
use crate::engines::{Link, Upstreams, account_of, registry};
use crate::plan::names;
use crate::topology::{Bytes, MemberId};

/// PostgreSQL's own port.
pub(super) const DEFAULT_PORT: u16 = registry::POSTGRESQL.default_port;

/// What PostgreSQL on Debian calls an instance.
pub(super) const NOUN: &str = "cluster";

/// PostgreSQL's limit of identifiers, bytes (NAMEDATALEN − 1).
pub(super) const NAME_LIMIT: usize = 63;

/// What is kept at most for a dead replica where the configuration doesn't say, bytes.
const DEFAULT_RETAIN: u64 = 16_000_000_000;

/// The account's, slot's and application's name of a replica.
pub(super) fn account(replication: &str, replica: &str) -> String {
    names::account(replication, replica, NAME_LIMIT)
}

/// What must change on the upstream before the links can be made.
pub(super) fn upstream_changes(upstreams: &Upstreams<'_>, facts: &PostgresFacts) -> Vec<Change> {
    let mut changes = Vec::new();
    changes.extend(listen(upstreams, facts));
    changes.extend(tls::server_changes(upstreams, facts));
    changes.extend(wal_level(facts));
    changes.extend(room(upstreams, facts));
    if upstreams.new.is_empty() {
        // Links that stand need what replform set for them, and nothing else: they stand.
        changes.retain(|change| !upstreams.standing.is_empty() && marked(upstreams, change.name));
    } else {
        let restarts = changes.iter().any(|change| change.restart);
        changes.extend(hints(facts).filter(|_| restarts));
    }
    changes.extend(retain(upstreams, facts));
    changes
}

pub(super) fn setting(
    facts: &PostgresFacts,
    name: &'static str,
    want: String,
    why: String,
    restart: bool,
) -> Option<Change> {
    let now = facts.setting(name)?.to_owned();
    (now != want).then_some(Change {
        name,
        now,
        want,
        why,
        restart,
    })
}

/// `listen_addresses` gets exactly the addresses that it lacks.
fn listen(upstreams: &Upstreams<'_>, facts: &PostgresFacts) -> Option<Change> {
    let now = facts.setting("listen_addresses")?;
    let mut want = now.to_owned();
    let mut lacking = Vec::new();
    for address in upstreams.listening_addresses() {
        if let Some(more) = listening(&want, address) {
            want = more;
            lacking.push(address);
        }
    }
    let why = format!("it must listen on {}", lacking.join(" and "));
    setting(facts, "listen_addresses", want, why, true)
}

/// The list with the address added; `None` when the server listens there already.
pub(super) fn listening(now: &str, address: &str) -> Option<String> {
    let mut addresses: Vec<&str> = now
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .collect();
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
    Some(addresses.join(", "))
}

fn wal_level(facts: &PostgresFacts) -> Option<Change> {
    (facts.setting("wal_level") == Some("minimal"))
        .then(|| {
            setting(
                facts,
                "wal_level",
                "replica".to_owned(),
                "minimal log can't be replayed elsewhere".to_owned(),
                true,
            )
        })
        .flatten()
}

/// Senders and slots: a copy takes two senders, a link one, and each replica a slot.
fn room(upstreams: &Upstreams<'_>, facts: &PostgresFacts) -> Vec<Change> {
    let names: Vec<String> = upstreams
        .replication
        .replicas
        .iter()
        .map(|replica| account_of(upstreams.replication, replica))
        .collect();
    let foreign_senders = facts
        .senders
        .iter()
        .filter(|sender| !names.contains(&sender.application_name))
        .count();
    let foreign_slots = facts
        .slots
        .iter()
        .filter(|slot| !names.contains(&slot.name))
        .count();
    let senders = foreign_senders + upstreams.standing.len() + 2 * upstreams.new.len();
    let slots = foreign_slots
        + match upstreams.id {
            MemberId::Primary => names.len(),
            MemberId::Replica(_) => upstreams.standing.len() + upstreams.new.len(),
        };
    [
        ("max_wal_senders", senders),
        ("max_replication_slots", slots),
    ]
    .into_iter()
    .filter_map(|(name, needed)| {
        let now: usize = facts.setting(name)?.parse().ok()?;
        (now < needed)
            .then(|| {
                setting(
                    facts,
                    name,
                    (needed + 2).to_string(),
                    format!("{needed} are needed at once"),
                    true,
                )
            })
            .flatten()
    })
    .collect()
}

/// Without checksums, pg_rewind needs hints logged *before* a divergence: taken along when a restart comes anyway.
fn hints(facts: &PostgresFacts) -> std::option::IntoIter<Change> {
    let checksums = facts.setting("data_checksums") == Some("on");
    (!checksums && facts.setting("wal_log_hints") == Some("off"))
        .then(|| {
            setting(
                facts,
                "wal_log_hints",
                "on".to_owned(),
                "a later rewind needs it, and a restart comes anyway".to_owned(),
                true,
            )
        })
        .flatten()
        .into_iter()
}

/// The cap on what a dead replica's slot keeps (rule 9).
fn retain(upstreams: &Upstreams<'_>, facts: &PostgresFacts) -> Option<Change> {
    let now: i64 = facts.setting("max_slot_wal_keep_size")?.parse().ok()?;
    let want = match upstreams.replication.retain {
        Some(wanted) => megabytes(wanted),
        None if has_foreign_slots(upstreams, facts) => return None,
        None if now >= 0 => match set_before(upstreams, "max_slot_wal_keep_size") {
            // Set by replform, changed by somebody since.
            Some(set) => set.parse().ok()?,
            None => return None,
        },
        None if upstreams.new.is_empty()
            && !marked(upstreams, "max_slot_wal_keep_size")
            && !has_own_slots(upstreams, facts) =>
        {
            return None;
        }
        None => default_retain(upstreams, facts),
    };
    setting(
        facts,
        "max_slot_wal_keep_size",
        want.to_string(),
        format!(
            "a dead replica may keep at most {} of log here",
            Bytes(want << 20)
        ),
        false,
    )
}

/// Of our settings those that only a restart changes.
pub(super) fn needing_restart<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let online = |name: &&&str| **name == "max_slot_wal_keep_size";
    names.iter().filter(|name| !online(name)).copied().collect()
}

/// What replform set it to here.
fn set_before<'a>(upstreams: &'a Upstreams<'_>, name: &str) -> Option<&'a str> {
    let change = upstreams.marker?.settings.get(name)?;
    Some(&change.set)
}

/// Whether replform set it here.
fn marked(upstreams: &Upstreams<'_>, name: &str) -> bool {
    upstreams
        .marker
        .is_some_and(|marker| marker.settings.contains_key(name))
}

/// Slots that replform made: what they keep is ours to cap, whatever was there when they were made.
fn has_own_slots(upstreams: &Upstreams<'_>, facts: &PostgresFacts) -> bool {
    let replication = upstreams.replication;
    let own = |name: &str| {
        let mut replicas = replication.replicas.iter();
        replicas.any(|replica| account_of(replication, replica) == name)
    };
    facts.slots.iter().any(|slot| own(&slot.name))
}

/// Slots that aren't ours: others rely on what they keep.
pub(super) fn has_foreign_slots(upstreams: &Upstreams<'_>, facts: &PostgresFacts) -> bool {
    let replication = upstreams.replication;
    // Those of replicas that part now are still ours.
    let former = upstreams.topology.former_replicas(&replication.name);
    let ours = |name: &str| {
        replication
            .replicas
            .iter()
            .chain(former)
            .any(|replica| account_of(replication, replica) == name)
    };
    facts
        .slots
        .iter()
        .any(|slot| !slot.temporary && !ours(&slot.name))
}

/// The smaller of 16 GB and half the free disk, or what is written while the slowest copy is made, where half the disk has room
/// for it; in MiB, a power of two so that it doesn't move with every byte.
fn default_retain(upstreams: &Upstreams<'_>, facts: &PostgresFacts) -> u64 {
    let free = upstreams
        .instance
        .data
        .as_ref()
        .map_or(0, |data| data.disk_free.0);
    let half = ((free / 2) >> 20).max(64);
    let usual = 1_u64 << half.min(DEFAULT_RETAIN >> 20).ilog2();
    let needed = (log_of_a_copy(upstreams, facts) >> 20)
        .max(1)
        .checked_next_power_of_two();
    needed
        .filter(|needed| *needed <= half)
        .map_or(usual, |needed| needed.max(usual))
}

/// What will be kept at most for a dead replica: as written, as it will be set, as it is in force; `None`: no limit, or not known.
pub(super) fn retained(upstreams: &Upstreams<'_>, facts: &PostgresFacts) -> Option<Bytes> {
    if let Some(written) = upstreams.replication.retain {
        return Some(written);
    }
    let set = retain(upstreams, facts).and_then(|change| change.want.parse::<u64>().ok());
    let now = || facts.setting("max_slot_wal_keep_size")?.parse::<u64>().ok();
    set.or_else(now).map(|mebibytes| Bytes(mebibytes << 20))
}

/// Bytes of log that the upstream writes, at its rate until now, while the slowest of its copies is made; 0 when its rate isn't known.
pub(super) fn log_of_a_copy(upstreams: &Upstreams<'_>, facts: &PostgresFacts) -> u64 {
    let bytes = upstreams
        .instance
        .data
        .as_ref()
        .map_or(0, |data| data.copy_bytes.0);
    let slowest = upstreams
        .new
        .iter()
        .chain(upstreams.standing)
        .filter_map(|replica| replica.max_rate)
        .fold(ASSUMED_RATE, |slowest, limit| slowest.min(limit.0 as f64));
    (facts.wal_bytes_per_second.unwrap_or(0.0) * bytes as f64 / slowest) as u64
}

/// Whether a running replica has a setting that its upstream needs larger: only a restart raises it.
pub(super) fn below_upstream(facts: &PostgresFacts, upstream: &PostgresFacts) -> bool {
    limits(facts, upstream).iter().any(|(name, value)| {
        facts
            .setting(name)
            .and_then(|now| now.parse::<u64>().ok())
            .is_some_and(|now| now < *value)
    })
}

/// A size in PostgreSQL's MB, rounded up.
fn megabytes(bytes: Bytes) -> u64 {
    bytes.0.div_ceil(1 << 20)
}

/// The replica's whole drop-in.
pub(super) fn replica_lines(
    link: &Link<'_>,
    facts: &PostgresFacts,
    upstream: &PostgresFacts,
) -> Vec<String> {
    let mut lines = link_lines(link);
    let listens = facts
        .setting_or_configured("listen_addresses")
        .unwrap_or("localhost");
    if let Some(addresses) = listening(listens, &link.replica.member.address) {
        lines.push(line("listen_addresses", &addresses));
    } else if let Some(own) = facts
        .drop_in
        .iter()
        .find(|own| own.starts_with("listen_addresses"))
    {
        lines.push(own.clone());
    }
    lines.extend(
        limits(facts, upstream)
            .into_iter()
            .map(|(name, value)| line(name, &value.to_string())),
    );
    // What it was given for those that read from it.
    let name_of = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let named: Vec<String> = lines.iter().map(|line| name_of(line)).collect();
    let others = facts.drop_in.iter();
    lines.extend(others.filter(|own| !named.contains(&name_of(own))).cloned());
    lines
}

/// The lines that make the link itself.
pub(super) fn link_lines(link: &Link<'_>) -> Vec<String> {
    let name = account_of(link.replication, link.replica);
    vec![
        line(
            "primary_conninfo",
            &format!("{} application_name={name}", conninfo(link)),
        ),
        line("primary_slot_name", &name),
    ]
}

/// The settings that must be at least as large on the replica, where they aren't, or where ours made them so.
pub(super) fn limits(facts: &PostgresFacts, upstream: &PostgresFacts) -> Vec<(&'static str, u64)> {
    REPLICA_LIMITS
        .into_iter()
        .filter_map(|name| {
            let wanted = upstream.limit(name)?;
            let ours = facts.drop_in.iter().any(|own| own.starts_with(name));
            match facts
                .setting_or_configured(name)
                .and_then(|value| value.parse::<u64>().ok())
            {
                Some(now) if now >= wanted && !ours => None,
                Some(now) => Some((name, wanted.max(now))),
                // A server that doesn't run yet: Debian's defaults are enough up to these.
                None if wanted <= default_limit(name) => None,
                None => Some((name, wanted)),
            }
        })
        .collect()
}

/// Debian's defaults of 15 to 18 (engine page, section 1).
fn default_limit(name: &str) -> u64 {
    match name {
        "max_connections" => 100,
        "max_worker_processes" => 8,
        "max_wal_senders" => 10,
        "max_locks_per_transaction" => 64,
        _ => 0,
    }
}

/// How the replica reaches its upstream, without `application_name`: in its drop-in, and in every script that asks the upstream.
/// A dead link is noticed after 60 s: 20 s of silence, then 4 tries, 10 s apart.
pub(super) fn conninfo(link: &Link<'_>) -> String {
    format!(
        "host={} port={} user={} passfile={} connect_timeout=10 keepalives_idle=20 keepalives_interval=10 keepalives_count=4{}",
        link.upstream_address(),
        link.upstream.instance.port,
        account_of(link.replication, link.replica),
        passfile(link),
        tls::client_words(link)
    )
}

/// The password file beside the cluster's configuration, so that no data directory ever carries it.
pub(super) fn passfile(link: &Link<'_>) -> String {
    format!("/etc/postgresql/{}/replform.pgpass", cluster_of(link))
}

/// The replica's cluster: the one on its port, else the one that provision makes.
pub(super) fn cluster_of(link: &Link<'_>) -> String {
    PostgresFacts::of(link.instance)
        .ok()
        .and_then(|facts| facts.cluster.clone())
        .unwrap_or_else(|| format!("{}/{}", major_of(link), new_cluster_name(link)))
}

/// The package of the primary's major version.
pub(super) fn package(link: &Link<'_>) -> String {
    format!("postgresql-{}", major_of(link))
}

/// The primary's major version.
pub(super) fn major_of(link: &Link<'_>) -> u16 {
    major(link.upstream_instance.version.as_deref()).unwrap_or(0)
}

/// The major version in a full one: 15 of `15.18`.
pub(super) fn major(version: Option<&str>) -> Option<u16> {
    version?.split(['.', ' ']).next()?.parse().ok()
}

/// What a cluster that provision makes is called: as its directory where that is a usual one, `main` on the usual port,
/// else with its port, so that two on one host never share a name.
fn new_cluster_name(link: &Link<'_>) -> String {
    let wish = &link.replica.member.instance;
    if let Some((_, name)) = wish
        .data_directory
        .as_deref()
        .and_then(|path| path.strip_prefix("/var/lib/postgresql/"))
        .and_then(|rest| rest.split_once('/'))
        && !name.is_empty()
        && !name.contains('/')
    {
        return name.to_owned();
    }
    if wish.port == DEFAULT_PORT && !is_taken(link, &format!("{}/main", major_of(link))) {
        "main".to_owned()
    } else {
        format!("main{}", wish.port)
    }
}

/// Whether the host has a cluster of this name, on whatever port.
fn is_taken(link: &Link<'_>, name: &str) -> bool {
    let facts = PostgresFacts::of(link.instance).unwrap_or_default();
    facts
        .other_clusters
        .iter()
        .any(|other| other.cluster == name)
        || link.facts.instances.values().any(|instance| {
            PostgresFacts::of(instance).is_ok_and(|facts| facts.cluster.as_deref() == Some(name))
        })
}

/// A line of a configuration file.
pub(super) fn line(name: &str, value: &str) -> String {
    format!("{name} = '{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_adds_exactly_the_address_that_is_missing() {
        assert_eq!(
            listening("localhost", "10.0.0.11").as_deref(),
            Some("localhost, 10.0.0.11")
        );
        assert_eq!(listening("", "10.0.0.11").as_deref(), Some("10.0.0.11"));
        assert_eq!(listening("localhost,10.0.0.11", "10.0.0.11"), None);
        assert_eq!(listening("*", "10.0.0.11"), None);
        assert_eq!(
            listening("0.0.0.0", "fd00::1").as_deref(),
            Some("0.0.0.0, fd00::1")
        );
    }

    #[test]
    fn values_with_quotes_are_doubled() {
        assert_eq!(line("cluster_name", "it's"), "cluster_name = 'it''s'");
    }
}
