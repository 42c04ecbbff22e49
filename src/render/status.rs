//! The members of a topology as a table of at most 80 columns, and what machines hold as another. Pure.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::layout::{WIDTH, hang, pad};
use crate::engines::engine;
use crate::observe::status::{
    Health, JobStatus, MemberState, MemberStatus, ReplicationStatus, Status, spoken,
};
use crate::observe::{Facts, JobState, MachineObservation, Observation, Role};
use crate::topology::{MemberId, Topology, format_duration};

/// The whole of `replform status`.
pub fn status_text(status: &Status, age: Duration) -> String {
    let mut out = hang("", &format!("{} (observed {})", verdict(status), ago(age)));
    for replication in &status.replications {
        out.push('\n');
        out.push_str(&format!("{} ({})\n", replication.name, replication.engine));
        out.push_str(&members(replication));
        out.push_str(&remarks(replication));
    }
    let apps: Vec<_> = status
        .unreachable
        .iter()
        .filter(|machine| status.members().all(|m| m.machine != machine.machine))
        .collect();
    if !apps.is_empty() {
        out.push('\n');
    }
    for machine in apps {
        out.push_str(&hang("  unknown    ", &machine.message));
    }
    out
}

fn verdict(status: &Status) -> String {
    let (mut all, mut healthy, mut unknown) = (0_u32, 0_u32, 0_u32);
    for member in status.members() {
        all += 1;
        match member.health {
            Health::Healthy => healthy += 1,
            Health::Unknown { .. } => unknown += 1,
            Health::Unhealthy { .. } => {}
        }
    }
    let name = &status.topology;
    let not_observed = match unknown {
        0 => String::new(),
        count => format!(", {count} could not be observed"),
    };
    match all {
        0 => format!("{name}: no members"),
        1 if healthy == 1 => format!("{name}: the only member is healthy"),
        _ if healthy == all => format!("{name}: all {all} members are healthy"),
        _ => format!("{name}: {healthy} of {all} members are healthy{not_observed}"),
    }
}

/// One row a member; where that is wider than the page, a few lines a member.
fn members(replication: &ReplicationStatus) -> String {
    let head = [
        "member",
        "server",
        "role",
        "reads from",
        "state",
        "lag",
        "kept",
    ];
    let rows: Vec<[String; 7]> = replication.members.iter().map(cells).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].width());
        cells.chain([head[column].width()]).max().unwrap_or(0)
    };
    let widths: [usize; 7] = std::array::from_fn(width);
    let line = |row: &[String; 7]| {
        let mut text = String::from(" ");
        for (cell, width) in row.iter().zip(widths) {
            text.push_str(&format!(" {} ", pad(cell, width)));
        }
        format!("{}\n", text.trim_end())
    };
    if widths.iter().sum::<usize>() + 2 * widths.len() <= WIDTH {
        let mut out = line(&head.map(str::to_owned));
        out.extend(rows.iter().map(line));
        return out;
    }
    let mut out = String::new();
    for row in &rows {
        for (index, (name, cell)) in head.iter().zip(row).enumerate() {
            if !cell.is_empty() {
                let indent = if index == 0 { "  " } else { "    " };
                out.push_str(&hang(&format!("{indent}{} ", pad(name, 10)), cell));
            }
        }
    }
    out
}

fn cells(member: &MemberStatus) -> [String; 7] {
    let lag = match (member.lag_bytes, member.lag_seconds) {
        (None, None) => String::new(),
        (Some(bytes), None) => bytes.to_string(),
        (None, Some(seconds)) => spoken(seconds),
        (Some(bytes), Some(seconds)) => format!("{bytes}, {}", spoken(seconds)),
    };
    [
        match &member.member {
            MemberId::Primary => "primary".to_owned(),
            MemberId::Replica(name) => name.clone(),
        },
        member.server.clone(),
        match member.role {
            Some(Role::Primary) => "primary",
            Some(Role::Replica) => "replica",
            None => "",
        }
        .to_owned(),
        member.upstream.clone().unwrap_or_default(),
        state_word(&member.state).to_owned(),
        lag,
        member
            .retained
            .map(|bytes| bytes.to_string())
            .unwrap_or_default(),
    ]
}

