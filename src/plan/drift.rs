//! How far reality is from the configuration, for cron: made of a plan, of what it was made from, and of the members' health.
//!
//! Each thing is of one kind. *Drift*: a server, link or file is no longer as the last apply left it. *Pending*: the
//! configuration changed since. The primary's marker tells them apart: it holds what was wanted when it was written.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EnvDiff, Finding, Plan, Severity, Step, StepKind, markers};
use crate::diagnostics::codes;
use crate::engines::secure::OF_AGE;
use crate::observe::Observation;
use crate::observe::status::{Health, Status};
use crate::topology::{MemberId, Place, Replication, Topology};

/// The format version of `drift -format json`.
pub const DRIFT_FORMAT: &str = "1.0";

/// All that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// See [`DRIFT_FORMAT`].
    pub format_version: String,
    /// replform's version.
    pub replform: String,
    /// The topology's name.
    pub topology: String,
    /// When the hosts were observed: RFC 3339, UTC.
    pub observed_at: String,
    /// The hash of the plan that apply would run now.
    pub plan: String,
    /// How many members the configuration has.
    pub members: usize,
    /// What differs, in the configuration's order.
    pub items: Vec<DriftItem>,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DriftItem {
    /// Of which kind.
    pub kind: DriftKind,
    /// `replication.orders.replica.reader`, `replication.orders` (its primary), `stack.eu.app.web`.
    pub address: String,
    /// As people call it: `eu/db2`.
    pub subject: String,
    /// What differs, a sentence each.
    pub what: Vec<String>,
    /// Values that changed by name, where there are such.
    pub changes: Vec<DriftChange>,
    /// The kinds of steps that apply would do, in order; empty: it does nothing, or is blocked.
    pub apply: Vec<StepKind>,
    /// Whether apply is blocked by it.
    pub blocked: bool,
    /// The configuration line that wants it.
    pub place: Option<Place>,
}

/// What kind of difference.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// A server, link or file isn't as the last apply left it.
    Drift,
    /// The configuration changed and wasn't applied.
    Pending,
    /// As wanted, but not well: lag, a link that is down, log that is kept.
    Unhealthy,
    /// It couldn't be looked at.
    Unreachable,
}

/// A value that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriftChange {
    /// A variable's or setting's name.
    pub name: String,
    /// What is there now; `None`: nothing.
    pub from: Option<String>,
    /// What is wanted; `None`: nothing.
    pub to: Option<String>,
}

impl DriftKind {
    /// All of them, the worst first.
    pub const ALL: [Self; 4] = [
        Self::Drift,
        Self::Unhealthy,
        Self::Pending,
        Self::Unreachable,
    ];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Pending => "pending",
            Self::Unhealthy => "unhealthy",
            Self::Unreachable => "unreachable",
        }
    }
}

/// What is known and not to be told again: an address, and of which kind (`None`: of any).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The address.
    pub address: String,
    /// The kind.
    pub kind: Option<DriftKind>,
}

impl Drift {
    /// Compares. `ignored` is left out.
    pub fn new(
        topology: &Topology,
        observation: &Observation,
        plan: &Plan,
        ignored: &[Ignored],
    ) -> Self {
        let mut items = Items::default();
        let status = Status::new(topology, observation);
        for replication in topology.all_replications() {
            let settled = settled(topology, replication, observation);
            for step in of(replication, &plan.steps, |step| &step.replication) {
                items.step(replication, step, settled);
            }
            for finding in of(replication, &plan.findings, |finding| &finding.replication) {
                items.finding(topology, replication, finding, settled);
            }
        }
        items.health(&status);
        for machine in &status.unreachable {
            items.unreachable(
                topology,
                &machine.machine.0,
                &machine.label,
                &machine.message,
            );
        }
        Self {
            format_version: DRIFT_FORMAT.to_owned(),
            replform: plan.replform.clone(),
            topology: topology.name.clone(),
            observed_at: observation.observed_at.clone(),
            plan: plan.hash.clone(),
            members: status.members().count(),
            items: items.done(topology, ignored),
        }
    }

    /// How many things are of a kind.
    pub fn count(&self, kind: DriftKind) -> usize {
        self.items.iter().filter(|item| item.kind == kind).count()
    }
}

fn of<'a, T>(
    replication: &'a Replication,
    all: &'a [T],
    name: impl Fn(&T) -> &String + 'a,
) -> impl Iterator<Item = &'a T> {
    all.iter().filter(move |one| *name(one) == replication.name)
}

