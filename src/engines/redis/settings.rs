//! Which settings a link needs on each end, and which of them aren't as needed.
//!
//! They are set while the server runs, and stand in a part of ours at the end of its configuration, where the last directive
//! wins. Never CONFIG REWRITE: it would write down whatever else was set for the moment.

use super::facts::RedisFacts;
use super::release::Kind;
use super::tls;
use crate::engines::settings::Change;
use crate::engines::steps::ASSUMED_RATE;
use crate::engines::{Link, Upstreams};
use crate::plan::{Relation, names};
use crate::topology::Bytes;

/// Redis has no limit; this one keeps names readable and the same as PostgreSQL's.
const NAME_LIMIT: usize = 63;

/// The smallest backlog that replform leaves to a replica, bytes: a cut of a minute at 1 MB/s.
const LEAST_BACKLOG: u64 = 64 << 20;

/// Seconds of writes that a backlog is to outlast at least.
const SHORT_CUT_SECONDS: f64 = 60.0;

/// The account's name of a replica.
pub(super) fn account(replication: &str, replica: &str) -> String {
    names::account(replication, replica, NAME_LIMIT)
}

/// The product that a link's replica is, or will be: a bare one gets its upstream's.
pub(super) fn kind_of(link: &Link<'_>) -> Kind {
    let own = RedisFacts::of(link.instance)
        .ok()
        .and_then(|facts| facts.kind);
    own.unwrap_or_else(|| upstream_kind(link))
}

/// The upstream's product.
pub(super) fn upstream_kind(link: &Link<'_>) -> Kind {
    let facts = RedisFacts::of(link.upstream_instance).ok();
    facts.and_then(|facts| facts.kind).unwrap_or_default()
}

/// The replica's configuration file: its own, else the one that its package brings.
pub(super) fn conf_of(link: &Link<'_>) -> String {
    RedisFacts::of(link.instance)
        .ok()
        .map(|facts| facts.conf.clone())
        .filter(|conf| !conf.is_empty())
        .unwrap_or_else(|| kind_of(link).default_conf())
}

/// What must change on the upstream before the links can be made.
pub(super) fn upstream_changes(upstreams: &Upstreams<'_>, facts: &RedisFacts) -> Vec<Change> {
    let mut changes = Vec::new();
    changes.extend(listen(upstreams, facts));
    changes.extend(tls::server_changes(upstreams, facts));
    changes.extend(protected_mode(facts));
    if upstreams.new.is_empty() {
        // Links that stand need what replform set for them, and nothing else: they stand.
        changes.retain(|change| set_by_us(upstreams, change.name).is_some());
    }
    changes.extend(backlog(upstreams, facts));
    changes
}

/// What replform set here for links of which one stands.
fn set_by_us<'a>(upstreams: &Upstreams<'a>, name: &str) -> Option<&'a str> {
    let change = upstreams.marker?.settings.get(name)?;
    (!upstreams.standing.is_empty()).then_some(change.set.as_str())
}

fn change(facts: &RedisFacts, name: &'static str, want: String, why: String) -> Option<Change> {
    let now = facts.setting(name)?.to_owned();
    (now != want).then_some(Change {
        name,
        now,
        want,
        why,
        restart: false,
    })
}

/// `bind` gets exactly the addresses that it lacks.
fn listen(upstreams: &Upstreams<'_>, facts: &RedisFacts) -> Option<Change> {
    let mut want = facts.setting("bind")?.to_owned();
    let mut lacking = Vec::new();
    for address in upstreams.listening_addresses() {
        if let Some(more) = listening(&want, address) {
            want = more;
            lacking.push(address);
        }
    }
    let why = format!("it must listen on {}", lacking.join(" and "));
    change(facts, "bind", want, why)
}

/// The list with the address added; `None` when the server listens there already. An empty list is everything.
pub(super) fn listening(now: &str, address: &str) -> Option<String> {
    let everywhere = if address.contains(':') {
        "::*"
    } else {
        "0.0.0.0"
    };
    let mut addresses: Vec<&str> = now.split_whitespace().collect();
    let covers = |one: &str| {
        let one = one.trim_start_matches('-');
        one == address || one == "*" || one == everywhere
    };
    if addresses.is_empty() || addresses.iter().any(|one| covers(one)) {
        return None;
    }
    addresses.push(address);
    Some(addresses.join(" "))
}

/// While it is on and nobody needs a password, every connection from elsewhere is refused, whatever account it would use.
fn protected_mode(facts: &RedisFacts) -> Option<Change> {
    (facts.is_open() && facts.setting("protected-mode") == Some("yes"))
        .then(|| {
            change(
                facts,
                "protected-mode",
                "no".to_owned(),
                "it refuses every other host while it asks for no password".to_owned(),
            )
        })
        .flatten()
}

/// What a replica that is away can still go on from.
fn backlog(upstreams: &Upstreams<'_>, facts: &RedisFacts) -> Option<Change> {
    let now: u64 = facts.setting("repl-backlog-size")?.parse().ok()?;
    let want = match upstreams.replication.retain {
        // Less than 16 kB is raised to that by the server itself.
        Some(wanted) => wanted.0.max(16 << 10),
        None if upstreams.new.is_empty() => {
            let set: u64 = set_by_us(upstreams, "repl-backlog-size")?.parse().ok()?;
            set.max(now)
        }
        None => default_backlog(upstreams, facts).max(now),
    };
    change(
        facts,
        "repl-backlog-size",
        want.to_string(),
        format!(
            "a replica that is away for less than {} of writes goes on without a copy",
            Bytes(want)
        ),
    )
}

