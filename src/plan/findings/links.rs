//! What the planner says of links: what their relation means, and what every engine requires of them.

use super::{about, allow_line, allowed, choice};
use crate::diagnostics::codes;
use crate::engines::{Engine, Link};
use crate::observe::{Instance, Reach, reach_key};
use crate::plan::host_files::job_name;
use crate::plan::jobs::{self, FoundJob};
use crate::plan::{Finding, JobCall, Options, Relation, Severity, Step, Work};
use crate::topology::{Hazard, Replica, Replication, Upstream};

/// What this version can't link yet: said before anything else is looked at.
pub(in crate::plan) fn link_not_built(
    engine: &dyn Engine,
    replication: &Replication,
    replica: &Replica,
) -> Option<Finding> {
    let refused = engine.across_refused();
    let what = match &replica.upstream {
        Upstream::Replica(name) if engine.cascade_refused().is_some() => {
            format!(
                "reads from replica \"{name}\": {}",
                engine.cascade_refused()?
            )
        }
        Upstream::Replica(name) if replication.verifies(replica) => {
            format!(
                "reads from replica \"{name}\" and both ends are to prove themselves: TLS between replicas isn't built in this version"
            )
        }
        _ if replication.crosses_stacks(replica) => {
            format!("is in another stack than its primary: {}", refused?)
        }
        _ if replication.verifies(replica) => format!("tls = \"verify\": {}", refused?),
        _ => return None,
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
pub(in crate::plan) fn relation(
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
            Severity::Hazard {
                hazard: Hazard::LoseWrites,
                allowed: allowed(replication, Hazard::LoseWrites, options),
            },
            replication,
            member,
            format!("{why}: what only it has is lost to this replication"),
            vec![
                choice(
                    "keep its writes",
                    "look at them first, and copy them to the primary by hand",
                ),
                choice(
                    "give them up",
                    format!(
                        "{}; its directory stays beside its new copy as {}.replform-<time>",
                        allow_line(replication, Hazard::LoseWrites),
                        directory(instance)
                    ),
                ),
            ],
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

fn directory(instance: &Instance) -> &str {
    let data = instance.data.as_ref();
    data.map_or("its data directory", |data| &data.directory)
}

fn foreign(
    replication: &Replication,
    replica: &Replica,
    instance: &Instance,
    why: &str,
    options: &Options,
) -> Finding {
    let directory = directory(instance);
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

/// Requirements of a link that hold for every engine. `copies`: whether a full copy is planned.
pub(in crate::plan) fn general_checks(link: &Link<'_>, copies: bool) -> Vec<Finding> {
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
pub(in crate::plan) fn other_jobs(link: &Link<'_>, steps: &[Step]) -> Vec<Finding> {
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
