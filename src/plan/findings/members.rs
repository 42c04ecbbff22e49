//! What the planner says of members: hosts that don't answer, servers that another program or topology has, primaries that aren't.

use super::{about, choice};
use crate::diagnostics::codes;
use crate::observe::{Instance, Manager, ServerState};
use crate::plan::{Finding, Marker, MarkerRole, Severity};
use crate::topology::{Member, MemberId, Replica, Replication};

pub(in crate::plan) fn engine_not_built(replication: &Replication) -> Finding {
    Finding {
        code: codes::ENGINE_NOT_BUILT,
        severity: Severity::Blocked,
        subject: replication.name.clone(),
        replication: replication.name.clone(),
        what: format!(
            "engine \"{}\" is known to the language, but this version of replform can't plan it yet",
            replication.engine
        ),
        place: replication.place.clone(),
        choices: vec![choice(
            "plan the rest",
            format!("replform plan -exclude=replication.{}", replication.name),
        )],
    }
}

pub(in crate::plan) fn unreachable(
    replication: &Replication,
    id: &MemberId,
    member: &Member,
    message: &str,
) -> Finding {
    let (whole, exclude) = match id {
        MemberId::Primary => ("nothing of this replication can be planned", String::new()),
        MemberId::Replica(name) => (
            "its link is left as it is",
            format!(
                "replform plan -exclude=replication.{}.replica.{name}",
                replication.name
            ),
        ),
    };
    let mut choices = vec![choice(
        "reach it",
        format!(
            "ssh to {} as the configuration says, then plan again",
            member.machine
        ),
    )];
    if !exclude.is_empty() {
        choices.push(choice("go on without it", exclude));
    }
    about(
        codes::HOST_UNREACHABLE,
        Severity::Unknown,
        replication,
        member,
        format!("can't be reached, so {whole}: {message}"),
        choices,
    )
}

pub(in crate::plan) fn not_observed(replication: &Replication, member: &Member) -> Finding {
    about(
        codes::NOT_OBSERVED,
        Severity::Unknown,
        replication,
        member,
        "is not in the observation, so nothing is known about it",
        vec![choice(
            "observe it",
            "replform observe -o FILE, with the configuration as it is now",
        )],
    )
}

pub(in crate::plan) fn managed(
    replication: &Replication,
    member: &Member,
    manager: &Manager,
) -> Finding {
    about(
        codes::OTHER_MANAGER,
        Severity::Blocked,
        replication,
        member,
        format!(
            "{} is in charge of this server ({}); two managers would undo each other's work",
            manager.name, manager.evidence
        ),
        vec![
            choice(
                "keep it",
                format!(
                    "take replication \"{}\" out of replform's configuration",
                    replication.name
                ),
            ),
            choice(
                "let replform manage it",
                format!("stop and remove {} first, then plan again", manager.name),
            ),
        ],
    )
}

pub(in crate::plan) fn primary_is_replica(
    replication: &Replication,
    instance: &Instance,
) -> Finding {
    let reads_from = instance.upstream.as_ref().map_or_else(
        || "an upstream that isn't set".to_owned(),
        |upstream| format!("{}:{}", upstream.host, upstream.port),
    );
    about(
        codes::PRIMARY_IS_REPLICA,
        Severity::Blocked,
        replication,
        &replication.primary,
        format!(
            "is to be the primary, but it is a replica that reads from {reads_from}; a failover is never undone by itself"
        ),
        vec![
            choice(
                "take the new primary",
                format!(
                    "write it as primary ({}) and this one as a replica",
                    replication.primary_place
                ),
            ),
            choice(
                "switch over by hand",
                "this version of replform can't do it yet",
            ),
        ],
    )
}

pub(in crate::plan) fn primary_not_running(
    replication: &Replication,
    title: &str,
    state: &ServerState,
) -> Finding {
    let (severity, what) = match state {
        ServerState::NotInstalled => (
            Severity::Blocked,
            format!("is to be the primary, but {title} isn't installed on it"),
        ),
        ServerState::NoInstance => (
            Severity::Blocked,
            format!(
                "is to be the primary, but no {title} server is set up on port {}",
                replication.primary.instance.port
            ),
        ),
        ServerState::Stopped { .. } => (
            Severity::Blocked,
            format!("is to be the primary, but its {title} server is stopped"),
        ),
        ServerState::Starting => (
            Severity::Unknown,
            format!("its {title} server is starting; plan again when it answers"),
        ),
        ServerState::Running => (
            Severity::Unknown,
            format!("its {title} server runs, but its role isn't known"),
        ),
        ServerState::Unknown { why } => (
            Severity::Unknown,
            format!("its {title} server isn't understood: {why}"),
        ),
    };
    about(
        codes::PRIMARY_NOT_RUNNING,
        severity,
        replication,
        &replication.primary,
        what,
        vec![choice(
            "start it",
            "make the primary run and answer, then plan again",
        )],
    )
}

