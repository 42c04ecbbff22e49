//! How each member stands, from what is wanted and what was seen. Pure; `replform status` prints it.
//!
//! Lag is proved by replay: the upstream's position minus what the replica has replayed, in one observation. What isn't
//! known stays unknown: a member that can't be seen is neither healthy nor unhealthy.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Instance, Job, JobState, MachineObservation, Observation, Role, ServerState, Streaming,
    UpstreamSeen,
};
use crate::engines::{account_of, engine, registry};
use crate::plan::host_files::{apply_lock, lock_file};
use crate::topology::{
    Bytes, Lag, MachineId, Member, MemberId, Replica, Replication, Topology, Upstream,
    format_duration,
};

/// The format version of `status -json`.
pub const STATUS_FORMAT: &str = "1.0";

/// Every member of a topology.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// See [`STATUS_FORMAT`].
    pub format_version: String,
    /// replform's version.
    pub replform: String,
    /// The topology's name.
    pub topology: String,
    /// When the first host was asked: RFC 3339, UTC.
    pub observed_at: String,
    /// The replications, in the configuration's order.
    pub replications: Vec<ReplicationStatus>,
    /// Machines that could not be observed, apps' hosts included.
    pub unreachable: Vec<UnreachableMachine>,
}

/// A machine that could not be observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnreachableMachine {
    /// Where SSH goes.
    pub machine: MachineId,
    /// How people call it.
    pub label: String,
    /// A short word for programs.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
}

/// The members of one replication.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicationStatus {
    /// Its name.
    pub name: String,
    /// The engine's name for people.
    pub engine: String,
    /// The primary first, then the replicas in the configuration's order.
    pub members: Vec<MemberStatus>,
    /// Applies that run on it now: one, but for the moment in which another waits for its locks.
    pub applies: Vec<ApplyStatus>,
}

/// An apply that runs now, as the locks that it holds tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApplyStatus {
    /// Who, where, since when: `anna@laptop pid 7 since 2026-11-24T08:00:00Z`.
    pub holder: String,
    /// The machines that it holds, as people call them.
    pub machines: Vec<String>,
    /// Seconds since it locked the first of them.
    pub age_seconds: u64,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberStatus {
    /// Which member.
    pub member: MemberId,
    /// Its server: `eu/db1`.
    pub server: String,
    /// Where SSH goes.
    pub machine: MachineId,
    /// The database's port.
    pub port: u16,
    /// What it is now; `null` when not known.
    pub role: Option<Role>,
    /// Whom it reads from now: a member's server (`eu/db1`), or an address.
    pub upstream: Option<String>,
    /// How it stands.
    pub state: MemberState,
    /// Log that its upstream has and it hasn't replayed.
    pub lag_bytes: Option<Bytes>,
    /// The same in seconds, by its own account.
    pub lag_seconds: Option<f64>,
    /// Log that its upstream keeps for it.
    pub retained: Option<Bytes>,
    /// Whether something is to be done.
    pub health: Health,
    /// Jobs of ours that work on it, or vanished.
    pub jobs: Vec<JobStatus>,
}

/// How a member stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum MemberState {
    /// A server that answers and follows nobody.
    Running,
    /// Follows, and what arrives is applied.
    Streaming,
    /// Connected, catching up.
    CatchingUp,
    /// A replica that isn't connected.
    Disconnected {
        /// Why, as far as the server says.
        why: String,
    },
    /// No server package.
    NotInstalled,
    /// No instance on this port.
    NoInstance,
    /// Not running.
    Stopped,
    /// Starting or recovering.
    Starting,
    /// Runs and doesn't answer.
    NoAnswer {
        /// Why, in words.
        why: String,
    },
    /// Its machine could not be observed.
    Unreachable {
        /// A short word for programs.
        reason: String,
    },
}

/// Whether something is to be done about a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Health {
    /// It is as it should be.
    Healthy,
    /// It isn't.
    Unhealthy {
        /// What is wrong, a sentence each.
        why: Vec<String>,
    },
    /// It could not be seen.
    Unknown {
        /// Why.
        why: String,
    },
}

/// A job of ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobStatus {
    /// The step it does: `backup`.
    pub step: String,
    /// How it stands.
    pub state: JobState,
    /// Bytes done.
    pub done: Option<Bytes>,
    /// Bytes in all.
    pub total: Option<Bytes>,
    /// Seconds since it began.
    pub age_seconds: u64,
    /// Seconds that are left, by its mean speed so far.
    pub left_seconds: Option<u64>,
}

