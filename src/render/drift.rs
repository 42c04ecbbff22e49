//! Drift as cron, monitoring and chats read it: one line, Markdown, Prometheus' text format, a Nagios plugin's output.

use super::layout::one_line;
use super::markdown::escape;
use crate::observe::status::{Health, Status};
use crate::plan::drift::{Drift, DriftChange, DriftItem, DriftKind};
use crate::topology::MemberId;

/// How many things the one line names.
const NAMED: usize = 3;

/// One line: what differs, and what to type.
pub fn text(drift: &Drift) -> String {
    if drift.items.is_empty() {
        return format!("{}: no drift on {}\n", drift.topology, members(drift));
    }
    format!(
        "{}: {} ({})\n",
        drift.topology,
        summary(drift),
        way_on(drift)
    )
}

fn members(drift: &Drift) -> String {
    match drift.members {
        1 => "1 member".to_owned(),
        count => format!("{count} members"),
    }
}

/// `2 drift, 1 unhealthy on 4 members: eu/db2 reads from …; eu/web …; 1 more`.
fn summary(drift: &Drift) -> String {
    let counts: Vec<String> = DriftKind::ALL
        .into_iter()
        .filter(|kind| drift.count(*kind) > 0)
        .map(|kind| format!("{} {}", drift.count(kind), kind.word()))
        .collect();
    let mut named: Vec<String> = worst_first(drift)
        .into_iter()
        .take(NAMED)
        .map(|item| format!("{}: {}", item.subject, brief(item)))
        .collect();
    if drift.items.len() > NAMED {
        named.push(format!("{} more", drift.items.len() - NAMED));
    }
    let text = format!(
        "{} on {}: {}",
        counts.join(", "),
        members(drift),
        named.join("; ")
    );
    one_line(&text)
}

fn worst_first(drift: &Drift) -> Vec<&DriftItem> {
    let rank = |item: &&DriftItem| DriftKind::ALL.iter().position(|kind| *kind == item.kind);
    let mut items: Vec<&DriftItem> = drift.items.iter().collect();
    items.sort_by_key(rank);
    items
}

/// The first thing that differs, and how many more there are.
fn brief(item: &DriftItem) -> String {
    let (first, more) = match item.changes.first() {
        Some(change) => (changed(change), item.changes.len() - 1),
        None => (
            item.what.first().cloned().unwrap_or_default(),
            item.what.len().saturating_sub(1),
        ),
    };
    if more == 0 {
        first
    } else {
        format!("{first} (and {more} more)")
    }
}

/// What differs, with values: `max_slot_wal_keep_size 1GB -> 8GB`, `POSTGRESQL_ADDRESS is 10.0.0.9, wanted 10.0.0.11`.
fn what(item: &DriftItem) -> String {
    let changes = item.changes.iter().map(changed);
    let texts: Vec<String> = item.what.iter().cloned().chain(changes).collect();
    texts.join("; ")
}

fn changed(change: &DriftChange) -> String {
    let value = |value: &Option<String>| match value.as_deref() {
        Some("") => "empty".to_owned(),
        Some(value) => value.to_owned(),
        None => "not there".to_owned(),
    };
    format!(
        "{} is {}, wanted {}",
        change.name,
        value(&change.from),
        value(&change.to)
    )
}

fn way_on(drift: &Drift) -> &'static str {
    let plannable = |item: &&DriftItem| matches!(item.kind, DriftKind::Drift | DriftKind::Pending);
    if drift.items.iter().any(|item| plannable(&item)) {
        "replform plan shows the way back"
    } else {
        "replform status shows more"
    }
}

/// What apply would do about it.
fn remedy(item: &DriftItem) -> String {
    if item.blocked {
        return "nothing: it is blocked, replform plan shows the ways on".to_owned();
    }
    if item.apply.is_empty() {
        return "nothing".to_owned();
    }
    let words: Vec<&str> = item.apply.iter().map(|kind| kind.word()).collect();
    words.join(", ")
}

