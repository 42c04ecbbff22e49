//! The step that only writes a marker: for replication that already runs as wanted.

use super::{
    Action, Argument, Because, Call, Cost, Step, StepId, StepKind, Undo, WantedMarker, Work,
};
use crate::topology::{Member, MemberId, Replication};

/// The step that records a member in its marker. `renewed`: it had one that says something else.
pub fn step(
    replication: &Replication,
    id: &MemberId,
    member: &Member,
    marker: &WantedMarker,
    renewed: bool,
) -> Step {
    let (what, fact) = if renewed {
        (
            "write what the configuration says now into its marker; nothing else changes",
            "its marker says something else",
        )
    } else {
        (
            "write its marker; nothing else changes",
            "replicates as wanted and has no marker",
        )
    };
    Step {
        id: StepId(match id {
            MemberId::Primary => format!("{}.primary.adopt", replication.name),
            MemberId::Replica(name) => format!("{}.{name}.adopt", replication.name),
        }),
        kind: StepKind::Adopt,
        replication: replication.name.clone(),
        member: Some(id.clone()),
        subject: member.server.to_string(),
        machine: member.machine.clone(),
        what: what.to_owned(),
        because: Because {
            place: member.place.clone(),
            fact: fact.to_owned(),
        },
        needs: std::collections::BTreeSet::new(),
        cost: Cost {
            seconds: 0.2,
            ..Cost::default()
        },
        undo: Undo::By("remove the marker; replform then plans from what it sees".to_owned()),
        env: Vec::new(),
        actions: vec![Action {
            machine: member.machine.clone(),
            lock: format!("{}:{}", replication.engine, member.instance.port),
            work: Work::Script(call(marker)),
        }],
    }
}

/// The call that writes a marker.
pub fn call(marker: &WantedMarker) -> Call {
    with_marker(Call::new("apply/marker.sh", 30), marker)
}

/// A call with a marker to write: variables `marker_file` and `marker_json`, which `marker_write` of common.sh reads.
pub fn with_marker(call: Call, marker: &WantedMarker) -> Call {
    call.text("marker_file", marker.own_file_name())
        .with("marker_json", Argument::Text(marker.text()))
}

/// The call that takes away what a member's host keeps beside the database. `jobs`: what the names of its jobs begin with.
pub fn forget(marker: &WantedMarker, jobs: &str) -> Call {
    Call::new("apply/forget.sh", 60)
        .text("marker_file", marker.own_file_name())
        .text("jobs", jobs)
}
