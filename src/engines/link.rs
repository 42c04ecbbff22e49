//! What an engine is given to plan with: a link's two ends, as wanted and as observed.

use super::account_of;
use crate::observe::{Facts, Instance, Observation};
use crate::plan::{Marker, Options, Relation, StepId, StepKind, WantedMarker};
use crate::topology::{Member, MemberId, Replica, Replication, Topology};

/// One link: a replica and its upstream, as wanted and as seen.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// The whole wish.
    pub topology: &'a Topology,
    /// What the command line adds.
    pub options: &'a Options,
    /// All that was seen.
    pub observation: &'a Observation,
    /// The replication.
    pub replication: &'a Replication,
    /// The replica.
    pub replica: &'a Replica,
    /// The member it reads from.
    pub upstream: &'a Member,
    /// What the replica's machine said.
    pub facts: &'a Facts,
    /// The replica's instance.
    pub instance: &'a Instance,
    /// What the upstream's machine said.
    pub upstream_facts: &'a Facts,
    /// The upstream's instance; where this plan makes the upstream's data a copy: as it will be then.
    pub upstream_instance: &'a Instance,
    /// The primary's instance.
    pub primary_instance: &'a Instance,
    /// The replica's marker of this replication, where there is one that can be read.
    pub marker: Option<&'a Marker>,
    /// How the link stands; [`Relation::Absent`] until the planner has asked.
    pub relation: &'a Relation,
    /// The step that must be done on the upstream before, when there is one.
    pub prepared: Option<&'a StepId>,
    /// The replica's marker as it is to be written.
    pub wanted_marker: &'a WantedMarker,
    /// The upstream's marker as it is to be written.
    pub wanted_upstream_marker: &'a WantedMarker,
    /// The primary's marker as it is to be written.
    pub wanted_primary_marker: &'a WantedMarker,
}

/// An upstream with all the links that are to be made from it.
#[derive(Clone, Copy, Debug)]
pub struct Upstreams<'a> {
    /// The whole wish.
    pub topology: &'a Topology,
    /// What the command line adds.
    pub options: &'a Options,
    /// All that was seen.
    pub observation: &'a Observation,
    /// The replication.
    pub replication: &'a Replication,
    /// Which member it is.
    pub id: &'a MemberId,
    /// The member.
    pub member: &'a Member,
    /// What its machine said.
    pub facts: &'a Facts,
    /// Its instance.
    pub instance: &'a Instance,
    /// The links from it that get a copy or are made anew.
    pub new: &'a [&'a Replica],
    /// The links from it that stand.
    pub standing: &'a [&'a Replica],
    /// Its marker, where there is one that can be read.
    pub marker: Option<&'a Marker>,
    /// Its marker as it is to be written.
    pub wanted_marker: &'a WantedMarker,
}

impl<'a> Upstreams<'a> {
    /// The addresses that this member must listen on for those that read from it: its own, and the public one for other stacks,
    /// where an interface of its machine has it (a router may hand what comes there on to its own).
    pub fn listening_addresses(&self) -> Vec<&'a str> {
        let mut addresses = vec![self.member.address.as_str()];
        let mut all = self.new.iter().chain(self.standing);
        let public = &self.member.public_address;
        if *public != self.member.address
            && self.facts.host.addresses.contains(public)
            && all.any(|replica| self.replication.crosses_stacks(replica))
        {
            addresses.push(public);
        }
        addresses
    }
}

impl Upstreams<'_> {
    /// The account that it logs in with at its own upstream; the primary has none.
    pub fn own_account(&self) -> String {
        let replica = match self.id {
            MemberId::Primary => None,
            MemberId::Replica(name) => self.replication.replica(name),
        };
        replica.map_or_else(String::new, |replica| account_of(self.replication, replica))
    }
}

impl Link<'_> {
    /// Whether it reads from another replica.
    pub fn cascades(&self) -> bool {
        *self.upstream != self.replication.primary
    }

    /// Whether a member of this replication, one that left it included, is at this address.
    pub fn is_member(&self, host: &str, port: u16) -> bool {
        let replication = self.replication;
        let former = self.topology.former_replicas(&replication.name).iter();
        let replicas = replication.replicas.iter().chain(former);
        let mut members = replicas
            .map(|replica| &replica.member)
            .chain([&replication.primary]);
        members.any(|member| {
            member.instance.port == port
                && [member.address.as_str(), member.public_address.as_str()].contains(&host)
        })
    }

    /// The address that the upstream must listen on for this link; `None`: no interface of its machine has it, so another machine
    /// hands on what comes there.
    pub fn listens_at(&self) -> Option<&str> {
        let (own, dialled) = (&self.upstream.address, self.upstream_address());
        let mut interfaces = self.upstream_facts.host.addresses.iter();
        (dialled == own || interfaces.any(|one| one == dialled)).then_some(dialled)
    }

    /// Whether both ends of it prove themselves.
    pub fn verifies(&self) -> bool {
        self.replication.verifies(self.replica)
    }

    /// The address at which the replica reaches its upstream: the inner one within a stack, else the public one.
    pub fn upstream_address(&self) -> &str {
        if self.replica.member.server.stack == self.upstream.server.stack {
            &self.upstream.address
        } else {
            &self.upstream.public_address
        }
    }

    /// The address that the upstream sees the replica come from.
    pub fn replica_address(&self) -> &str {
        if self.replica.member.server.stack == self.upstream.server.stack {
            &self.replica.member.address
        } else {
            &self.replica.member.public_address
        }
    }

    /// The id of this link's step of a kind.
    pub fn step(&self, kind: StepKind) -> StepId {
        StepId(format!(
            "{}.{}.{}",
            self.replication.name,
            self.replica.name,
            kind.word()
        ))
    }
}

/// A replica that is no longer wanted.
#[derive(Clone, Copy, Debug)]
pub struct Parting<'a> {
    /// The link that it had.
    pub link: Link<'a>,
    /// Whether its server is there and a part of this replication still: what makes it standalone runs on it.
    pub stands: bool,
    /// Whether apps go on with its address: what it listens on stays.
    pub keep_address: bool,
}

impl Parting<'_> {
    /// The accounts that replform made for this replication: a copy of the data has them too.
    pub fn accounts(&self) -> Vec<String> {
        self.link.wanted_primary_marker.objects.clone()
    }
}
