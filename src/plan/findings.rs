//! What blocks a plan or must be known, whatever the engine: each finding's text and ways on, once.

use std::collections::BTreeMap;

use super::host_files::job_name;
use super::jobs::{self, FoundJob};
use super::{
    Choice, Finding, JobCall, Marker, MarkerMember, Options, Relation, Severity, Step, Work,
};
use crate::diagnostics::{Code, codes};
use crate::engines::Link;
use crate::observe::{Instance, Manager, Reach, ServerState, reach_key};
use crate::topology::{
    Bytes, Hazard, MachineId, Member, MemberId, Place, Replica, Replication, Topology, Upstream,
};

/// Findings as they come; sorted once at the end.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Adds several.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.0.extend(findings);
    }

    /// What blocks first, then what is unknown, hazards, warnings; equal ones once.
    pub fn sorted(mut self) -> Vec<Finding> {
        let rank = |finding: &Finding| match finding.severity {
            Severity::Blocked => 0,
            Severity::Hazard { allowed: None, .. } => 1,
            Severity::Unknown => 2,
            Severity::Hazard { .. } => 3,
            Severity::Warning => 4,
        };
        self.0.sort_by(|a, b| {
            (rank(a), &a.replication, &a.subject, a.code).cmp(&(
                rank(b),
                &b.replication,
                &b.subject,
                b.code,
            ))
        });
        self.0.dedup();
        self.0
    }
}

/// A finding about a member.
pub fn about(
    code: Code,
    severity: Severity,
    replication: &Replication,
    member: &Member,
    what: impl Into<String>,
    choices: Vec<Choice>,
) -> Finding {
    Finding {
        code,
        severity,
        subject: member.server.to_string(),
        replication: replication.name.clone(),
        what: what.into(),
        place: member.place.clone(),
        choices,
    }
}

/// A way on.
pub fn choice(title: &str, how: impl Into<String>) -> Choice {
    Choice {
        title: title.to_owned(),
        how: how.into(),
    }
}

