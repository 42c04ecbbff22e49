//! The ids that servers replicate under: derived from address and port, unique among all members. One that exists and is
//! unique is kept.

use std::collections::BTreeSet;

use openssl::sha::sha256;

use super::facts::MariaFacts;
use crate::engines::account_of;
use crate::observe::Observation;
use crate::topology::{Member, MemberId, Replication};

/// The id of a member; the same wish and the same observation give the same ids everywhere.
pub(super) fn of(replication: &Replication, observation: &Observation, wanted: &MemberId) -> u32 {
    let members: Vec<(MemberId, &Member)> = replication.members().collect();
    let seen: Vec<Option<u32>> = members
        .iter()
        .map(|(_, member)| seen(replication, observation, member))
        .collect();
    let mut taken: BTreeSet<u32> = seen.iter().flatten().copied().collect();
    taken.extend(strangers(replication, observation));
    let mut given = BTreeSet::new();
    for ((id, member), own) in members.iter().zip(&seen) {
        // The primary keeps its own; of replicas that share one, each gets another.
        let keeps = own.filter(|own| {
            let holders = seen.iter().flatten().filter(|other| *other == own).count();
            *id == MemberId::Primary || holders == 1 && !is_strange(replication, observation, *own)
        });
        let chosen = keeps.unwrap_or_else(|| {
            let free = |candidate: &u32| !taken.contains(candidate) && !given.contains(candidate);
            derived(&member.address, member.instance.port, free)
        });
        if id == wanted {
            return chosen;
        }
        given.insert(chosen);
    }
    0
}

/// The id that a member has now; 0 refuses replication and counts as none.
fn seen(replication: &Replication, observation: &Observation, member: &Member) -> Option<u32> {
    let facts = observation.facts(&member.machine)?;
    let instance = facts.instance(&replication.engine.0, member.instance.port)?;
    MariaFacts::of(instance)
        .ok()?
        .server_id()
        .filter(|id| *id != 0)
}

/// Ids of replicas of the primary that aren't members, as it lists them.
fn strangers(replication: &Replication, observation: &Observation) -> BTreeSet<u32> {
    let primary = &replication.primary;
    let members: BTreeSet<u32> = replication
        .members()
        .filter_map(|(_, member)| seen(replication, observation, member))
        .collect();
    let facts = observation
        .facts(&primary.machine)
        .and_then(|facts| facts.instance(&replication.engine.0, primary.instance.port))
        .and_then(|instance| MariaFacts::of(instance).ok());
    let Some(facts) = facts else {
        return BTreeSet::new();
    };
    let names: Vec<String> = replication
        .replicas
        .iter()
        .map(|replica| account_of(replication, replica))
        .collect();
    // The list keeps those that went away for a while: only who reads now, and not as one of ours, is a stranger.
    if facts.dumps.iter().all(|dump| names.contains(&dump.user)) {
        return BTreeSet::new();
    }
    facts
        .registered
        .keys()
        .copied()
        .filter(|id| !members.contains(id))
        .collect()
}

fn is_strange(replication: &Replication, observation: &Observation, id: u32) -> bool {
    strangers(replication, observation).contains(&id)
}

/// The first four bytes of SHA-256 of `ADDRESS:PORT`, and of `ADDRESS:PORT#1`, `#2`, … until one is free.
fn derived(address: &str, port: u16, free: impl Fn(&u32) -> bool) -> u32 {
    (0_u32..=u32::MAX)
        .map(|round| {
            let text = match round {
                0 => format!("{address}:{port}"),
                _ => format!("{address}:{port}#{round}"),
            };
            let digest = sha256(text.as_bytes());
            u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
        })
        .find(|id| *id > 1 && free(id))
        // 2^32 servers don't exist.
        .unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_are_stable_and_give_way() {
        let first = derived("10.0.0.11", 3306, |_| true);
        assert_eq!(first, derived("10.0.0.11", 3306, |_| true));
        assert_ne!(first, derived("10.0.0.12", 3306, |_| true));
        assert_ne!(first, derived("10.0.0.11", 3307, |_| true));
        let second = derived("10.0.0.11", 3306, |id| *id != first);
        assert!(second != first && second > 1);
    }
}