/// A table for an issue or a chat; a hidden first line names the topology, so that a bot finds its own text again.
pub fn markdown(drift: &Drift) -> String {
    let mut out = format!("<!-- replform drift: {} -->\n", drift.topology);
    if drift.items.is_empty() {
        out.push_str(&format!(
            "**{}**: no drift on {}.\n",
            escape(&drift.topology),
            members(drift)
        ));
        return out;
    }
    out.push_str(&format!(
        "**{}**: {} of {} differ.\n\n| kind | where | what | apply would do |\n|---|---|---|---|\n",
        escape(&drift.topology),
        drift.items.len(),
        members(drift)
    ));
    for item in worst_first(drift) {
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            item.kind.word(),
            escape(&item.subject),
            escape(&what(item)),
            escape(&remedy(item))
        ));
    }
    out
}

/// Prometheus' text format, for node_exporter's textfile collector.
pub fn prometheus(drift: &Drift, status: &Status, observed_seconds: f64) -> String {
    let topology = label(&drift.topology);
    let mut out = String::new();
    metric(
        &mut out,
        "replform_drift_items",
        "What differs from the configuration, by kind.",
        DriftKind::ALL.iter().map(|kind| {
            let labels = format!("topology=\"{topology}\",kind=\"{}\"", kind.word());
            (labels, drift.count(*kind) as f64)
        }),
    );
    metric(
        &mut out,
        "replform_observed_timestamp_seconds",
        "When the hosts were looked at, seconds since 1970.",
        [(format!("topology=\"{topology}\""), observed_seconds)],
    );
    let members: Vec<_> = status
        .replications
        .iter()
        .flat_map(|replication| replication.members.iter().map(move |m| (replication, m)))
        .map(|(replication, member)| {
            let name = match &member.member {
                MemberId::Primary => "primary",
                MemberId::Replica(name) => name,
            };
            let labels = format!(
                "topology=\"{topology}\",replication=\"{}\",member=\"{}\",server=\"{}\"",
                label(&replication.name),
                label(name),
                label(&member.server)
            );
            (labels, member)
        })
        .collect();
    let some = |value: &dyn Fn(&crate::observe::status::MemberStatus) -> Option<f64>| {
        let values = members
            .iter()
            .filter_map(|(labels, member)| Some((labels.clone(), value(member)?)));
        values.collect::<Vec<_>>()
    };
    let healthy = some(&|member| match member.health {
        Health::Healthy => Some(1.0),
        Health::Unhealthy { .. } => Some(0.0),
        Health::Unknown { .. } => None,
    });
    for (name, help, values) in [
        (
            "replform_member_healthy",
            "1: as it should be, 0: not; absent: could not be seen.",
            healthy,
        ),
        (
            "replform_member_lag_bytes",
            "What the upstream has and the member hasn't replayed.",
            some(&|member| Some(member.lag_bytes?.0 as f64)),
        ),
        (
            "replform_member_lag_seconds",
            "The same in seconds, by its own account.",
            some(&|member| member.lag_seconds),
        ),
        (
            "replform_member_retained_bytes",
            "Log that the upstream keeps for the member.",
            some(&|member| Some(member.retained?.0 as f64)),
        ),
    ] {
        metric(&mut out, name, help, values);
    }
    out
}

fn metric(out: &mut String, name: &str, help: &str, rows: impl IntoIterator<Item = (String, f64)>) {
    let rows: Vec<String> = rows
        .into_iter()
        .map(|(labels, value)| format!("{name}{{{labels}}} {value}\n"))
        .collect();
    if rows.is_empty() {
        return;
    }
    out.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
    out.extend(rows);
}

fn label(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// What a Nagios plugin prints: state, text, performance data. replform's exit codes 0, 2 and 3 are OK, CRITICAL and UNKNOWN there.
pub fn nagios(drift: &Drift) -> String {
    let state = match (
        drift.items.is_empty(),
        drift.count(DriftKind::Unreachable) > 0,
    ) {
        (true, _) => "OK",
        (false, true) => "UNKNOWN",
        (false, false) => "CRITICAL",
    };
    let words = if drift.items.is_empty() {
        format!("no drift on {}", members(drift))
    } else {
        summary(drift)
    };
    // A bar would begin the performance data.
    let words = words.replace('|', "/");
    let counts: Vec<String> = DriftKind::ALL
        .into_iter()
        .map(|kind| format!("{}={}", kind.word(), drift.count(kind)))
        .collect();
    format!(
        "REPLFORM {state} - {}: {words} | {}\n",
        drift.topology,
        counts.join(" ")
    )
}
