//! Replicas that read from other replicas: their order, and who reads from whom.

use crate::observe::Instance;
use crate::topology::{Member, Replica, Upstream};

/// The replicas, each after the one that it reads from.
pub fn order(replicas: &[Replica]) -> Vec<&Replica> {
    let mut left: Vec<&Replica> = replicas.iter().collect();
    let mut ordered: Vec<&Replica> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |replica: &Replica| match &replica.upstream {
            Upstream::Primary => false,
            Upstream::Replica(name) => left.iter().any(|other| other.name == *name),
        };
        let (later, now): (Vec<_>, Vec<_>) = left.iter().partition(|replica| waits(replica));
        if now.is_empty() {
            // A cycle is an error of the configuration, told before.
            ordered.extend(later);
            return ordered;
        }
        ordered.extend(now);
        left = later;
    }
    ordered
}

/// Whether an instance reads from a member, by its settings or its connection.
pub fn reads_from(instance: &Instance, member: &Member) -> bool {
    instance.upstream.as_ref().is_some_and(|seen| {
        seen.port == member.instance.port
            && [&member.address, &member.public_address].contains(&&seen.host)
    })
}
