//! From a wish and an observation to a plan: relation, intent, checks, steps, order.
//!
//! Nothing here knows an engine; what is true of all of them (unreachable hosts, restarts that must be allowed,
//! apps last, markers) is decided here, once.

use std::collections::{BTreeMap, BTreeSet};

use super::adopt;
use super::cascade;
use super::env;
use super::findings::{self, Findings};
use super::former;
use super::graph::{GraphError, StepGraph};
use super::intent::{Intent, intent};
use super::markers;
use super::outlook;
use super::picture;
use super::{
    Finding, Marker, MarkerRole, Options, Plan, PlannedReplication, Relation, Severity, Step,
    StepId, StepKind, WantedMarker, document,
};
use crate::engines::{self, Engine, Link, Parting, Upstreams};
use crate::observe::{
    Facts, Instance, MachineObservation, Observation, Role, ServerState, Streaming, reach_key,
};
use crate::topology::{Member, MemberId, Replica, Replication, Topology};

/// Makes the plan.
///
/// # Errors
/// When the planner contradicts itself (steps that wait for each other): a fault to report, never the user's.
pub fn plan(
    topology: &Topology,
    observation: &Observation,
    options: &Options,
) -> Result<Plan, GraphError> {
    let topology = &*former::extended(topology, observation);
    let mut steps = Vec::new();
    let mut findings = Findings::default();
    let mut replications = Vec::new();
    for replication in topology
        .all_replications()
        .filter(|r| options.includes_replication(r))
    {
        let planned = ReplicationPlanner {
            topology,
            observation,
            options,
            replication,
        }
        .plan(&mut findings);
        steps.extend(planned.steps);
        replications.push(planned.shown);
    }
    if options.targets.is_empty() {
        steps.extend(env::orphans(topology, observation));
    }
    findings::hazards_of_steps(topology, &steps, options, &mut findings);
    findings::claims_on_disk(&steps, &mut findings);
    let order = StepGraph::new(&steps)?.order()?;
    arrange(&mut steps, order);
    let findings = findings.sorted();
    Ok(Plan {
        format_version: document::PLAN_FORMAT.to_owned(),
        replform: env!("CARGO_PKG_VERSION").to_owned(),
        topology: topology.name.clone(),
        hash: super::hash::of(&topology.name, &steps, &findings),
        observed_at: observation.observed_at.clone(),
        counts: outlook::counts(&steps),
        outlook: outlook::outlook(topology, &steps, &findings),
        replications,
        findings,
        steps,
    })
}

/// Puts the steps into the order of their numbers in `order`, in place: a plan may have a hundred thousand.
fn arrange(steps: &mut [Step], order: Vec<usize>) {
    let mut place = vec![0; order.len()];
    for (new, old) in order.into_iter().enumerate() {
        place[old] = new;
    }
    for at in 0..place.len() {
        while place[at] != at {
            let to = place[at];
            steps.swap(at, to);
            place.swap(at, to);
        }
    }
}

/// What planning one replication gave.
struct Planned {
    steps: Vec<Step>,
    shown: PlannedReplication,
}

struct ReplicationPlanner<'a> {
    topology: &'a Topology,
    observation: &'a Observation,
    options: &'a Options,
    replication: &'a Replication,
}

/// A machine that answered, and the instance of interest on it.
#[derive(Clone, Copy)]
struct Seen<'a> {
    facts: &'a Facts,
    instance: &'a Instance,
}

/// A replica that answered, with the marker that it carries and the one that it is to carry.
struct Known<'a> {
    seen: Seen<'a>,
    marker: Option<Marker>,
    wanted: WantedMarker,
}

/// A replica with its relation and what is to be done.
struct Assessed<'a> {
    replica: &'a Replica,
    known: Option<Known<'a>>,
    relation: Relation,
    intent: Intent,
    /// What its instance will be when this plan has linked it, where it isn't so now: for those that read from it.
    copied: Option<Box<Instance>>,
}

/// The other end of a link, and where its accounts are made.
#[derive(Clone, Copy)]
struct End<'b> {
    member: &'b Member,
    seen: Seen<'b>,
    /// What must be done there before.
    prepared: Option<&'b StepId>,
    /// The marker that it is to carry.
    wanted: &'b WantedMarker,
    primary: Seen<'b>,
    primary_wanted: &'b WantedMarker,
}

/// A member that others read from, made ready by this plan.
struct Source {
    /// Its last step.
    prepared: Option<StepId>,
    /// The marker that it is to carry.
    wanted: WantedMarker,
}

type Sources = BTreeMap<MemberId, Source>;

/// A replica that the configuration has no more.
struct Gone<'a> {
    replica: &'a Replica,
    known: Option<Known<'a>>,
    /// Whom it reads from.
    upstream: Option<(MemberId, &'a Member, Seen<'a>)>,
    relation: Relation,
    /// Whether it is taken apart by this plan.
    parts: bool,
    /// Whether its server is still a part of the replication.
    stands: bool,
}

/// What the last steps of a replication are made from.
struct Ends<'b, 'a> {
    engine: &'b dyn Engine,
    primary: Seen<'a>,
    /// The primary's marker as found.
    marker: Option<&'b Marker>,
    /// The primary's marker while steps run.
    wanted: &'b WantedMarker,
    former: &'b [Gone<'a>],
    assessed: &'b [Assessed<'a>],
    /// The steps that tell apps; `None`: not every app can be told.
    told: Option<&'b BTreeSet<StepId>>,
}

