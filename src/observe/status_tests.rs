//! Tests of how members stand, and of the table that says so.

use std::collections::BTreeMap;
use std::time::Duration;

use super::status::{Health, MemberState, MemberStatus, Status};
use super::{
    Downstream, Facts, Instance, Job, JobState, LockHolder, MachineObservation, OBSERVATION_FORMAT,
    Observation, Position, Role, ServerState, Streaming, UpstreamSeen,
};
use crate::config::{Inputs, load};
use crate::render::status::{observation_text, status_text};
use crate::topology::{Bytes, MachineId, Topology};

const WANTED: &str = r#"
replform { topology = "acme-production" }
stack "eu" {
  server "db1" { host = "10.0.0.11" }
  server "db2" { host = "10.0.0.12" }
  server "db3" { host = "10.0.0.13" }
}
replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1
  replica "reader" {
    server  = stack.eu.server.db2
    max_lag = "1MB"
  }
  replica "standby" { server = stack.eu.server.db3 }
  retain  = "16GB"
  max_lag = "30s"
}
"#;

fn topology(text: &str) -> Topology {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.rf.hcl"), text).unwrap();
    load(folder.path(), &Inputs::default()).unwrap().topology
}

fn instance(role: Role, offset: u64) -> Instance {
    Instance {
        engine: "postgresql".to_owned(),
        port: 5432,
        server: ServerState::Running,
        version: Some("15.18".to_owned()),
        installable: Vec::new(),
        role: Some(role),
        manager: None,
        identity: Some("7711".to_owned()),
        position: Some(Position {
            history: "1".to_owned(),
            text: "0/0".to_owned(),
            offset: Some(offset),
        }),
        data: None,
        set_aside: Vec::new(),
        upstream: None,
        downstreams: Vec::new(),
        details: crate::observe::Details::default(),
    }
}

fn replica(of: &str, offset: u64, lag_seconds: Option<f64>) -> Instance {
    Instance {
        upstream: Some(UpstreamSeen {
            host: of.to_owned(),
            port: 5432,
            streaming: Streaming::Yes,
            lag_seconds,
        }),
        ..instance(Role::Replica, offset)
    }
}

fn primary(kept: u64) -> Instance {
    Instance {
        downstreams: vec![Downstream {
            name: "replform_orders_reader".to_owned(),
            address: Some("10.0.0.12".to_owned()),
            state: "streaming".to_owned(),
            retained: Some(Bytes(kept)),
            lag: None,
        }],
        ..instance(Role::Primary, 10_000_000)
    }
}

fn reached(instance: Instance) -> MachineObservation {
    let text = include_str!("../../testdata/observations/host/plain.json");
    let mut facts: Facts = serde_json::from_str(text).unwrap();
    facts
        .instances
        .insert("postgresql:5432".to_owned(), Box::new(instance));
    MachineObservation::Reached(Box::new(facts))
}

fn observed(machines: [MachineObservation; 3]) -> Observation {
    let ids = ["10.0.0.11", "10.0.0.12", "10.0.0.13"].map(|id| MachineId(id.to_owned()));
    Observation {
        format_version: OBSERVATION_FORMAT.to_owned(),
        replform: "0.1.0".to_owned(),
        topology: "acme-production".to_owned(),
        observed_at: "2026-11-24T08:00:00Z".to_owned(),
        machines: BTreeMap::from_iter(ids.into_iter().zip(machines)),
    }
}

fn members(machines: [MachineObservation; 3]) -> Vec<MemberStatus> {
    let status = Status::new(&topology(WANTED), &observed(machines));
    status.members().cloned().collect()
}

fn healthy() -> [MachineObservation; 3] {
    [
        reached(primary(16_777_216)),
        reached(replica("10.0.0.11", 10_000_000, Some(86_400.0))),
        reached(replica("10.0.0.11", 9_999_000, Some(0.2))),
    ]
}

fn why(member: &MemberStatus) -> String {
    match &member.health {
        Health::Healthy => "healthy".to_owned(),
        Health::Unhealthy { why } => why.join("; "),
        Health::Unknown { why } => format!("unknown: {why}"),
    }
}

#[test]
fn an_idle_upstream_is_no_lag() {
    let members = members(healthy());
    assert!(
        members
            .iter()
            .all(|member| member.health == Health::Healthy),
        "{members:?}"
    );
    assert_eq!(members[1].lag_bytes, Some(Bytes(0)));
    assert_eq!(members[1].lag_seconds, Some(0.0));
    assert_eq!(members[1].retained, Some(Bytes(16_777_216)));
    assert_eq!(members[2].lag_bytes, Some(Bytes(1_000)));
    assert_eq!(members[2].upstream.as_deref(), Some("eu/db1"));
}

#[test]
fn above_its_own_or_the_replications_max_lag_a_member_is_unhealthy() {
    let [one, _, _] = healthy();
    let members = members([
        one,
        reached(replica("10.0.0.11", 8_000_000, Some(1.0))),
        reached(replica("10.0.0.11", 8_000_000, Some(31.0))),
    ]);
    assert_eq!(
        why(&members[1]),
        "it lags 2 MB behind, above max_lag (1 MB)"
    );
    assert_eq!(
        why(&members[2]),
        "it lags 31 s behind, above max_lag (30 s)"
    );
}