impl Status {
    /// Compares what is wanted with what was seen.
    pub fn new(topology: &Topology, observation: &Observation) -> Self {
        let unreachable = observation.machines.iter().filter_map(|(id, machine)| {
            let MachineObservation::Unreachable { reason, message } = machine else {
                return None;
            };
            Some(UnreachableMachine {
                machine: id.clone(),
                label: topology.label(id).to_owned(),
                reason: reason.clone(),
                message: message.clone(),
            })
        });
        Self {
            format_version: STATUS_FORMAT.to_owned(),
            replform: observation.replform.clone(),
            topology: topology.name.clone(),
            observed_at: observation.observed_at.clone(),
            unreachable: unreachable.collect(),
            replications: topology
                .replications
                .iter()
                .map(|replication| ReplicationStatus {
                    name: replication.name.clone(),
                    engine: engine(&replication.engine.0).map_or_else(
                        || replication.engine.0.clone(),
                        |engine| engine.title().to_owned(),
                    ),
                    members: replication
                        .members()
                        .map(|(id, member)| {
                            View {
                                topology,
                                observation,
                                replication,
                                id: &id,
                                member,
                            }
                            .status()
                        })
                        .collect(),
                    applies: applies(topology, observation, replication),
                })
                .collect(),
        }
    }

    /// Every member of every replication.
    pub fn members(&self) -> impl Iterator<Item = &MemberStatus> {
        self.replications
            .iter()
            .flat_map(|replication| &replication.members)
    }
}

/// Who holds the replication's lock on any machine.
fn applies(
    topology: &Topology,
    observation: &Observation,
    replication: &Replication,
) -> Vec<ApplyStatus> {
    let file = lock_file(&apply_lock(&topology.name, &replication.name));
    let lock = file.rsplit('/').next().unwrap_or_default();
    let mut by_holder: BTreeMap<&str, ApplyStatus> = BTreeMap::new();
    for (id, machine) in &observation.machines {
        let MachineObservation::Reached(facts) = machine else {
            continue;
        };
        for held in facts.locks.iter().filter(|held| held.lock == lock) {
            let apply = by_holder
                .entry(&held.holder)
                .or_insert_with(|| ApplyStatus {
                    holder: held.holder.clone(),
                    machines: Vec::new(),
                    age_seconds: 0,
                });
            apply.machines.push(topology.label(id).to_owned());
            apply.age_seconds = apply.age_seconds.max(held.age_seconds);
        }
    }
    by_holder.into_values().collect()
}

/// One member as wanted, and all that was seen.
struct View<'a> {
    topology: &'a Topology,
    observation: &'a Observation,
    replication: &'a Replication,
    id: &'a MemberId,
    member: &'a Member,
}

