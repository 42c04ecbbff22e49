//! The model says of its hosts what the probe said of real ones in the same state, as far as the planner decides by it.

use std::collections::BTreeMap;

use replform::engines::postgresql::PostgresFacts;
use replform::observe::{Instance, MachineObservation, Role, ServerState, Streaming};

use super::observe::observe;
use super::random::{Tape, topology, world};
use super::world::{Cluster, Copied, Directory, World};

/// What the planner decides by.
#[derive(Debug, PartialEq)]
struct Essence {
    server: ServerState,
    role: Option<Role>,
    identity: bool,
    position: bool,
    empty: Option<bool>,
    databases: bool,
    follows: Option<bool>,
    missing: Option<String>,
    signals: Vec<String>,
    copy_verified: bool,
    copy_beside: bool,
    conninfo: bool,
    passfile: bool,
    cluster: Option<String>,
}

fn essence(instance: &Instance) -> Essence {
    let facts = PostgresFacts::of(instance).unwrap();
    let data = instance.data.as_ref();
    Essence {
        server: instance.server.clone(),
        role: instance.role,
        identity: instance.identity.is_some(),
        position: instance.position.is_some(),
        empty: data.map(|data| data.empty),
        databases: data.is_some_and(|data| !data.databases.is_empty()),
        follows: instance
            .upstream
            .as_ref()
            .map(|seen| matches!(seen.streaming, Streaming::Yes | Streaming::CatchingUp)),
        missing: facts.missing.clone(),
        signals: facts.signals.clone(),
        copy_verified: facts.copy_verified,
        copy_beside: instance
            .set_aside
            .iter()
            .any(|one| one.path.ends_with(".replform-copy")),
        conninfo: facts.conninfo.is_some(),
        passfile: facts.passfile,
        cluster: facts.cluster.clone(),
    }
}

fn recorded(name: &str) -> Essence {
    let path = format!(
        "{}/testdata/observations/postgresql/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let all: BTreeMap<String, Instance> =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    essence(&all["postgresql:5432"])
}

/// One replica on 10.0.1.0 of the primary 10.0.0.0; `change` makes the replica's host what it is to be.
fn modelled(change: impl FnOnce(&mut World, &str)) -> Essence {
    let topology = topology(&mut Tape::new(&[0, 0, 1, 0]));
    let mut world = world(&mut Tape::new(&[]), &topology);
    let primary = world
        .hosts
        .get_mut("10.0.0.0")
        .unwrap()
        .clusters
        .get_mut(&5432)
        .unwrap();
    primary
        .in_force
        .insert("listen_addresses".to_owned(), "*".to_owned());
    change(&mut world, "10.0.1.0");
    match &observe(&world, &topology).machines[&topology.replications[0].replicas[0].member.machine]
    {
        MachineObservation::Reached(facts) => essence(&facts.instances["postgresql:5432"]),
        MachineObservation::Unreachable { .. } => panic!("the model's host can't be reached"),
    }
}

fn with(cluster: Cluster) -> Essence {
    modelled(|world, machine| {
        let host = world.hosts.get_mut(machine).unwrap();
        host.installed = true;
        host.clusters.insert(5432, cluster);
    })
}

fn settings(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn a_bare_host() {
    assert_eq!(modelled(|_, _| ()), recorded("not-installed"));
}

#[test]
fn a_fresh_cluster_that_is_stopped() {
    let data = Directory {
        empty: true,
        ..Directory::default()
    };
    assert_eq!(
        with(Cluster {
            data: Some(data),
            ..Cluster::default()
        }),
        recorded("fresh-stopped")
    );
}

#[test]
fn a_host_cut_off_between_the_two_renames() {
    let cut = Cluster {
        copy: Some(Copied {
            directory: Directory::default(),
            verified: true,
        }),
        passfile: Some(("replform_x0_r0".to_owned(), 1)),
        ..Cluster::default()
    };
    assert_eq!(with(cut), recorded("cut-between-renames"));
}

#[test]
fn a_replica_that_follows() {
    let role = "replform_x0_r0";
    let follows = modelled(|world, machine| {
        let primary = world
            .hosts
            .get_mut("10.0.0.0")
            .unwrap()
            .clusters
            .get_mut(&5432)
            .unwrap();
        primary.hba.insert(role.to_owned());
        primary.roles.insert(role.to_owned(), 1);
        primary.slots.insert(role.to_owned(), true);
        let data = Directory {
            standby: true,
            ..primary.data.clone().unwrap()
        };
        let files = settings(&[
            ("primary_conninfo", "host=10.0.0.0 port=5432"),
            ("primary_slot_name", role),
        ]);
        let host = world.hosts.get_mut(machine).unwrap();
        host.installed = true;
        let passfile = Some((role.to_owned(), 1));
        let mut cluster = Cluster {
            data: Some(data),
            drop_in: files,
            passfile,
            ..Cluster::default()
        };
        cluster.start();
        host.clusters.insert(5432, cluster);
    });
    assert_eq!(follows, recorded("replica"));
}

#[test]
fn a_replica_whose_log_is_gone() {
    let role = "replform_x0_r0";
    let gone = modelled(|world, machine| {
        let primary = world
            .hosts
            .get_mut("10.0.0.0")
            .unwrap()
            .clusters
            .get_mut(&5432)
            .unwrap();
        let data = Directory {
            standby: true,
            position: 1,
            ..primary.data.clone().unwrap()
        };
        primary.data.as_mut().unwrap().oldest = 5;
        primary.slots.insert(role.to_owned(), false);
        let files = settings(&[
            ("primary_conninfo", "host=10.0.0.0 port=5432"),
            ("primary_slot_name", role),
        ]);
        let host = world.hosts.get_mut(machine).unwrap();
        host.installed = true;
        let passfile = Some((role.to_owned(), 1));
        let mut cluster = Cluster {
            data: Some(data),
            drop_in: files,
            passfile,
            ..Cluster::default()
        };
        cluster.start();
        host.clusters.insert(5432, cluster);
    });
    assert_eq!(gone, recorded("wal-gone"));
}

#[test]
fn a_primary_that_is_stopped() {
    let data = Directory {
        precious: true,
        ..Directory::default()
    };
    assert_eq!(
        with(Cluster {
            data: Some(data),
            ..Cluster::default()
        }),
        recorded("stopped")
    );
}