/// Whether the configuration says of a replication what it said when it was last applied.
fn settled(topology: &Topology, replication: &Replication, observation: &Observation) -> bool {
    let primary = &replication.primary;
    let Some(facts) = observation.facts(&primary.machine) else {
        return false;
    };
    let port = primary.instance.port;
    markers::found(facts, &topology.name, replication, port).is_some_and(|found| {
        let (objects, settings) = (found.objects.clone(), found.settings.clone());
        found == *markers::wanted(topology, replication, &MemberId::Primary, objects, settings)
    })
}

/// The address of a member.
fn address(replication: &str, member: &MemberId) -> String {
    match member {
        MemberId::Primary => format!("replication.{replication}"),
        MemberId::Replica(name) => format!("replication.{replication}.replica.{name}"),
    }
}

fn app_address(subject: &str) -> String {
    match subject.split_once('/') {
        Some((stack, app)) => format!("stack.{stack}.app.{app}"),
        None => format!("app.{subject}"),
    }
}

/// Every address that [`Ignored`] can name.
pub fn addresses(topology: &Topology) -> BTreeSet<String> {
    let members = topology.replications.iter().flat_map(|replication| {
        let members = replication.members();
        members.map(|(id, _)| address(&replication.name, &id))
    });
    let apps = topology
        .apps
        .iter()
        .map(|app| app_address(&app.id.to_string()));
    members.chain(apps).collect()
}

/// Items by address and kind: what is found again is said beside it.
#[derive(Default)]
struct Items(BTreeMap<(String, DriftKind), DriftItem>);

impl Items {
    fn at(&mut self, kind: DriftKind, address: String, subject: &str) -> &mut DriftItem {
        self.0
            .entry((address.clone(), kind))
            .or_insert_with(|| DriftItem {
                kind,
                address,
                subject: subject.to_owned(),
                what: Vec::new(),
                changes: Vec::new(),
                apply: Vec::new(),
                blocked: false,
                place: None,
            })
    }

    fn step(&mut self, replication: &Replication, step: &Step, settled: bool) {
        // Nobody changed anything where a certificate only grew old.
        let grew_old = step.kind == StepKind::Secure && step.because.fact.starts_with(OF_AGE);
        let kind = if settled && !grew_old {
            DriftKind::Drift
        } else {
            DriftKind::Pending
        };
        let member = step.member.clone();
        let (address, subject) = match &member {
            // An account stands on the upstream, and is its replica's.
            Some(id) => match replication.member(id) {
                Some(member) => (address(&replication.name, id), member.server.to_string()),
                // A replica that left the configuration.
                None => (address(&replication.name, id), step.subject.clone()),
            },
            None => (app_address(&step.subject), step.subject.clone()),
        };
        let what = match step.kind {
            StepKind::Configure => Some(step.what.clone()),
            StepKind::Env => None,
            // These follow from the step before them.
            StepKind::Account | StepKind::Backup | StepKind::Restore | StepKind::Verify => None,
            StepKind::Link if self.has(&address) => None,
            _ => Some(step.because.fact.clone()),
        };
        let item = self.at(kind, address, &subject);
        for text in what.into_iter().chain(step.env.iter().map(env_text)) {
            if !item.what.contains(&text) {
                item.what.push(text);
            }
        }
        if step.kind == StepKind::Backup && item.what.is_empty() {
            item.what.push(step.because.fact.clone());
        }
        item.changes.extend(step.env.iter().flat_map(env_changes));
        item.apply.push(step.kind);
        item.place = Some(step.because.place.clone());
    }

    /// What is said of an address, of whatever kind.
    fn of<'a>(&'a self, address: &'a str) -> impl Iterator<Item = &'a DriftItem> {
        let key = move |kind| (address.to_owned(), kind);
        DriftKind::ALL
            .into_iter()
            .filter_map(move |kind| self.0.get(&key(kind)))
    }

    fn has(&self, address: &str) -> bool {
        self.of(address).any(|item| !item.what.is_empty())
    }