impl Assessed<'_> {
    fn is_or_will_be_linked(&self) -> bool {
        self.intent.links() || self.relation.stands()
    }

    /// Linked, but not yet where its upstream is.
    fn is_behind(&self) -> bool {
        let instance = self.known.as_ref().map(|known| known.seen.instance);
        let upstream = instance.and_then(|instance| instance.upstream.as_ref());
        !self.intent.links()
            && self.relation.stands()
            && upstream.is_some_and(|seen| matches!(seen.streaming, Streaming::CatchingUp))
    }
}

impl<'a> ReplicationPlanner<'a> {
    fn plan(&self, findings: &mut Findings) -> Planned {
        let Some(engine) = engines::engine(&self.replication.engine.0) else {
            findings.push(findings::engine_not_built(self.replication));
            return self.empty(self.replication.engine.0.clone());
        };
        let Some(primary) = self.primary(engine, findings) else {
            for replica in &self.replication.replicas {
                if self.options.includes(&self.replication.name, &replica.name) {
                    // Only for what it finds: whoever mends the primary wants to know of all hosts at once.
                    let _ = self.see(engine, &MemberId::Replica(replica.name.clone()), findings);
                }
            }
            return self.empty(engine.title().to_owned());
        };
        let marker = self.marker_of(primary.facts, &self.replication.primary);
        findings.extend(self.claims_on_primary(primary));
        let order = cascade::order(&self.replication.replicas);
        let mut assessed: Vec<Assessed<'a>> = Vec::new();
        for replica in &order {
            let one = self.assess(engine, primary, replica, &assessed, findings);
            assessed.push(one);
        }
        let former = self.former(engine, primary, &assessed, findings);
        let (mut steps, wanted) = self.primary_steps(
            engine,
            primary,
            marker.as_ref(),
            &assessed,
            &former,
            findings,
        );
        let mut sources = Sources::new();
        sources.insert(
            MemberId::Primary,
            Source {
                prepared: steps.last().map(|step| step.id.clone()),
                wanted,
            },
        );
        for one in &assessed {
            let own = self.replica_steps(engine, primary, one, &assessed, &sources, findings);
            let last = own.last().map(|step| step.id.clone());
            steps.extend(own);
            let (ready, source) = self.source(engine, one, last, &assessed, findings);
            steps.extend(ready);
            sources.insert(MemberId::Replica(one.replica.name.clone()), source);
        }
        let wanted = &sources[&MemberId::Primary].wanted;
        self.sweep(engine, primary, &assessed, &former, &sources, &mut steps);
        // The configuration's order, for people.
        let place = |one: &Assessed<'_>| {
            let mut all = self.replication.replicas.iter();
            all.position(|replica| std::ptr::eq(replica, one.replica))
        };
        assessed.sort_by_key(place);
        steps.extend(self.finish(engine, primary, marker.as_ref(), wanted, &assessed, &steps));
        let told = self.env_steps(engine, primary, &assessed, &sources, &mut steps, findings);
        let ends = Ends {
            engine,
            primary,
            marker: marker.as_ref(),
            wanted,
            former: &former,
            assessed: &assessed,
            told: told.as_ref(),
        };
        self.part(&ends, &mut steps, findings);
        self.record_primary(&ends, &assessed, &mut steps);
        let shown = PlannedReplication {
            name: self.replication.name.clone(),
            engine: engines::title(engine, primary.instance),
            picture: picture::rows(
                engine,
                self.replication,
                &assessed
                    .iter()
                    .map(|one| picture::Row {
                        replica: one.replica,
                        instance: one.known.as_ref().map(|known| known.seen.instance),
                        relation: &one.relation,
                        linked_after: one.intent.links(),
                    })
                    .collect::<Vec<_>>(),
                &former
                    .iter()
                    .map(|one| picture::Parted {
                        replica: one.replica,
                        instance: one
                            .known
                            .as_ref()
                            .filter(|_| !matches!(one.relation, Relation::Unreachable(_)))
                            .map(|known| known.seen.instance),
                        relation: &one.relation,
                        parts: one.parts,
                    })
                    .collect::<Vec<_>>(),
            ),
            place: self.replication.place.clone(),
        };
        // No other replication asks for these.
        let replicas = assessed.iter().filter_map(|one| one.known.as_ref());
        let replicas = replicas.chain(former.iter().filter_map(|one| one.known.as_ref()));
        for seen in replicas.map(|known| known.seen).chain([primary]) {
            seen.instance.details.forget();
        }
        Planned { steps, shown }
    }

    /// Another topology's primary with replicas that read from it now is left to that topology.
    fn claims_on_primary(&self, primary: Seen<'_>) -> Vec<Finding> {
        let member = &self.replication.primary;
        let port = member.instance.port;
        let claims = markers::claims(primary.facts, &self.topology.name, self.replication, port);
        let reads = |account: &String| {
            let mut readers = primary.instance.downstreams.iter();
            readers.any(|reader| reader.name == *account && reader.address.is_some())
        };
        findings::claimed(self.replication, member, &claims, |claim| {
            let readers = claim
                .members
                .iter()
                .filter(|reader| reader.name != "primary");
            let mut addresses = readers.map(|reader| reach_key(&reader.address, reader.port));
            claim.role == MarkerRole::Primary
                && (claim.objects.iter().any(reads) || addresses.any(|address| reads(&address)))
        })
    }

    fn empty(&self, engine: String) -> Planned {
        let shown = PlannedReplication {
            name: self.replication.name.clone(),
            engine,
            picture: Vec::new(),
            place: self.replication.place.clone(),
        };
        Planned {
            steps: Vec::new(),
            shown,
        }
    }

    /// The primary, where it is there, answers and takes writes; else the finding that says why nothing can be planned.
    fn primary(&self, engine: &dyn Engine, findings: &mut Findings) -> Option<Seen<'a>> {
        let member = &self.replication.primary;
        let seen = self.see(engine, &MemberId::Primary, findings)?;
        if let Some(manager) = &seen.instance.manager {
            findings.push(findings::managed(self.replication, member, manager));
            return None;
        }
        match (&seen.instance.server, seen.instance.role) {
            (ServerState::Running, Some(Role::Primary)) => Some(seen),
            (ServerState::Running, Some(Role::Replica)) => {
                if let Some(finding) = engine.elected(self.replication, seen.instance) {
                    findings.push(finding);
                    return Some(seen);
                }
                findings.push(findings::primary_is_replica(
                    self.replication,
                    seen.instance,
                ));
                None
            }
            (state, _) => {
                findings.push(findings::primary_not_running(
                    self.replication,
                    engine.title(),
                    state,
                ));
                None
            }
        }
    }

    fn see(&self, engine: &dyn Engine, id: &MemberId, findings: &mut Findings) -> Option<Seen<'a>> {
        self.see_member(engine, id, self.replication.member(id)?, findings)
    }

    fn see_member(
        &self,
        engine: &dyn Engine,
        id: &MemberId,
        member: &Member,
        findings: &mut Findings,
    ) -> Option<Seen<'a>> {
        match self.observation.machines.get(&member.machine) {
            Some(MachineObservation::Reached(facts)) => {
                match facts.instance(engine.name(), member.instance.port) {
                    Some(instance) => Some(Seen { facts, instance }),
                    None => {
                        findings.push(findings::not_observed(self.replication, member));
                        None
                    }
                }
            }
            Some(MachineObservation::Unreachable { message, .. }) => {
                findings.push(findings::unreachable(self.replication, id, member, message));
                None
            }
            None => {
                findings.push(findings::not_observed(self.replication, member));
                None
            }
        }
    }

    fn assess(
        &self,
        engine: &dyn Engine,
        primary: Seen<'a>,
        replica: &'a Replica,
        before: &[Assessed<'a>],
        findings: &mut Findings,
    ) -> Assessed<'a> {
        let id = MemberId::Replica(replica.name.clone());
        let included = self.options.includes(&self.replication.name, &replica.name);
        let assessed = |known, relation, intent| Assessed {
            replica,
            known,
            relation,
            intent,
            copied: None,
        };
        let mut quiet = Findings::default();
        let Some(seen) = self.see(engine, &id, if included { findings } else { &mut quiet }) else {
            let relation = Relation::Unreachable("its host can't be reached".to_owned());
            return assessed(None, relation, Intent::Leave);
        };
        let marker = self.marker_of(seen.facts, &replica.member);
        let wanted = self.wanted_marker(&id, marker.as_ref(), &[]);
        let known = Known {
            seen,
            marker,
            wanted,
        };
        let upstream = match self.upstream(engine, primary, replica, before) {
            Ok(upstream) => upstream,
            Err(why) => {
                let relation = Relation::Unreachable(why);
                if included {
                    self.judge(replica, &known, &relation, findings);
                }
                return assessed(Some(known), relation, Intent::Leave);
            }
        };
        let absent = Relation::Absent;
        let end = |wanted| End {
            member: self.replication.upstream(replica),
            seen: upstream,
            prepared: None,
            wanted,
            primary,
            primary_wanted: wanted,
        };
        let mut relation =
            engine.relation(&self.link(replica, &known, &absent, end(&known.wanted)));
        if relation == Relation::Linked && known.marker.is_none() {
            relation = Relation::Unmanaged;
        }
        if !included {
            return assessed(Some(known), relation, Intent::Leave);
        }
        let follows = relation.stands() || matches!(relation, Relation::Disconnected(_));
        if follows && self.options.replaced(&self.replication.name, &replica.name) {
            relation = Relation::Broken("is to be copied anew (-replace)".to_owned());
        }
        let intent = self.judge(replica, &known, &relation, findings);
        let copied = intent
            .links()
            .then(|| engine.copied(&self.link(replica, &known, &relation, end(&known.wanted))))
            .flatten()
            .map(Box::new);
        Assessed {
            copied,
            ..assessed(Some(known), relation, intent)
        }
    }

    /// Whether the replicas of this engine may read from one another; where not, every link is looked at as one to the primary.
    fn upstream_id(&self, engine: &dyn Engine, replica: &Replica) -> MemberId {
        match engine.cascade_refused() {
            None => MemberId::from(&replica.upstream),
            Some(_) => MemberId::Primary,
        }
    }

    /// Whom a replica reads from, as it was seen or as this plan's copy will make it; or why nothing can be planned with it.
    fn upstream<'b>(
        &self,
        engine: &dyn Engine,
        primary: Seen<'b>,
        replica: &Replica,
        all: &'b [Assessed<'b>],
    ) -> Result<Seen<'b>, String> {
        let MemberId::Replica(name) = self.upstream_id(engine, replica) else {
            return Ok(primary);
        };
        let found = all.iter().find(|one| one.replica.name == name);
        let known = found.and_then(|one| Some((one, one.known.as_ref()?)));
        let Some((one, known)) = known else {
            return Err(format!(
                "its upstream, replica \"{name}\", can't be looked at"
            ));
        };
        if !one.is_or_will_be_linked() {
            return Err(format!(
                "its upstream, replica \"{name}\", isn't linked, and nothing here links it"
            ));
        }
        Ok(Seen {
            facts: known.seen.facts,
            instance: one.copied.as_deref().unwrap_or(known.seen.instance),
        })
    }

    /// The other end of a replica's link, as this plan makes it.
    fn end<'b>(
        &self,
        engine: &dyn Engine,
        primary: Seen<'b>,
        replica: &'b Replica,
        all: &'b [Assessed<'b>],
        sources: &'b Sources,
    ) -> Option<End<'b>>
    where
        'a: 'b,
    {
        let source = sources.get(&self.upstream_id(engine, replica))?;
        Some(End {
            member: self.replication.upstream(replica),
            seen: self.upstream(engine, primary, replica, all).ok()?,
            prepared: source.prepared.as_ref(),
            wanted: &source.wanted,
            primary,
            primary_wanted: &sources.get(&MemberId::Primary)?.wanted,
        })
    }

    /// What is to be done with a replica that was seen and is to be planned, and what must be said of it.
    fn judge(
        &self,
        replica: &Replica,
        known: &Known<'_>,
        relation: &Relation,
        findings: &mut Findings,
    ) -> Intent {
        let (replication, member) = (self.replication, &replica.member);
        let instance = known.seen.instance;
        if let Some(manager) = &instance.manager {
            findings.push(findings::managed(replication, member, manager));
            return Intent::Leave;
        }
        let not_built = engines::engine(&replication.engine.0)
            .and_then(|engine| findings::link_not_built(engine, replication, replica));
        let blocked = not_built.is_some();
        findings.extend(not_built);
        findings.extend(findings::relation(
            replication,
            replica,
            instance,
            relation,
            self.options,
        ));
        let claims = markers::claims(
            known.seen.facts,
            &self.topology.name,
            replication,
            member.instance.port,
        );
        findings.extend(findings::claimed(replication, member, &claims, |_| {
            relation.stands() || matches!(relation, Relation::Elsewhere(_))
        }));
        let marker = known.marker.as_ref();
        let stale = marker.is_some_and(|found| *found != *known.wanted);
        if blocked {
            Intent::Leave
        } else {
            intent(relation, stale)
        }
    }

    fn marker_of(&self, facts: &Facts, member: &Member) -> Option<Marker> {
        let port = member.instance.port;
        markers::found(facts, &self.topology.name, self.replication, port)
    }

    fn link<'b>(
        &'b self,
        replica: &'b Replica,
        known: &'b Known<'b>,
        relation: &'b Relation,
        end: End<'b>,
    ) -> Link<'b> {
        Link {
            topology: self.topology,
            options: self.options,
            observation: self.observation,
            replication: self.replication,
            replica,
            upstream: end.member,
            facts: known.seen.facts,
            instance: known.seen.instance,
            upstream_facts: end.seen.facts,
            upstream_instance: end.seen.instance,
            primary_instance: end.primary.instance,
            marker: known.marker.as_ref(),
            relation,
            prepared: end.prepared,
            wanted_marker: &known.wanted,
            wanted_upstream_marker: end.wanted,
            wanted_primary_marker: end.primary_wanted,
        }
    }

    /// The marker a member is to carry: what the configuration says, with the settings that were changed earlier kept.
    /// `parting`: replicas that the primary still names.
    fn wanted_marker(
        &self,
        id: &MemberId,
        found: Option<&Marker>,
        parting: &[Replica],
    ) -> WantedMarker {
        let settings = found
            .map(|marker| marker.settings.clone())
            .unwrap_or_default();
        let engine = engines::engine(&self.replication.engine.0);
        let here = |replica: &&Replica| match (id, engine) {
            (MemberId::Primary, _) => true,
            (MemberId::Replica(_), Some(engine)) if parting.is_empty() => {
                self.upstream_id(engine, replica) == *id
            }
            (MemberId::Replica(_), _) => false,
        };
        let replicas = self.replication.replicas.iter().chain(parting).filter(here);
        let objects = replicas
            .map(|replica| engines::account_of(self.replication, replica))
            .filter(|account| !account.is_empty())
            .collect();
        let wanted = markers::naming(
            self.topology,
            self.replication,
            id,
            parting,
            objects,
            settings,
        );
        let mut former = self.topology.former.replications.iter();
        if !former.any(|one| one.name == self.replication.name) {
            return wanted;
        }
        // Of a replication that left the page only its marker knows which apps go on with the primary's address.
        match (id, found) {
            (MemberId::Primary, Some(found)) => Marker {
                env_targets: found.env_targets.clone(),
                ..(*wanted).clone()
            }
            .into(),
            _ => wanted,
        }
    }

    fn upstreams<'b>(
        &'b self,
        primary: Seen<'b>,
        marker: Option<&'b Marker>,
        new: &'b [&'b Replica],
        standing: &'b [&'b Replica],
        wanted_marker: &'b WantedMarker,
    ) -> Upstreams<'b> {
        Upstreams {
            topology: self.topology,
            options: self.options,
            observation: self.observation,
            replication: self.replication,
            id: &MemberId::Primary,
            member: &self.replication.primary,
            facts: primary.facts,
            instance: primary.instance,
            new,
            standing,
            marker,
            wanted_marker,
        }
    }

    /// The steps that make the primary ready, and the marker that it is to carry then.
    fn primary_steps(
        &self,
        engine: &dyn Engine,
        primary: Seen<'_>,
        marker: Option<&Marker>,
        assessed: &[Assessed<'_>],
        former: &[Gone<'_>],
        findings: &mut Findings,
    ) -> (Vec<Step>, WantedMarker) {
        let (new, standing) = self.split(engine, assessed, &MemberId::Primary);
        let parting: Vec<Replica> = former.iter().map(|one| one.replica.clone()).collect();
        let bare = self.wanted_marker(&MemberId::Primary, marker, &parting);
        // Nothing is made for replicas where none is wanted.
        if self.replication.replicas.is_empty() {
            return (Vec::new(), bare);
        }
        let changes =
            engine.setting_changes(&self.upstreams(primary, marker, &new, &standing, &bare));
        let wanted = bare.with_changes(changes);
        let upstreams = self.upstreams(primary, marker, &new, &standing, &wanted);
        findings.extend(engine.check_upstream(&upstreams));
        (engine.prepare(&upstreams), wanted)
    }

    /// The links from a member that are made, and those that stand.
    fn split<'b>(
        &self,
        engine: &dyn Engine,
        assessed: &[Assessed<'b>],
        upstream: &MemberId,
    ) -> (Vec<&'b Replica>, Vec<&'b Replica>) {
        let of = |linking: bool| {
            assessed
                .iter()
                .filter(|one| one.intent.links() == linking)
                .filter(|one| linking || one.relation.stands())
                .map(|one| one.replica)
                .filter(|replica| self.upstream_id(engine, replica) == *upstream)
                .collect()
        };
        (of(true), of(false))
    }

    /// A replica that others read from is made ready for them, after its own steps, of which `last` is the last.
    fn source(
        &self,
        engine: &dyn Engine,
        one: &Assessed<'_>,
        last: Option<StepId>,
        assessed: &[Assessed<'_>],
        findings: &mut Findings,
    ) -> (Vec<Step>, Source) {
        let id = MemberId::Replica(one.replica.name.clone());
        let (new, standing) = self.split(engine, assessed, &id);
        let marker = one.known.as_ref().and_then(|known| known.marker.as_ref());
        let bare = self.wanted_marker(&id, marker, &[]);
        let included = self
            .options
            .includes(&self.replication.name, &one.replica.name);
        let reads = !new.is_empty() || (included && !standing.is_empty());
        let (Some(known), true, true) = (&one.known, reads, one.is_or_will_be_linked()) else {
            let source = Source {
                prepared: last,
                wanted: bare,
            };
            return (Vec::new(), source);
        };
        let upstreams = |wanted_marker| Upstreams {
            topology: self.topology,
            options: self.options,
            observation: self.observation,
            replication: self.replication,
            id: &id,
            member: &one.replica.member,
            facts: known.seen.facts,
            instance: one.copied.as_deref().unwrap_or(known.seen.instance),
            new: &new,
            standing: &standing,
            marker,
            wanted_marker,
        };
        let changes = engine.setting_changes(&upstreams(&bare));
        let wanted = self.wanted_marker(&id, marker, &[]).with_changes(changes);
        findings.extend(engine.check_upstream(&upstreams(&wanted)));
        let mut steps = engine.prepare(&upstreams(&wanted));
        for step in &mut steps {
            step.needs.extend(last.iter().cloned());
        }
        let prepared = steps.last().map(|step| step.id.clone()).or(last);
        (steps, Source { prepared, wanted })
    }

    /// What members keep for a replica that reads from another now is taken away when its link is proved.
    fn sweep(
        &self,
        engine: &dyn Engine,
        primary: Seen<'_>,
        assessed: &[Assessed<'_>],
        former: &[Gone<'_>],
        sources: &Sources,
        steps: &mut Vec<Step>,
    ) {
        let replication = self.replication;
        for one in assessed.iter().filter(|one| one.is_or_will_be_linked()) {
            let replica = one.replica;
            let (Some(known), true) = (
                &one.known,
                self.options.includes(&replication.name, &replica.name),
            ) else {
                continue;
            };
            // A name that a server gave up and another got is the other's now.
            let account = |replica| engines::account_of(replication, replica);
            if former
                .iter()
                .any(|gone| account(gone.replica) == account(replica))
            {
                continue;
            }
            let Some(end) = self.end(engine, primary, replica, assessed, sources) else {
                continue;
            };
            let others = assessed.iter().map(|one| (one.replica, one.known.as_ref()));
            // One that is given up is asked nothing, and what is seen of it is none of it.
            let seen = |one: &&Gone<'_>| !matches!(one.relation, Relation::Unreachable(_));
            let gone = former.iter().filter(seen);
            let gone = gone.map(|one| (one.replica, one.known.as_ref()));
            let holders: Vec<(&Member, &Instance)> = others
                .chain(gone)
                .filter_map(|(other, known)| Some((&other.member, known?.seen.instance)))
                .chain([(&replication.primary, primary.instance)])
                .filter(|(member, _)| *member != end.member && *member != &replica.member)
                .collect();
            let Some(mut step) =
                engine.sweep(&self.link(replica, known, &one.relation, end), &holders)
            else {
                continue;
            };
            let own = steps.iter().filter(|other| other.member == step.member);
            step.needs.extend(own.map(|other| other.id.clone()));
            steps.push(step);
        }
    }

    fn replica_steps(
        &self,
        engine: &dyn Engine,
        primary: Seen<'_>,
        one: &Assessed<'_>,
        assessed: &[Assessed<'_>],
        sources: &Sources,
        findings: &mut Findings,
    ) -> Vec<Step> {
        let Some(known) = &one.known else {
            return Vec::new();
        };
        let Some(end) = self.end(engine, primary, one.replica, assessed, sources) else {
            return Vec::new();
        };
        let link = self.link(one.replica, known, &one.relation, end);
        let included = self
            .options
            .includes(&self.replication.name, &one.replica.name);
        match one.intent {
            Intent::Leave if one.relation == Relation::Linked && included => {
                findings.extend(engine.check_standing(&link));
                engine.keep(&link)
            }
            Intent::Leave => Vec::new(),
            Intent::Adopt => {
                findings.extend(engine.check_standing(&link));
                let mut steps = engine.keep(&link);
                steps.push(adopt::step(
                    self.replication,
                    &MemberId::Replica(one.replica.name.clone()),
                    &one.replica.member,
                    &known.wanted,
                    known.marker.is_some(),
                ));
                steps
            }
            Intent::Seed => {
                findings.extend(engine.check_link(&link));
                findings.extend(findings::general_checks(&link, true));
                let steps = engine.seed(&link);
                findings.extend(findings::other_jobs(&link, &steps));
                steps
            }
            Intent::Reconnect => {
                findings.extend(engine.check_link(&link));
                findings.extend(findings::general_checks(&link, false));
                engine.reconnect(&link)
            }
        }
    }

    /// What the engine does when every link is proved.
    fn finish(
        &self,
        engine: &dyn Engine,
        primary: Seen<'_>,
        marker: Option<&Marker>,
        wanted: &WantedMarker,
        assessed: &[Assessed<'_>],
        steps: &[Step],
    ) -> Vec<Step> {
        let (new, standing) = self.split(engine, assessed, &MemberId::Primary);
        let upstreams = self.upstreams(primary, marker, &new, &standing, wanted);
        let verified = ids_of(steps, StepKind::Verify);
        engine.finish(&upstreams, &verified)
    }

    /// The primary's marker, where no other step leaves it as it is to be: named is who is left. The last that is left is none.
    fn record_primary(
        &self,
        ends: &Ends<'_, '_>,
        assessed: &[Assessed<'_>],
        steps: &mut Vec<Step>,
    ) {
        let left = |one: &&Gone<'_>| !one.parts;
        let staying: Vec<Replica> = ends
            .former
            .iter()
            .filter(left)
            .map(|one| one.replica.clone())
            .collect();
        let parts = staying.len() < ends.former.len();
        let none_left = self.replication.replicas.is_empty() && staying.is_empty();
        if none_left && (ends.marker.is_some() || parts) {
            if self.options.includes_whole(&self.replication.name) {
                self.retire(ends, steps);
            }
            return;
        }
        let written = steps.iter().any(|step| match step.kind {
            StepKind::Account => true,
            // One on a replica that others read from leaves the primary's marker alone; where none do, the engine says whose it writes.
            StepKind::Configure => {
                step.member == Some(MemberId::Primary) || ends.engine.cascade_refused().is_some()
            }
            _ => false,
        });
        let stands = assessed
            .iter()
            .any(|one| !one.intent.links() && one.relation.stands());
        let settled = self.wanted_marker(&MemberId::Primary, Some(ends.wanted), &staying);
        let as_wanted = ends.marker == Some(&*settled);
        if parts || (!written && !as_wanted && stands) {
            let mut step = adopt::step(
                self.replication,
                &MemberId::Primary,
                &self.replication.primary,
                &settled,
                ends.marker.is_some(),
            );
            // It names who parts until that is done.
            step.needs.extend(ids_of(steps, StepKind::Cleanup));
            if parts {
                step.needs.extend(ids_of(steps, StepKind::Account));
                step.needs.extend(ids_of(steps, StepKind::Configure));
                steps.push(step);
            } else {
                let apps = steps.iter().position(|step| step.kind == StepKind::Env);
                steps.insert(apps.unwrap_or(steps.len()), step);
            }
        }
    }

    /// The primary becomes an ordinary server.
    fn retire(&self, ends: &Ends<'_, '_>, steps: &mut Vec<Step>) {
        let upstreams = self.upstreams(ends.primary, ends.marker, &[], &[], ends.wanted);
        let retirement = ends.engine.retire(
            &upstreams,
            self.keep_address(ends, &self.replication.primary),
        );
        let mut needs = ids_of(steps, StepKind::Cleanup);
        needs.extend(ids_of(steps, StepKind::Env));
        steps.push(engines::steps::retire(&upstreams, retirement, needs));
    }

    /// Whether apps on other hosts go on with a member's address: it must listen there as before. They were told the primary's;
    /// of replicas only the one that is nearest, where the primary is in another stack.
    fn keep_address(&self, ends: &Ends<'_, '_>, member: &Member) -> bool {
        let Some(marker) = ends.marker else {
            return false;
        };
        let own = format!("{} ", member.machine);
        let mut others = marker
            .env_targets
            .iter()
            .filter(|target| !target.starts_with(&own));
        if member == &self.replication.primary {
            return others.next().is_some();
        }
        let beside = |target: &String| {
            self.topology.apps.iter().any(|app| {
                let mut machines = app.machines.iter();
                app.id.stack == member.server.stack
                    && machines.any(|machine| target.starts_with(&format!("{machine} ")))
            })
        };
        member.server.stack != self.replication.primary.server.stack && others.any(beside)
    }

    /// The replicas that the configuration has no more, as far as they can be looked at.
    fn former(
        &self,
        engine: &dyn Engine,
        primary: Seen<'a>,
        assessed: &[Assessed<'a>],
        findings: &mut Findings,
    ) -> Vec<Gone<'a>> {
        let topology = self.topology;
        let name = &self.replication.name;
        topology
            .former_replicas(name)
            .iter()
            .filter_map(|replica| self.gone(engine, primary, replica, assessed, findings))
            .collect()
    }

    /// The replica, of those that stay or left, that an instance reads from.
    fn read_by(
        &self,
        engine: &dyn Engine,
        instance: &Instance,
        own: &Member,
    ) -> Option<(MemberId, &'a Member, Seen<'a>)> {
        let (replication, topology) = (self.replication, self.topology);
        let former = topology.former_replicas(&replication.name).iter();
        let replica =
            replication.replicas.iter().chain(former).find(|other| {
                other.member != *own && cascade::reads_from(instance, &other.member)
            })?;
        let id = MemberId::Replica(replica.name.clone());
        let mut quiet = Findings::default();
        let seen = self.see_member(engine, &id, &replica.member, &mut quiet)?;
        Some((id, &replica.member, seen))
    }

    /// `None`: nothing is left of it.
    fn gone(
        &self,
        engine: &dyn Engine,
        primary: Seen<'a>,
        replica: &'a Replica,
        assessed: &[Assessed<'a>],
        findings: &mut Findings,
    ) -> Option<Gone<'a>> {
        let id = MemberId::Replica(replica.name.clone());
        let gone = |known: Option<Known<'a>>, relation, parts, stands| {
            let instance = known.as_ref().map(|known| known.seen.instance);
            Some(Gone {
                replica,
                upstream: instance.and_then(|own| self.read_by(engine, own, &replica.member)),
                known,
                relation,
                parts,
                stands,
            })
        };
        let included = self.options.includes(&self.replication.name, &replica.name);
        let mut quiet = Findings::default();
        let Some(seen) = self.see_member(engine, &id, &replica.member, &mut quiet) else {
            let why = self.unseen(&replica.member);
            let account = engines::account_of(self.replication, replica);
            let address = reach_key(&replica.member.address, replica.member.instance.port);
            let mut readers = primary.instance.downstreams.iter();
            if !readers.any(|reader| reader.name == account || reader.name == address) {
                findings.push(findings::former_forgotten(self.replication, replica));
                return None;
            }
            if !included {
                return gone(None, Relation::Unreachable(why), false, false);
            }
            let address = format!(
                "replication.{}.replica.{}",
                self.replication.name, replica.name
            );
            if !self.topology.removed.contains(&address) {
                findings.push(findings::former_unknown(self.replication, replica, &why));
                return gone(None, Relation::Unreachable(why), false, false);
            }
            findings.push(findings::given_up(self.replication, replica));
            // Nothing runs there, so nothing is asked of what is seen there: the primary stands for it.
            let known = Known {
                seen: primary,
                marker: None,
                wanted: self.wanted_marker(&id, None, std::slice::from_ref(replica)),
            };
            return gone(Some(known), Relation::Unreachable(why), true, false);
        };
        let marker = self.marker_of(seen.facts, &replica.member);
        let wanted = self.wanted_marker(&id, marker.as_ref(), std::slice::from_ref(replica));
        let known = Known {
            seen,
            marker,
            wanted,
        };
        let absent = Relation::Absent;
        let upstream = self
            .read_by(engine, seen.instance, &replica.member)
            .filter(|_| engine.cascade_refused().is_none());
        let (member, upstream) = upstream.map_or((&self.replication.primary, primary), |read| {
            (read.1, read.2)
        });
        let end = End {
            member,
            seen: upstream,
            prepared: None,
            wanted: &known.wanted,
            primary,
            primary_wanted: &known.wanted,
        };
        let relation = engine.relation(&self.link(replica, &known, &absent, end));
        if !included {
            return gone(Some(known), relation, false, false);
        }
        if let Some(reader) = self.reader_that_stays(seen.instance, replica, assessed) {
            let why = format!(
                "replica \"{reader}\" reads from it, and nothing here lets it read from another"
            );
            findings.push(findings::former_unknown(self.replication, replica, &why));
            return gone(Some(known), relation, false, false);
        }
        let (parts, stands) = match &relation {
            Relation::Linked
            | Relation::Unmanaged
            | Relation::Worn(_)
            | Relation::Disconnected(_)
            | Relation::Broken(_)
            | Relation::Diverged(_) => (true, true),
            // It takes writes already: what is left of ours there is taken away.
            Relation::ForeignData(_) => (true, known.marker.is_some()),
            Relation::Absent => (true, false),
            Relation::Elsewhere(why) => {
                findings.push(findings::former_elsewhere(self.replication, replica, why));
                (true, false)
            }
            Relation::Unreachable(why) => {
                findings.push(findings::former_unknown(self.replication, replica, why));
                (false, false)
            }
        };
        gone(Some(known), relation, parts, stands)
    }

    /// A replica of the configuration that reads from one that left it, and goes on to.
    fn reader_that_stays<'b>(
        &self,
        instance: &Instance,
        replica: &Replica,
        assessed: &'b [Assessed<'_>],
    ) -> Option<&'b str> {
        let reads = |one: &&Assessed<'_>| match &one.known {
            Some(known) => {
                !one.intent.links()
                    && one.replica.member != replica.member
                    && cascade::reads_from(known.seen.instance, &replica.member)
            }
            None => {
                let account = engines::account_of(self.replication, one.replica);
                let mut readers = instance.downstreams.iter();
                !account.is_empty() && readers.any(|reader| reader.name == account)
            }
        };
        let mut all = assessed.iter();
        all.find(reads).map(|one| one.replica.name.as_str())
    }

    /// Why a member could not be looked at.
    fn unseen(&self, member: &Member) -> String {
        match self.observation.machines.get(&member.machine) {
            Some(MachineObservation::Unreachable { message, .. }) => message.clone(),
            Some(MachineObservation::Reached(_)) | None => {
                "it is not in the observation".to_owned()
            }
        }
    }

    /// What the configuration has no more is taken apart: after the apps were told.
    fn part(&self, ends: &Ends<'_, 'a>, steps: &mut Vec<Step>, findings: &mut Findings) {
        for one in ends.former.iter().filter(|one| one.parts) {
            let Some(known) = &one.known else { continue };
            let Some(told) = ends.told else {
                findings.push(findings::former_unknown(
                    self.replication,
                    one.replica,
                    "not every app that may read from it can be told first",
                ));
                continue;
            };
            let upstream = one
                .upstream
                .as_ref()
                .filter(|_| ends.engine.cascade_refused().is_none());
            let source;
            let end = match upstream {
                None => End {
                    member: &self.replication.primary,
                    seen: ends.primary,
                    prepared: None,
                    wanted: ends.wanted,
                    primary: ends.primary,
                    primary_wanted: ends.wanted,
                },
                Some((id, member, seen)) => {
                    source = self.wanted_marker(id, None, &[]);
                    End {
                        member,
                        seen: *seen,
                        prepared: None,
                        wanted: &source,
                        primary: ends.primary,
                        primary_wanted: ends.wanted,
                    }
                }
            };
            let parting = Parting {
                link: self.link(one.replica, known, &one.relation, end),
                stands: one.stands,
                keep_address: self.keep_address(ends, &one.replica.member),
            };
            let Some(mut parted) = ends.engine.part(&parting) else {
                findings.push(findings::unlink_not_built(self.replication, one.replica));
                continue;
            };
            if !one.stands && known.marker.is_some() {
                parted.push(engines::steps::forget(&parting.link));
            }
            for step in &mut parted {
                step.needs.extend(told.iter().cloned());
            }
            steps.extend(parted);
        }
        self.readers_first(ends, steps);
    }

    /// Who reads from a replica that parts reads from another before, or parts before.
    fn readers_first(&self, ends: &Ends<'_, 'a>, steps: &mut [Step]) {
        let replicas = ends
            .assessed
            .iter()
            .map(|one| (one.replica, one.known.as_ref()));
        let gone = ends
            .former
            .iter()
            .map(|one| (one.replica, one.known.as_ref()));
        let readers: Vec<(&Replica, &Instance)> = replicas
            .chain(gone)
            .filter_map(|(replica, known)| Some((replica, known?.seen.instance)))
            .collect();
        let machine = |step: &Step, member: &Member| step.machine == member.machine;
        for one in ends.former.iter().filter(|one| one.parts) {
            let parted = &one.replica.member;
            let before: BTreeSet<StepId> = readers
                .iter()
                .filter(|(reader, _)| reader.member != *parted)
                .filter(|(_, instance)| cascade::reads_from(instance, parted))
                .flat_map(|(reader, _)| {
                    let id = Some(MemberId::Replica(reader.name.clone()));
                    let label = one.replica.name == reader.name;
                    steps.iter().filter(move |step| {
                        step.member == id && (!label || machine(step, &reader.member))
                    })
                })
                .filter(|step| !matches!(step.kind, StepKind::Env))
                .map(|step| step.id.clone())
                .collect();
            let unlink = steps.iter_mut().find(|step| {
                step.kind == StepKind::Unlink
                    && step.member == Some(MemberId::Replica(one.replica.name.clone()))
                    && machine(step, parted)
            });
            if let Some(unlink) = unlink {
                unlink.needs.extend(before);
            }
        }
    }

    /// Apps are told last, of replicas that are proved to follow: one that stands but is still catching up is verified before.
    /// Their steps; `None` where an app can't be looked at.
    fn env_steps(
        &self,
        engine: &dyn Engine,
        primary: Seen<'_>,
        assessed: &[Assessed<'_>],
        sources: &Sources,
        steps: &mut Vec<Step>,
        findings: &mut Findings,
    ) -> Option<BTreeSet<StepId>> {
        let mut proofs = BTreeMap::new();
        for one in assessed.iter().filter(|one| one.is_behind()) {
            let proof = self
                .end(engine, primary, one.replica, assessed, sources)
                .and_then(|end| self.proof(engine, one, end));
            proofs.insert(one.replica.name.as_str(), proof);
        }
        let (mut linked, mut unknown) = (BTreeSet::new(), BTreeSet::new());
        for one in assessed {
            let name = one.replica.name.as_str();
            let told = one.is_or_will_be_linked() && proofs.get(name) != Some(&None);
            if told { &mut linked } else { &mut unknown }.insert(name);
        }
        let found = || self.marker_of(primary.facts, &self.replication.primary);
        let told = match self.topology.apps.as_slice() {
            [] => Vec::new(),
            _ => found().map_or_else(Vec::new, |marker| marker.env_targets),
        };
        let wish = env::Wish {
            topology: self.topology,
            replication: self.replication,
            primary: Some(primary.instance),
            linked: &linked,
            unknown: &unknown,
            told: &told,
        };
        if env::steps(&wish, self.observation, &BTreeSet::new())
            .0
            .is_empty()
        {
            proofs.clear();
        }
        steps.extend(proofs.into_values().flatten());
        let mut verified = ids_of(steps, StepKind::Verify);
        verified.extend(ids_of(steps, StepKind::Promote));
        let (mut env_steps, mut env_findings) = env::steps(&wish, self.observation, &verified);
        let (releases, unreleased) = env::releases(&wish, self.observation);
        env_steps.extend(releases);
        env_findings.extend(unreleased);
        let told = env_steps.iter().map(|step| step.id.clone()).collect();
        let known = !env_findings
            .iter()
            .any(|finding| finding.severity == Severity::Unknown);
        steps.extend(env_steps);
        findings.extend(env_findings);
        known.then_some(told)
    }

    /// The proof that a standing link follows.
    fn proof(&self, engine: &dyn Engine, one: &Assessed<'_>, end: End<'_>) -> Option<Step> {
        let known = one.known.as_ref()?;
        let end = End {
            prepared: None,
            ..end
        };
        engine.verify(&self.link(one.replica, known, &one.relation, end))
    }
}

fn ids_of(steps: &[Step], kind: StepKind) -> BTreeSet<StepId> {
    steps
        .iter()
        .filter(|step| step.kind == kind)
        .map(|step| step.id.clone())
        .collect()
}