#[test]
fn half_of_retain_is_unhealthy() {
    let [_, two, three] = healthy();
    let members = members([reached(primary(8_000_000_000)), two, three]);
    assert!(
        why(&members[1]).contains("keeps 8.0 GB of log"),
        "{}",
        why(&members[1])
    );
}

#[test]
fn positions_on_two_branches_are_not_subtracted() {
    let [one, two, _] = healthy();
    let mut other = replica("10.0.0.11", 1, Some(1.0));
    other.position.as_mut().unwrap().history = "2".to_owned();
    other.upstream.as_mut().unwrap().lag_seconds = None;
    let members = members([one, two, reached(other)]);
    assert_eq!(members[2].lag_bytes, None);
    assert!(
        why(&members[2]).starts_with("unknown: eu/db3: how far"),
        "{}",
        why(&members[2])
    );
}

#[test]
fn another_upstream_or_none_is_unhealthy() {
    let [one, _, _] = healthy();
    let members = members([
        one,
        reached(replica("10.9.9.9", 10_000_000, Some(0.0))),
        reached(instance(Role::Primary, 5)),
    ]);
    assert_eq!(
        why(&members[1]),
        "it reads from 10.9.9.9:5432, wanted: eu/db1"
    );
    assert_eq!(why(&members[2]), "it follows nobody, wanted: replica");
}

#[test]
fn what_cannot_be_seen_is_neither_healthy_nor_unhealthy() {
    let [one, two, _] = healthy();
    let gone = MachineObservation::Unreachable {
        reason: "timed_out".to_owned(),
        message: "eu/db3: no answer within 15 s".to_owned(),
    };
    let members = members([one, two, gone]);
    assert_eq!(why(&members[2]), "unknown: eu/db3: no answer within 15 s");
    assert!(matches!(members[2].state, MemberState::Unreachable { .. }));
    assert_eq!(members[2].role, None);
}

fn job(name: &str, state: JobState, done: Option<u64>) -> Job {
    Job {
        name: format!("acme-production.orders.{name}"),
        id: "x".to_owned(),
        arguments_hash: "y".to_owned(),
        state,
        done: done.map(Bytes),
        total: done.map(|_| Bytes(212_000_000)),
        age_seconds: 4,
    }
}

#[test]
fn the_table_fits_80_columns_and_says_what_is_to_be_done() {
    let mut hung = instance(Role::Replica, 0);
    hung.server = ServerState::Unknown {
        why: "no answer in 5 s".to_owned(),
    };
    let [one, _, _] = healthy();
    let mut two = reached(replica("10.0.0.11", 8_000_000, Some(1.0)));
    if let MachineObservation::Reached(facts) = &mut two {
        for (id, job) in [
            (
                "1",
                job("reader.backup", JobState::Running, Some(141_000_000)),
            ),
            ("2", job("reader.restore", JobState::Unknown, None)),
            ("3", job("reader.backup", JobState::Ended { code: 0 }, None)),
            ("4", job("standby.backup", JobState::Running, None)),
        ] {
            facts.jobs.insert(id.to_owned(), job);
        }
    }
    let mut one = one;
    for machine in [&mut one, &mut two] {
        if let MachineObservation::Reached(facts) = machine {
            let holder = |lock: &str| LockHolder {
                lock: lock.to_owned(),
                holder: "anna@laptop pid 7 since 2026-11-24T08:00:00Z".to_owned(),
                age_seconds: 40,
            };
            let locks = ["acme-production.orders", "acme-production.other", "x:5432"];
            facts.locks = locks.map(holder).to_vec();
        }
    }
    let observation = observed([one, two, reached(hung)]);
    let topology = topology(WANTED);
    let text = status_text(
        &Status::new(&topology, &observation),
        Duration::from_millis(400),
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let expected = "\
acme-production: 1 of 3 members are healthy (observed 0.4 s ago)

orders (PostgreSQL)
  member   server  role     reads from  state      lag          kept
  primary  eu/db1  primary              running
  reader   eu/db2  replica  eu/db1      streaming  2 MB, 1.0 s  17 MB
  standby  eu/db3  replica              no answer
  apply      anna@laptop pid 7 since 2026-11-24T08:00:00Z holds eu/db1, eu/db2
  unhealthy  eu/db2: it lags 2 MB behind, above max_lag (1 MB)
  job        eu/db2: backup runs since 4.0 s, 141 MB of 212 MB, about 3.0 s left
  lost job   eu/db2: restore began 4.0 s ago and vanished without saying how it
             ended
  unhealthy  eu/db3: the server doesn't answer: no answer in 5 s
";
    assert_eq!(text, expected);
    let text = observation_text(&topology, &observation);
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn names_too_wide_for_a_row_get_lines_of_their_own() {
    let long = "server-with-quite-a-long-name-01";
    let wanted = WANTED
        .replace("\"db2\"", &format!("\"{long}\""))
        .replace("server.db2", &format!("server.{long}"));
    let status = Status::new(&topology(&wanted), &observed(healthy()));
    let text = status_text(&status, Duration::ZERO);
    assert!(
        text.contains(&format!("    server     eu/{long}\n")),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}