    fn finding(
        &mut self,
        topology: &Topology,
        replication: &Replication,
        finding: &Finding,
        settled: bool,
    ) {
        let kind = match (&finding.severity, settled) {
            // It stands in nothing's way, and yet isn't as written.
            (Severity::Warning, _) if finding.code == codes::PRIMARY_ELECTED => DriftKind::Drift,
            (
                Severity::Warning
                | Severity::Hazard {
                    allowed: Some(_), ..
                },
                _,
            ) => return,
            (Severity::Unknown, _) => DriftKind::Unreachable,
            (_, true) => DriftKind::Drift,
            (_, false) => DriftKind::Pending,
        };
        let (address, subject) = self.subject(topology, replication, &finding.subject);
        let item = self.at(kind, address, &subject);
        // A restart is what a step costs, not what differs.
        if finding.code == codes::RESTART && !item.what.is_empty() {
            item.blocked |= finding.blocks();
            return;
        }
        if !item.what.contains(&finding.what) {
            item.what.push(finding.what.clone());
        }
        item.blocked |= finding.blocks();
        item.place = Some(finding.place.clone());
    }

    /// Whom a finding is about: a member by its server, an app by its name, else the replication.
    fn subject(
        &self,
        topology: &Topology,
        replication: &Replication,
        subject: &str,
    ) -> (String, String) {
        let former = topology.former_replicas(&replication.name).iter();
        let former = former.map(|replica| {
            let id = MemberId::Replica(replica.name.clone());
            (id, &replica.member)
        });
        let member = replication
            .members()
            .chain(former)
            .find(|(_, member)| member.server.to_string() == subject);
        if let Some((id, _)) = member {
            return (address(&replication.name, &id), subject.to_owned());
        }
        let app = subject.split(" (").next().unwrap_or(subject);
        if topology
            .apps
            .iter()
            .any(|known| known.id.to_string() == app)
        {
            return (app_address(app), app.to_owned());
        }
        (
            address(&replication.name, &MemberId::Primary),
            subject.to_owned(),
        )
    }

    /// Members that aren't well, where nothing was said of them yet.
    fn health(&mut self, status: &Status) {
        for replication in &status.replications {
            for member in &replication.members {
                let Health::Unhealthy { why } = &member.health else {
                    continue;
                };
                let address = address(&replication.name, &member.member);
                if self.of(&address).next().is_some() {
                    continue;
                }
                self.at(DriftKind::Unhealthy, address, &member.server)
                    .what
                    .extend(why.iter().cloned());
            }
        }
    }

    /// A machine that can't be reached: every member and app on it of which nothing is said yet.
    fn unreachable(&mut self, topology: &Topology, machine: &str, label: &str, why: &str) {
        let members = topology.replications.iter().flat_map(|replication| {
            let members = replication.members();
            members
                .filter(|(_, member)| member.machine.0 == machine)
                .map(|(id, member)| (address(&replication.name, &id), member.server.to_string()))
        });
        let apps = topology
            .apps
            .iter()
            .filter(|app| app.machines.iter().any(|id| id.0 == machine))
            .map(|app| (app_address(&app.id.to_string()), app.id.to_string()));
        let mut concerned: Vec<(String, String)> = members.chain(apps).collect();
        if concerned.is_empty() {
            concerned.push((format!("machine.{label}"), label.to_owned()));
        }
        for (address, subject) in concerned {
            let item = self.at(DriftKind::Unreachable, address, &subject);
            if item.what.is_empty() {
                item.what.push(why.to_owned());
            }
        }
    }

    fn done(self, topology: &Topology, ignored: &[Ignored]) -> Vec<DriftItem> {
        let members = topology.replications.iter().flat_map(|replication| {
            let members = replication.members();
            members.map(|(id, _)| address(&replication.name, &id))
        });
        let order: BTreeMap<String, usize> = members.zip(0..).collect();
        let rank = |item: &DriftItem| {
            let at = order.get(&item.address).copied();
            (at.unwrap_or(order.len()), item.address.clone(), item.kind)
        };
        let hidden = |item: &DriftItem| {
            ignored.iter().any(|one| {
                one.address == item.address && one.kind.is_none_or(|kind| kind == item.kind)
            })
        };
        let mut items: Vec<DriftItem> = self
            .0
            .into_values()
            .filter(|item| !item.what.is_empty() && !hidden(item))
            .collect();
        items.sort_by_cached_key(rank);
        items
    }
}

fn env_text(diff: &EnvDiff) -> String {
    format!(
        "{} is not as wanted on {}",
        diff.path,
        diff.hosts.join(", ")
    )
}

fn env_changes(diff: &EnvDiff) -> Vec<DriftChange> {
    let values = |lines: &[String]| -> BTreeMap<String, String> {
        let pairs = lines.iter().filter_map(|line| line.split_once('='));
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    let (before, after) = (values(&diff.before), values(&diff.after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| DriftChange {
            name: name.clone(),
            from: before.get(name).cloned(),
            to: after.get(name).cloned(),
        })
        .collect()
}