pub(super) fn engine_not_built(replication: &Replication) -> Finding {
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

pub(super) fn unreachable(
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

pub(super) fn not_observed(replication: &Replication, member: &Member) -> Finding {
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

pub(super) fn managed(replication: &Replication, member: &Member, manager: &Manager) -> Finding {
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

pub(super) fn primary_is_replica(replication: &Replication, instance: &Instance) -> Finding {
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

pub(super) fn primary_not_running(
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

/// Members that the primary's marker names and the configuration doesn't. `stands`: whether anything of the link with that
/// replica is still on the primary; where nothing is, it was never made, or was taken away by hand.
pub(super) fn vanished(
    replication: &Replication,
    marker: Option<&Marker>,
    stands: impl Fn(&MarkerMember) -> bool,
) -> Vec<Finding> {
    let Some(marker) = marker else {
        return Vec::new();
    };
    let wanted: Vec<(String, u16)> = replication
        .members()
        .map(|(_, member)| (member.machine.to_string(), member.instance.port))
        .collect();
    marker
        .members
        .iter()
        .filter(|member| !wanted.contains(&(member.machine.clone(), member.port)))
        .map(|member| {
            let name = member.name.trim_start_matches("replica.");
            let (severity, what, choices) = if stands(member) {
                (
                    Severity::Blocked,
                    format!(
                        "{name} was replica of this replication and is no longer in the configuration; unlinking isn't built in this version"
                    ),
                    vec![choice("keep it", "write its replica block again")],
                )
            } else {
                (
                    Severity::Warning,
                    format!(
                        "{name} is no longer in the configuration, and nothing of its link is on the primary: it is forgotten"
                    ),
                    Vec::new(),
                )
            };
            Finding {
                code: codes::REPLICA_VANISHED,
                severity,
                subject: member.machine.clone(),
                replication: replication.name.clone(),
                what,
                place: replication.place.clone(),
                choices,
            }
        })
        .collect()
}

/// What this version can't link yet: said before anything else is looked at.
pub(super) fn link_not_built(replication: &Replication, replica: &Replica) -> Option<Finding> {
    let what = match &replica.upstream {
        Upstream::Replica(name) => format!("reads from replica \"{name}\": cascades aren't built in this version"),
        Upstream::Primary if replica.member.server.stack != replication.primary.server.stack => {
            "is in another stack than its primary: replication between stacks isn't built in this version".to_owned()
        }
        Upstream::Primary if replication.tls == Some(crate::topology::Tls::Verify) => {
            "tls = \"verify\" isn't built in this version".to_owned()
        }
        Upstream::Primary => return None,
    };
    Some(about(
        codes::LINK_NOT_BUILT,
        Severity::Blocked,
        replication,
        &replica.member,
        what,
        vec![choice(
            "plan the rest",
            format!(
                "replform plan -exclude=replication.{}.replica.{}",
                replication.name, replica.name
            ),
        )],
    ))
}

/// What a relation means for the plan.
pub(super) fn relation(
    replication: &Replication,
    replica: &Replica,
    instance: &Instance,
    relation: &Relation,
    options: &Options,
) -> Option<Finding> {
    let member = &replica.member;
    match relation {
        Relation::ForeignData(why) => Some(foreign(replication, replica, instance, why, options)),
        Relation::Elsewhere(why) => Some(about(
            codes::READS_ELSEWHERE,
            Severity::Blocked,
            replication,
            member,
            format!("{why}; moving a replica isn't built in this version"),
            vec![choice(
                "keep it",
                "write the upstream it has, or plan without it",
            )],
        )),
        Relation::Diverged(why) => Some(about(
            codes::DIVERGED,
            Severity::Blocked,
            replication,
            member,
            format!("{why}; re-synchronising a diverged server isn't built in this version"),
            vec![choice(
                "keep its writes",
                "look at them before anything is given up",
            )],
        )),
        Relation::Unreachable(why) => Some(about(
            codes::NOT_UNDERSTOOD,
            Severity::Unknown,
            replication,
            member,
            format!("is not understood, so its link is left as it is: {why}"),
            vec![choice("look there", "mend what is said, then plan again")],
        )),
        Relation::Linked
        | Relation::Unmanaged
        | Relation::Worn(_)
        | Relation::Absent
        | Relation::Disconnected(_)
        | Relation::Broken(_) => None,
    }
}

fn foreign(
    replication: &Replication,
    replica: &Replica,
    instance: &Instance,
    why: &str,
    options: &Options,
) -> Finding {
    let directory = instance
        .data
        .as_ref()
        .map_or_else(String::new, |data| data.directory.clone());
    about(
        codes::FOREIGN_DATA,
        Severity::Hazard {
            hazard: Hazard::ReplaceData,
            allowed: allowed(replication, Hazard::ReplaceData, options),
        },
        replication,
        &replica.member,
        why,
        vec![
            choice(
                "keep them",
                format!(
                    "pick another server for replica \"{}\" ({})",
                    replica.name, replica.member.place
                ),
            ),
            choice(
                "set them aside",
                format!(
                    "{}; they stay in {directory}.replform-<time>",
                    allow_line(replication, Hazard::ReplaceData)
                ),
            ),
        ],
    )
}

/// The line to write to allow a hazard beside those that are allowed already.
pub fn allow_line(replication: &Replication, hazard: Hazard) -> String {
    let mut all: Vec<Hazard> = replication.allow.keys().copied().collect();
    all.push(hazard);
    all.sort_unstable();
    all.dedup();
    let words: Vec<String> = all.iter().map(|hazard| format!("\"{hazard}\"")).collect();
    format!(
        "allow = [{}] ({})",
        words.join(", "),
        replication.allow_place
    )
}

/// A hazard that an engine found on a member; `what`: one sentence that says what may happen.
pub fn hazard(
    hazard: Hazard,
    code: Code,
    replication: &Replication,
    member: &Member,
    options: &Options,
    what: String,
    safer: Option<Choice>,
) -> Finding {
    let severity = Severity::Hazard {
        hazard,
        allowed: allowed(replication, hazard, options),
    };
    let allow = choice("allow it", allow_line(replication, hazard));
    let choices = safer.into_iter().chain([allow]).collect();
    about(code, severity, replication, member, what, choices)
}

/// Where a hazard is allowed, if it is.
pub fn allowed(replication: &Replication, hazard: Hazard, options: &Options) -> Option<Place> {
    replication.allow.get(&hazard).cloned().or_else(|| {
        options.allow.contains(&hazard).then(|| Place {
            file: "-allow".to_owned(),
            line: 0,
            column: 0,
        })
    })
}

/// What other topologies' markers say of a member; `lives`: whether the link that a marker speaks of still runs.
pub(super) fn claimed(
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
        super::MarkerRole::Primary => "primary",
        super::MarkerRole::Replica => "replica",
    }
}

/// A hazard `restart` for each step that restarts a server.
pub(super) fn hazards_of_steps(
    topology: &Topology,
    steps: &[Step],
    options: &Options,
    findings: &mut Findings,
) {
    let replications: BTreeMap<&str, &Replication> = topology
        .replications
        .iter()
        .map(|replication| (replication.name.as_str(), replication))
        .collect();
    for step in steps {
        let Some(why) = &step.cost.restarts else {
            continue;
        };
        let Some(replication) = replications.get(step.replication.as_str()) else {
            continue;
        };
        let gap = step.cost.no_writes_seconds.map_or_else(
            || "reads on it stop for about a second".to_owned(),
            |seconds| format!("about {seconds:.1} s without writes"),
        );
        findings.push(Finding {
            code: codes::RESTART,
            severity: Severity::Hazard {
                hazard: Hazard::Restart,
                allowed: allowed(replication, Hazard::Restart, options),
            },
            subject: step.subject.clone(),
            replication: replication.name.clone(),
            what: format!("has to restart: {why}; {gap}"),
            place: replication.allow_place.clone(),
            choices: vec![
                choice("allow it", allow_line(replication, Hazard::Restart)),
                choice(
                    "allow it once",
                    format!("replform apply{} -allow=restart", options.typed()),
                ),
            ],
        });
    }
}

/// Several copies onto one file system must fit together.
pub(super) fn claims_on_disk(steps: &[Step], findings: &mut Findings) {
    let mut by_machine: BTreeMap<&MachineId, Vec<&Step>> = BTreeMap::new();
    for step in steps.iter().filter(|step| step.cost.disk_needed.is_some()) {
        by_machine.entry(&step.machine).or_default().push(step);
    }
    for steps in by_machine.into_values().filter(|steps| steps.len() > 1) {
        let needed = steps
            .iter()
            .filter_map(|step| step.cost.disk_needed)
            .map(|bytes| bytes.0)
            .sum();
        let free = steps.iter().filter_map(|step| step.cost.disk_free).min();
        if let (Some(free), Some(first)) = (free, steps.first())
            && needed > free.0
        {
            findings.push(Finding {
                code: codes::DISK_TOO_SMALL,
                severity: Severity::Blocked,
                subject: first.subject.clone(),
                replication: first.replication.clone(),
                what: format!(
                    "{} copies go here at once and need {} together, but {free} is free",
                    steps.len(),
                    Bytes(needed)
                ),
                place: first.because.place.clone(),
                choices: vec![choice(
                    "one after the other",
                    "use -target for one replication at a time, or free space",
                )],
            });
        }
    }
}

/// Requirements of a link that hold for every engine. `copies`: whether a full copy is planned.
pub(super) fn general_checks(link: &Link<'_>, copies: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (host, upstream) = (&link.facts.host, &link.upstream_facts.host);
    let member = &link.replica.member;
    let mut add = |code, severity, what: String, choices| {
        findings.push(about(
            code,
            severity,
            link.replication,
            member,
            what,
            choices,
        ));
    };
    if !host.systemd {
        add(
            codes::HOST_UNFIT,
            Severity::Blocked,
            "doesn't run systemd, which replform's jobs and the database's service need".to_owned(),
            vec![choice("use another host", "one that boots with systemd")],
        );
    }
    if !host.root {
        add(
            codes::HOST_UNFIT,
            Severity::Blocked,
            "commands there don't run as root".to_owned(),
            vec![choice(
                "log in as root",
                "or write sudo = true in its ssh block and give the user passwordless sudo",
            )],
        );
    }
    if copies && host.architecture != upstream.architecture {
        add(
            codes::OTHER_ARCHITECTURE,
            Severity::Blocked,
            format!(
                "is {}, its upstream is {}: a copy of the files can't be read there",
                host.architecture, upstream.architecture
            ),
            vec![choice("use another host", "one of the same architecture")],
        );
    }
    if host.memory_total.0 < upstream.memory_total.0 {
        add(
            codes::LESS_MEMORY,
            Severity::Warning,
            format!(
                "has {} of memory, its upstream {}: it may not keep up, nor carry the load after a switchover",
                host.memory_total, upstream.memory_total
            ),
            Vec::new(),
        );
    }
    if let (Some(own), Some(other)) = (host.clock_offset_ms, upstream.clock_offset_ms) {
        let doubt =
            i64::try_from(host.clock_doubt_ms + upstream.clock_doubt_ms).unwrap_or(i64::MAX);
        let skew = (own - other).abs();
        if skew > doubt.saturating_add(2000) {
            add(
                codes::CLOCK_SKEW,
                Severity::Warning,
                format!(
                    "its clock differs from its upstream's by about {:.1} s: lag in seconds will be wrong by that",
                    skew as f64 / 1e3
                ),
                Vec::new(),
            );
        }
    }
    findings.extend(path(link));
    findings
}

/// Rule 11: the replica reaches its upstream's address and port.
fn path(link: &Link<'_>) -> Option<Finding> {
    let target = reach_key(link.upstream_address(), link.upstream.instance.port);
    let what = match link.facts.reach.get(&target) {
        Some(Reach::Open | Reach::Refused) => return None,
        Some(Reach::TimedOut) => format!(
            "can't reach {target}: no answer in 3 s (a firewall drops it, or the address is wrong)"
        ),
        Some(Reach::Failed { why }) => format!("can't reach {target}: {why}"),
        None => format!(
            "whether it reaches {target} wasn't tried, as the observation is of another configuration"
        ),
    };
    Some(about(
        codes::NO_PATH,
        Severity::Blocked,
        link.replication,
        &link.replica.member,
        what,
        vec![choice(
            "open the path",
            format!(
                "from {} to {target}, or write the server's address where databases reach it",
                link.replica.member.address
            ),
        )],
    ))
}

/// Jobs of the steps' names that run on the replica's host and do something else: apply would refuse to run beside them.
pub(super) fn other_jobs(link: &Link<'_>, steps: &[Step]) -> Vec<Finding> {
    let other = |job: &&JobCall| jobs::found(link.facts, job) == FoundJob::RunsOtherwise;
    steps
        .iter()
        .flat_map(|step| &step.actions)
        .filter_map(|action| match &action.work {
            Work::Job(job) if action.machine == link.replica.member.machine => Some(job),
            Work::Job(_) | Work::Script(_) => None,
        })
        .filter(other)
        .map(|job| {
            about(
                codes::OTHER_JOB,
                Severity::Blocked,
                link.replication,
                &link.replica.member,
                format!(
                    "a job {} runs there that an earlier apply began with other arguments, or another version of replform",
                    job.name
                ),
                vec![
                    choice("wait", "until it has ended (replform status shows how far it is), then plan again"),
                    choice(
                        "end it",
                        format!(
                            "systemctl stop 'replform-{}.*' on {}, then plan again",
                            job_name(&job.name),
                            link.replica.member.server
                        ),
                    ),
                ],
            )
        })
        .collect()
}