impl<'a> View<'a> {
    fn instance_of(&self, member: &Member) -> Option<&'a Instance> {
        self.observation
            .facts(&member.machine)?
            .instance(&self.replication.engine.0, member.instance.port)
    }

    fn replica(&self) -> Option<&'a Replica> {
        match self.id {
            MemberId::Primary => None,
            MemberId::Replica(name) => self.replication.replica(name),
        }
    }

    fn status(&self) -> MemberStatus {
        let blank = MemberStatus {
            member: self.id.clone(),
            server: self.member.server.to_string(),
            machine: self.member.machine.clone(),
            port: self.member.instance.port,
            role: None,
            upstream: None,
            state: MemberState::Unreachable {
                reason: "not_observed".to_owned(),
            },
            lag_bytes: None,
            lag_seconds: None,
            retained: self.retained(),
            health: Health::Unknown {
                why: "the observation doesn't speak of it".to_owned(),
            },
            jobs: self.jobs(),
        };
        if let Some(MachineObservation::Unreachable { reason, message }) =
            self.observation.machines.get(&self.member.machine)
        {
            return MemberStatus {
                state: MemberState::Unreachable {
                    reason: reason.clone(),
                },
                health: Health::Unknown {
                    why: message.clone(),
                },
                ..blank
            };
        }
        match self.instance_of(self.member) {
            Some(instance) => self.seen(instance, blank),
            None => blank,
        }
    }

    fn seen(&self, instance: &Instance, blank: MemberStatus) -> MemberStatus {
        let upstream = instance.upstream.as_ref();
        let reads_from = upstream.and_then(|seen| self.member_at(seen));
        let lag_bytes = reads_from
            .as_ref()
            .and_then(|(_, upstream)| self.instance_of(upstream))
            .and_then(|upstream| lag_bytes(upstream, instance));
        let mut status = MemberStatus {
            role: instance.role,
            upstream: upstream.map(|seen| match &reads_from {
                Some((_, member)) => member.server.to_string(),
                None => super::reach_key(&seen.host, seen.port),
            }),
            state: state(instance),
            lag_bytes,
            // All replayed is no lag, however long the upstream has been idle.
            lag_seconds: match lag_bytes {
                Some(Bytes(0)) => Some(0.0),
                _ => upstream.and_then(|seen| seen.lag_seconds),
            },
            ..blank
        };
        let why = self.complaints(&status, reads_from.map(|(id, _)| id));
        status.health = match self.unknown_lag(&status) {
            _ if !why.is_empty() => Health::Unhealthy { why },
            Some(why) => Health::Unknown { why },
            None => Health::Healthy,
        };
        status
    }

    /// The member of this replication at an address and port, as this one sees it.
    fn member_at(&self, seen: &UpstreamSeen) -> Option<(MemberId, &'a Member)> {
        self.replication.members().find(|(_, member)| {
            member.instance.port == seen.port
                && (member.address == seen.host || member.public_address == seen.host)
        })
    }

    fn complaints(&self, status: &MemberStatus, reads_from: Option<MemberId>) -> Vec<String> {
        let mut why = Vec::new();
        match &status.state {
            MemberState::Running | MemberState::Streaming | MemberState::CatchingUp => {}
            MemberState::Disconnected { why: reason } => {
                why.push(format!("it doesn't follow its upstream: {reason}"));
            }
            MemberState::NotInstalled => why.push("no server is installed".to_owned()),
            MemberState::NoInstance => {
                why.push(format!("there is no instance on port {}", status.port));
            }
            MemberState::Stopped => why.push("the server is stopped".to_owned()),
            MemberState::Starting => why.push("the server is starting or recovering".to_owned()),
            MemberState::NoAnswer { why: reason } => {
                why.push(format!("the server doesn't answer: {reason}"));
            }
            MemberState::Unreachable { .. } => {}
        }
        match (self.replica(), status.role) {
            _ if self.elects() => {}
            (None, Some(Role::Replica)) => why.push("it is a replica, wanted: primary".to_owned()),
            (Some(_), Some(Role::Primary)) if status.state == MemberState::Running => {
                why.push("it follows nobody, wanted: replica".to_owned());
            }
            (Some(replica), Some(Role::Replica)) => {
                self.complain_of_upstream(replica, status, reads_from, &mut why);
            }
            _ => {}
        }
        if let Some(replica) = self.replica() {
            self.complain_of_lag(replica, status, &mut why);
        }
        why
    }

    fn complain_of_upstream(
        &self,
        replica: &Replica,
        status: &MemberStatus,
        reads_from: Option<MemberId>,
        why: &mut Vec<String>,
    ) {
        let wanted = match &replica.upstream {
            Upstream::Primary => MemberId::Primary,
            Upstream::Replica(name) => MemberId::Replica(name.clone()),
        };
        let answers = !matches!(
            status.state,
            MemberState::Stopped | MemberState::Starting | MemberState::NoAnswer { .. }
        );
        if reads_from.as_ref() == Some(&wanted) || (status.upstream.is_none() && !answers) {
            return;
        }
        let wanted = self
            .replication
            .member(&wanted)
            .map_or_else(|| wanted.to_string(), |member| member.server.to_string());
        why.push(match &status.upstream {
            Some(upstream) => format!("it reads from {upstream}, wanted: {wanted}"),
            None => format!("it reads from nobody, wanted: {wanted}"),
        });
    }

    fn max_lag(&self, replica: &Replica) -> Lag {
        replica.max_lag.unwrap_or(self.replication.max_lag)
    }

    /// Whether it belongs with the page's primary to members that elect theirs: whom they chose is theirs to say, and the plan
    /// tells where it isn't the page's.
    fn elects(&self) -> bool {
        let identity = |member| self.instance_of(member)?.identity.clone();
        let own = identity(self.member);
        registry::description(&self.replication.engine.0)
            .is_some_and(|row| row.primary == registry::Primary::Elected)
            && own.is_some()
            && own == identity(&self.replication.primary)
    }

    /// A replica whose lag can't be told isn't healthy for that.
    fn unknown_lag(&self, status: &MemberStatus) -> Option<String> {
        // Elected, it lags behind nobody.
        if status.role == Some(Role::Primary) && self.elects() {
            return None;
        }
        let limit = self.max_lag(self.replica()?);
        let known = match limit {
            Lag::Time(_) => status.lag_seconds.is_some(),
            Lag::Size(_) => status.lag_bytes.is_some(),
        };
        let text = format!(
            "{}: how far it lags behind can't be told, max_lag is {limit}",
            status.server
        );
        (!known).then_some(text)
    }

    fn complain_of_lag(&self, replica: &Replica, status: &MemberStatus, why: &mut Vec<String>) {
        let limit = self.max_lag(replica);
        let above = match limit {
            Lag::Time(milliseconds) => status
                .lag_seconds
                .filter(|seconds| *seconds * 1e3 > milliseconds as f64)
                .map(spoken),
            Lag::Size(limit) => status
                .lag_bytes
                .filter(|bytes| *bytes > limit)
                .map(|bytes| bytes.to_string()),
        };
        if let Some(lag) = above {
            why.push(format!("it lags {lag} behind, above max_lag ({limit})"));
        }
        if let (Some(kept), Some(limit)) = (status.retained, self.replication.retain)
            && kept.0 >= limit.0 / 2
            && kept.0 > 0
        {
            why.push(format!(
                "its upstream keeps {kept} of log for it, of at most {limit} (retain)"
            ));
        }
    }

    /// What the upstream that is wanted keeps for this replica.
    fn retained(&self) -> Option<Bytes> {
        let replica = self.replica()?;
        let name = account_of(self.replication, replica);
        self.replication.members().find_map(|(_, member)| {
            let instance = self.instance_of(member)?;
            let mut mine = instance.downstreams.iter().filter(|downstream| {
                downstream.name == name
                    || downstream.address.as_deref() == Some(self.member.address.as_str())
            });
            mine.find_map(|downstream| downstream.retained)
        })
    }

    fn jobs(&self) -> Vec<JobStatus> {
        let Some(facts) = self.observation.facts(&self.member.machine) else {
            return Vec::new();
        };
        let member = match self.id {
            MemberId::Primary => "primary",
            MemberId::Replica(name) => name,
        };
        let prefix = format!("{}.{}.{member}.", self.topology.name, self.replication.name);
        facts
            .jobs
            .values()
            .filter(|job| !matches!(job.state, JobState::Ended { .. }))
            .filter_map(|job| Some(job_status(job.name.strip_prefix(&prefix)?, job)))
            .collect()
    }
}