/// A replica that left the configuration and can't be looked at: nothing of it is taken apart.
pub(in crate::plan) fn former_unknown(
    replication: &Replication,
    replica: &Replica,
    why: &str,
) -> Finding {
    let name = &replica.name;
    about(
        codes::REPLICA_VANISHED,
        Severity::Unknown,
        replication,
        &replica.member,
        format!("replica \"{name}\" left the configuration, but it is left as it is: {why}"),
        vec![
            choice("reach it", "then plan again"),
            choice(
                "give it up, if it is gone for ever",
                format!(
                    "write removed {{ from = replication.{}.replica.{name} }}",
                    replication.name
                ),
            ),
        ],
    )
}

/// A replica that left the configuration, can't be looked at, and of whose link nothing is on the primary: it was never made, or
/// was taken away by hand.
pub(in crate::plan) fn former_forgotten(replication: &Replication, replica: &Replica) -> Finding {
    about(
        codes::REPLICA_VANISHED,
        Severity::Warning,
        replication,
        &replica.member,
        format!(
            "{} is no longer in the configuration, and nothing of its link is on the primary: it is forgotten",
            replica.name
        ),
        Vec::new(),
    )
}

/// A replica that is given up: its host isn't asked any more.
pub(in crate::plan) fn given_up(replication: &Replication, replica: &Replica) -> Finding {
    about(
        codes::REPLICA_VANISHED,
        Severity::Warning,
        replication,
        &replica.member,
        format!(
            "replica \"{}\" is given up, as removed says: if its server comes back, it has old data and no account here; stop it there",
            replica.name
        ),
        Vec::new(),
    )
}

/// A replica that left the configuration and reads from a server of somebody else's now.
pub(in crate::plan) fn former_elsewhere(
    replication: &Replication,
    replica: &Replica,
    why: &str,
) -> Finding {
    about(
        codes::REPLICA_VANISHED,
        Severity::Warning,
        replication,
        &replica.member,
        format!(
            "replica \"{}\" left the configuration; it {why}, so its server stays as it is",
            replica.name
        ),
        Vec::new(),
    )
}

/// An engine that can't take a replica out.
pub(in crate::plan) fn unlink_not_built(replication: &Replication, replica: &Replica) -> Finding {
    about(
        codes::REPLICA_VANISHED,
        Severity::Blocked,
        replication,
        &replica.member,
        format!(
            "{} was replica of this replication and is no longer in the configuration; unlinking isn't built in this version for {}",
            replica.name, replication.engine
        ),
        vec![choice("keep it", "write its replica block again")],
    )
}

/// What other topologies' markers say of a member; `lives`: whether the link that a marker speaks of still runs.
pub(in crate::plan) fn claimed(
    replication: &Replication,
    member: &Member,
    claims: &[Marker],
    lives: impl Fn(&Marker) -> bool,
) -> Vec<Finding> {
    claims
        .iter()
        .map(|claim| {
            let lives = lives(claim);
            let text = format!("{}, replication \"{}\"", claim.topology, claim.replication);
            if lives {
                about(
                    codes::CLAIMED,
                    Severity::Blocked,
                    replication,
                    member,
                    format!("is a {} of topology {text}, and that link still runs", role_word(claim)),
                    vec![choice("keep it", "leave the instance to the topology that has it")],
                )
            } else {
                about(
                    codes::CLAIMED,
                    Severity::Warning,
                    replication,
                    member,
                    format!("has a marker that says it belonged to topology {text}; that link no longer runs"),
                    Vec::new(),
                )
            }
        })
        .collect()
}

fn role_word(marker: &Marker) -> &'static str {
    match marker.role {
        MarkerRole::Primary => "primary",
        MarkerRole::Replica => "replica",
    }
}
