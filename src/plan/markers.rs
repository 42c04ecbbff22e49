//! Which marker each member is to carry, and which one it carries now.

use std::collections::BTreeMap;

use super::names::digest;
use super::{MARKER_FORMAT, Marker, MarkerMember, MarkerRole, SettingChange, WantedMarker, env};
use crate::observe::{Facts, MarkerFile};
use crate::topology::{Member, MemberId, Replica, Replication, Topology, Upstream};

/// The marker of this replication that a machine carries, where it is one that can be read.
pub fn found(
    facts: &Facts,
    topology: &str,
    replication: &Replication,
    port: u16,
) -> Option<Marker> {
    let file = Marker::file_name(topology, &replication.name, &replication.engine.0, port);
    match facts.markers.get(&file)? {
        MarkerFile::Read { content } => serde_json::from_value(content.clone()).ok(),
        MarkerFile::Damaged { .. } => None,
    }
}

/// Markers of other topologies or replications that claim an instance (its engine and port) on a machine.
pub fn claims<'a>(
    facts: &'a Facts,
    topology: &str,
    replication: &Replication,
    port: u16,
) -> Vec<Marker> {
    let read = |file: &'a MarkerFile| match file {
        MarkerFile::Read { content } => serde_json::from_value::<Marker>(content.clone()).ok(),
        MarkerFile::Damaged { .. } => None,
    };
    let own =
        |marker: &Marker| marker.topology == topology && marker.replication == replication.name;
    facts
        .markers
        .values()
        .filter_map(read)
        .filter(|marker| marker.engine == replication.engine.0 && marker.port == port)
        .filter(|marker| !own(marker))
        .collect()
}

/// The marker that a member is to carry. The primary's names every member and app; a replica's only the primary and itself.
pub fn wanted(
    topology: &Topology,
    replication: &Replication,
    id: &MemberId,
    objects: Vec<String>,
    settings: BTreeMap<String, SettingChange>,
) -> WantedMarker {
    naming(topology, replication, id, &[], objects, settings)
}

/// The same while replicas part: the primary names them still; one that parts names itself.
pub fn naming(
    topology: &Topology,
    replication: &Replication,
    id: &MemberId,
    parting: &[Replica],
    objects: Vec<String>,
    settings: BTreeMap<String, SettingChange>,
) -> WantedMarker {
    let own = match (id, parting) {
        // One that parts may have the label of one that stays.
        (MemberId::Replica(_), [replica]) => &replica.member,
        _ => replication.member(id).unwrap_or(&replication.primary),
    };
    let listed = |replica: &&Replica| match id {
        MemberId::Primary => true,
        MemberId::Replica(own) => replica.name == *own && parting.is_empty(),
    };
    let primary = entry(MemberId::Primary, &replication.primary, String::new());
    let members: Vec<MarkerMember> = std::iter::once(primary)
        .chain(replication.replicas.iter().filter(listed).map(of_replica))
        .chain(parting.iter().map(of_replica))
        .collect();
    let marker = Marker {
        format_version: MARKER_FORMAT.to_owned(),
        topology: topology.name.clone(),
        replication: replication.name.clone(),
        engine: replication.engine.0.clone(),
        role: match id {
            MemberId::Primary => MarkerRole::Primary,
            MemberId::Replica(_) => MarkerRole::Replica,
        },
        port: own.instance.port,
        env_targets: match id {
            MemberId::Primary => env_targets(topology, replication),
            MemberId::Replica(_) => Vec::new(),
        },
        env_hash: match id {
            MemberId::Primary => env::wish_hash(topology, replication),
            MemberId::Replica(_) => String::new(),
        },
        objects,
        settings,
        desired_hash: desired_hash(replication, &members),
        members,
    };
    marker.into()
}

fn of_replica(replica: &Replica) -> MarkerMember {
    let upstream = match &replica.upstream {
        Upstream::Primary => MemberId::Primary,
        Upstream::Replica(upstream) => MemberId::Replica(upstream.clone()),
    };
    let id = MemberId::Replica(replica.name.clone());
    MarkerMember {
        account: replica.account.clone().unwrap_or_default(),
        ..entry(id, &replica.member, upstream.to_string())
    }
}

fn entry(id: MemberId, member: &Member, upstream: String) -> MarkerMember {
    MarkerMember {
        name: id.to_string(),
        machine: member.machine.to_string(),
        address: member.address.clone(),
        port: member.instance.port,
        upstream,
        account: String::new(),
    }
}

fn env_targets(topology: &Topology, replication: &Replication) -> Vec<String> {
    let Some(env) = &replication.env else {
        return Vec::new();
    };
    env.targets
        .iter()
        .filter_map(|id| topology.app(id))
        .flat_map(|app| {
            app.machines
                .iter()
                .map(|machine| format!("{machine} {}", app.env_file))
        })
        .collect()
}

/// What is hashed must not change between versions of replform: markers that are right would look old.
fn desired_hash(replication: &Replication, members: &[MarkerMember]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|member| {
            let account = match member.account.as_str() {
                "" => String::new(),
                account => format!(", account: {account:?}"),
            };
            format!(
                "MarkerMember {{ name: {:?}, machine: {:?}, address: {:?}, port: {:?}, upstream: {:?}{account} }}",
                member.name, member.machine, member.address, member.port, member.upstream
            )
        })
        .collect();
    let text = format!(
        "{:?} {:?} {:?} [{}]",
        replication.tls,
        replication.retain,
        replication.max_lag,
        members.join(", ")
    );
    digest(text.as_bytes())[..16].to_owned()
}