/// 3 × write rate × copy time, at least 64 MiB, at most 1/8 of the free memory. In steps, so that it is the same when the
/// plan is applied; the rate of a server that started within the hour is that of its first filling and changes quickly, so
/// there the steps are larger, and who missed three times the data is copied anew as cheaply.
fn default_backlog(upstreams: &Upstreams<'_>, facts: &RedisFacts) -> u64 {
    let copy = upstreams
        .instance
        .data
        .as_ref()
        .map_or(0, |data| data.copy_bytes.0);
    let slowest = upstreams
        .new
        .iter()
        .map(|replica| {
            replica
                .max_rate
                .map_or(ASSUMED_RATE, |limit| limit.0 as f64)
                .min(ASSUMED_RATE)
        })
        .fold(f64::INFINITY, f64::min);
    let seconds = (super::steps::SNAPSHOT_DELAY + copy as f64 / slowest).max(SHORT_CUT_SECONDS);
    let mut wanted = (3.0 * write_rate(facts).unwrap_or(0.0) * seconds) as u64;
    let most = upstreams.facts.host.memory_available.0 / 8;
    let most = 1_u64 << most.max(1 << 20).ilog2();
    let young = facts.number("uptime_in_seconds").is_none_or(|up| up < 3600);
    if young {
        wanted = wanted.min(3 * copy);
    }
    let mut size = LEAST_BACKLOG;
    while size < wanted && size < most {
        size *= if young { 4 } else { 2 };
    }
    size.min(most)
}

/// Bytes a second that clients sent since the server started: what is written is at most that.
pub(super) fn write_rate(facts: &RedisFacts) -> Option<f64> {
    let seconds = facts.number("uptime_in_seconds").filter(|up| *up > 0)?;
    Some(facts.number("total_net_input_bytes")? as f64 / seconds as f64)
}

/// Whether the link begins with a full copy.
pub(super) fn copies(link: &Link<'_>) -> bool {
    !matches!(link.relation, Relation::Disconnected(_) | Relation::Worn(_))
}

/// Whether the new replica is to ask its apps for the same password as its upstream does: it has none of its own, and the
/// upstream's stands in a file that root reads.
pub(super) fn takes_password(link: &Link<'_>, facts: &RedisFacts, upstream: &RedisFacts) -> bool {
    let bare = facts.conf.is_empty();
    (bare || facts.is_open())
        && !upstream.is_open()
        && upstream.setting("requirepass") == Some("(set)")
        && copies(link)
}

/// Whether the replica will be open to whoever reaches its address, and isn't yet.
pub(super) fn becomes_open(link: &Link<'_>, facts: &RedisFacts, upstream: &RedisFacts) -> bool {
    let open = facts.conf.is_empty() || facts.is_open();
    let opens = facts.conf.is_empty()
        || facts.setting("protected-mode") != Some("no")
        || listening(bind_of(facts), &link.replica.member.address).is_some();
    open && opens && !takes_password(link, facts, upstream)
}

/// `bind` of a server, or Debian's.
fn bind_of(facts: &RedisFacts) -> &str {
    facts.setting("bind").unwrap_or("127.0.0.1 -::1")
}

/// The replica's part of its configuration, but for its passwords.
pub(super) fn replica_lines(
    link: &Link<'_>,
    facts: &RedisFacts,
    upstream: &RedisFacts,
) -> Vec<String> {
    let mut lines = vec![
        format!(
            "replicaof {} {}",
            link.upstream_address(),
            tls::dialled_port(link, upstream)
        ),
        "replica-read-only yes".to_owned(),
    ];
    if let Some(addresses) = listening(bind_of(facts), &link.replica.member.address) {
        lines.push(format!("bind {addresses}"));
    }
    if becomes_open(link, facts, upstream) {
        lines.push("protected-mode no".to_owned());
    }
    if facts.setting("appendonly") == Some("yes") && copies(link) {
        lines.push("appendonly no".to_owned());
    }
    lines.extend(tls::replica_lines(link, facts));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_adds_exactly_the_address_that_is_missing() {
        assert_eq!(
            listening("127.0.0.1 -::1", "10.0.0.11").as_deref(),
            Some("127.0.0.1 -::1 10.0.0.11")
        );
        assert_eq!(listening("127.0.0.1 10.0.0.11", "10.0.0.11"), None);
        assert_eq!(listening("127.0.0.1 -10.0.0.11", "10.0.0.11"), None);
        assert_eq!(listening("* -::*", "10.0.0.11"), None);
        assert_eq!(listening("0.0.0.0", "10.0.0.11"), None);
        assert_eq!(listening("", "10.0.0.11"), None);
        assert_eq!(
            listening("0.0.0.0", "fd00::1").as_deref(),
            Some("0.0.0.0 fd00::1")
        );
    }
}