fn state_word(state: &MemberState) -> &'static str {
    match state {
        MemberState::Running => "running",
        MemberState::Streaming => "streaming",
        MemberState::CatchingUp => "catching up",
        MemberState::Disconnected { .. } => "disconnected",
        MemberState::NotInstalled => "not installed",
        MemberState::NoInstance => "no instance",
        MemberState::Stopped => "stopped",
        MemberState::Starting => "starting",
        MemberState::NoAnswer { .. } => "no answer",
        MemberState::Unreachable { .. } => "unreachable",
    }
}

/// What a row has no room for.
fn remarks(replication: &ReplicationStatus) -> String {
    let mut out = String::new();
    for apply in &replication.applies {
        let text = format!("{} holds {}", apply.holder, apply.machines.join(", "));
        out.push_str(&hang("  apply      ", &text));
    }
    for member in &replication.members {
        match &member.health {
            Health::Healthy => {}
            Health::Unhealthy { why } => {
                let text = format!("{}: {}", member.server, why.join("; "));
                out.push_str(&hang("  unhealthy  ", &text));
            }
            Health::Unknown { why } => out.push_str(&hang("  unknown    ", why)),
        }
        for job in &member.jobs {
            let text = format!("{}: {}", member.server, job_text(job));
            let word = match job.state {
                JobState::Running => "  job        ",
                JobState::Ended { .. } | JobState::Unknown => "  lost job   ",
            };
            out.push_str(&hang(word, &text));
        }
    }
    out
}

fn job_text(job: &JobStatus) -> String {
    let age = spoken(job.age_seconds as f64);
    if job.state != JobState::Running {
        return format!(
            "{} began {age} ago and vanished without saying how it ended",
            job.step
        );
    }
    let bytes = match (job.done, job.total) {
        (Some(done), Some(total)) => format!(", {done} of {total}"),
        (Some(done), None) => format!(", {done}"),
        _ => String::new(),
    };
    let left = match job.left_seconds {
        Some(seconds) => format!(", about {} left", spoken(seconds as f64)),
        None => String::new(),
    };
    format!("{} runs since {age}{bytes}{left}", job.step)
}

fn ago(age: Duration) -> String {
    format!("{} ago", format_duration(age))
}

/// The whole of `replform observe` without `-json`: a line a machine.
pub fn observation_text(topology: &Topology, observation: &Observation) -> String {
    let reached = observation
        .machines
        .values()
        .filter(|machine| matches!(machine, MachineObservation::Reached(_)))
        .count();
    let all = observation.machines.len();
    let mut out = hang(
        "",
        &format!(
            "{}: {reached} of {all} hosts observed",
            observation.topology
        ),
    );
    let label = |id| topology.label(id);
    let width = observation
        .machines
        .keys()
        .map(|id| label(id).width())
        .max()
        .unwrap_or(0);
    for (id, machine) in &observation.machines {
        let text = match machine {
            MachineObservation::Reached(facts) => facts_text(facts),
            MachineObservation::Unreachable { message, .. } => format!("not observed: {message}"),
        };
        out.push_str(&hang(&format!("  {}  ", pad(label(id), width)), &text));
    }
    out
}

fn facts_text(facts: &Facts) -> String {
    let mut parts = vec![format!(
        "{} {}, {} of {} memory free",
        facts.host.os,
        facts.host.architecture,
        facts.host.memory_available,
        facts.host.memory_total
    )];
    for (key, instance) in &facts.instances {
        let what = match engine(&instance.engine) {
            Some(engine) => engine.describe(instance),
            None => String::new(),
        };
        let version = match &instance.version {
            Some(version) => format!(" {version}"),
            None => String::new(),
        };
        parts.push(format!("{key}{version}: {what}"));
    }
    for (path, file) in &facts.env {
        parts.push(match (&file.unreadable, file.exists) {
            (Some(why), _) => format!("{path}: {why}"),
            (None, false) => format!("{path}: not there"),
            (None, true) => format!("{path}: {}", count(file.blocks.len(), "block")),
        });
    }
    let running = facts
        .jobs
        .values()
        .filter(|job| job.state == JobState::Running)
        .count();
    if running > 0 {
        parts.push(format!("{} running", count(running, "job")));
    }
    for lock in &facts.locks {
        parts.push(format!("{} is locked by {}", lock.lock, lock.holder));
    }
    parts.join("\n")
}

fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun} of ours"),
        _ => format!("{number} {noun}s of ours"),
    }
}