fn job_status(step: &str, job: &Job) -> JobStatus {
    let left = match (job.done, job.total) {
        (Some(done), Some(total)) if done.0 > 0 && job.state == JobState::Running => {
            let left = total.0.saturating_sub(done.0) as f64;
            // Casts of floats saturate.
            Some((job.age_seconds as f64 * left / done.0 as f64).ceil() as u64)
        }
        _ => None,
    };
    JobStatus {
        step: step.to_owned(),
        state: job.state.clone(),
        done: job.done,
        total: job.total,
        age_seconds: job.age_seconds,
        left_seconds: left,
    }
}

fn state(instance: &Instance) -> MemberState {
    match &instance.server {
        ServerState::NotInstalled => MemberState::NotInstalled,
        ServerState::NoInstance => MemberState::NoInstance,
        ServerState::Stopped { .. } => MemberState::Stopped,
        ServerState::Starting => MemberState::Starting,
        ServerState::Unknown { why } => MemberState::NoAnswer { why: why.clone() },
        ServerState::Running => match &instance.upstream {
            None => MemberState::Running,
            Some(upstream) => match &upstream.streaming {
                Streaming::Yes => MemberState::Streaming,
                Streaming::CatchingUp => MemberState::CatchingUp,
                Streaming::No { why } => MemberState::Disconnected { why: why.clone() },
            },
        },
    }
}

/// Positions on different branches of history can't be compared. The replica may have been asked later than its upstream.
fn lag_bytes(upstream: &Instance, replica: &Instance) -> Option<Bytes> {
    let (ahead, behind) = (upstream.position.as_ref()?, replica.position.as_ref()?);
    if ahead.history != behind.history || upstream.identity != replica.identity {
        return None;
    }
    Some(Bytes(ahead.offset?.saturating_sub(behind.offset?)))
}

/// Seconds as people say them.
pub fn spoken(seconds: f64) -> String {
    // Never negative, not a number or endless, whatever a host said.
    std::time::Duration::try_from_secs_f64(seconds.max(0.0))
        .map_or_else(|_| "a long time".to_owned(), format_duration)
}
