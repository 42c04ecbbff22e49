//! What the probe and its decoding would say of a model world.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use replform::engines::postgresql::{
    ControlFile, DatabaseFacts, Lsn, People, PostgresFacts, ReplicationRole, Sender, Setting, Slot,
};
use replform::observe::{
    Authority, Data, Database, Disk, Downstream, EnvFile, Facts, HostFacts, Instance,
    Job as SeenJob, JobState, MachineObservation, Manager, MarkerFile, OBSERVATION_FORMAT,
    Observation, OutsideName, Position, ProbeRequest, Reach, Role, ServerState, SetAside,
    Streaming, TlsFiles, UpstreamSeen, reach_key, requests,
};
use replform::topology::{Bytes, MachineId, Topology};

use super::world::{Cluster, Host, Job, SEGMENT, World};

/// The settings of a real server as it was recorded; the model changes some of them.
fn recorded_settings() -> &'static BTreeMap<String, Setting> {
    static SETTINGS: OnceLock<BTreeMap<String, Setting>> = OnceLock::new();
    SETTINGS.get_or_init(|| {
        let text = include_str!("../../testdata/observations/postgresql/primary.json");
        let all: BTreeMap<String, Instance> = serde_json::from_str(text).unwrap();
        let facts = PostgresFacts::of(all.values().next().unwrap()).unwrap();
        let mut settings = facts.settings.clone();
        // Before replform has been there.
        for (name, value) in [
            ("listen_addresses", "localhost"),
            ("max_slot_wal_keep_size", "-1"),
            ("wal_log_hints", "off"),
        ] {
            settings.get_mut(name).unwrap().value = value.to_owned();
        }
        settings
    })
}

/// The observation of all machines of a topology.
pub fn observe(world: &World, topology: &Topology) -> Observation {
    let machines = requests(topology)
        .into_iter()
        .map(|(id, request)| {
            let seen = machine(world, &id, &request);
            (id, seen)
        })
        .collect();
    Observation {
        format_version: OBSERVATION_FORMAT.to_owned(),
        replform: "0.1.0".to_owned(),
        topology: topology.name.clone(),
        observed_at: "2026-11-24T08:00:00Z".to_owned(),
        machines,
    }
}

pub fn machine(world: &World, id: &MachineId, request: &ProbeRequest) -> MachineObservation {
    let Some(host) = world.hosts.get(&id.0) else {
        return MachineObservation::Unreachable {
            reason: "timed_out".to_owned(),
            message: "no answer in 10 s".to_owned(),
        };
    };
    if let Some(message) = &host.unreachable {
        return MachineObservation::Unreachable {
            reason: "refused".to_owned(),
            message: message.clone(),
        };
    }
    let ports = request.engines.get("postgresql").into_iter().flatten();
    MachineObservation::Reached(Box::new(Facts {
        host: host_facts(id, host),
        instances: ports
            .map(|port| {
                (
                    format!("postgresql:{port}"),
                    Box::new(instance(world, id, host, *port)),
                )
            })
            .collect(),
        markers: host
            .markers
            .iter()
            .map(|(name, content)| {
                (
                    name.clone(),
                    MarkerFile::Read {
                        content: content.clone(),
                    },
                )
            })
            .collect(),
        jobs: host
            .jobs
            .iter()
            .map(|(name, job)| (format!("{name}.0a1b2c3d"), seen_job(host, name, *job)))
            .collect(),
        locks: Vec::new(),
        tls: host
            .tls
            .iter()
            .map(|(folder, files)| (folder.clone(), tls_files(files)))
            .collect(),
        reach: request
            .reach
            .iter()
            .map(|(address, port)| {
                (
                    reach_key(address, *port),
                    reach(world, &id.0, address, *port),
                )
            })
            .collect(),
        env: request
            .env
            .keys()
            .map(|path| (path.clone(), env_file(host, path)))
            .collect(),
    }))
}

fn tls_files(files: &super::world::Tls) -> TlsFiles {
    let year = 365 * 86_400;
    let certificate = files.certificate.clone().unwrap_or_default();
    TlsFiles {
        seen_at: 0,
        authority: files.authority.map(|key| Authority {
            key: key.to_string(),
            expires_at: 9 * year,
        }),
        place: files.place.clone(),
        missing: Vec::new(),
        trusts: certificate.authority.to_string(),
        expires_at: files.certificate.as_ref().map(|_| 2 * year),
        trusted: true,
        key_fits: true,
        subject: certificate.subject,
        names: certificate.names,
    }
}

fn host_facts(id: &MachineId, host: &Host) -> HostFacts {
    let disk = Disk {
        free: Bytes(host.disk_free),
        size: Bytes(100_000_000_000),
    };
    HostFacts {
        os: "debian 12".to_owned(),
        architecture: "x86_64".to_owned(),
        libc: host.libc.clone(),
        hostname: id.0.clone(),
        memory_total: Bytes(host.memory),
        memory_available: Bytes(host.memory / 2),
        clock_offset_ms: Some(0),
        clock_doubt_ms: 5,
        boot_id: "0".to_owned(),
        systemd: true,
        root: true,
        probe_ms: 30,
        disks: BTreeMap::from([("/".to_owned(), disk)]),
        addresses: Vec::new(),
    }
}

fn seen_job(host: &Host, name: &str, job: Job) -> SeenJob {
    SeenJob {
        name: name.to_owned(),
        id: "0a1b2c3d".to_owned(),
        arguments_hash: host.job_identities.get(name).cloned().unwrap_or_default(),
        state: match job {
            Job::Running => JobState::Running,
            Job::Ended => JobState::Ended { code: 0 },
            Job::Unknown => JobState::Unknown,
        },
        done: None,
        total: None,
        age_seconds: 60,
    }
}

fn reach(world: &World, from: &str, address: &str, port: u16) -> Reach {
    if !world.open(from, address) {
        return Reach::TimedOut;
    }
    let listens = world
        .cluster(address, port)
        .is_some_and(|cluster| cluster.running && cluster.listens(address));
    if listens { Reach::Open } else { Reach::Refused }
}

fn env_file(host: &Host, path: &str) -> EnvFile {
    let file = host.env.get(path);
    EnvFile {
        exists: file.is_some(),
        directory_exists: true,
        unreadable: None,
        blocks: file.map(|file| file.blocks.clone()).unwrap_or_default(),
        outside: file
            .into_iter()
            .flat_map(|file| &file.outside)
            .map(|(line, name)| OutsideName {
                name: name.clone(),
                line: *line,
            })
            .collect(),
        pending: file
            .into_iter()
            .flat_map(|file| file.pending.clone())
            .collect(),
    }
}

fn bare(port: u16, server: ServerState, installable: Vec<(String, String)>) -> Instance {
    Instance {
        engine: "postgresql".to_owned(),
        port,
        server,
        version: None,
        installable,
        role: None,
        manager: None,
        identity: None,
        position: None,
        data: None,
        set_aside: Vec::new(),
        upstream: None,
        downstreams: Vec::new(),
        details: serde_json::to_value(PostgresFacts {
            libc: "glibc 2.36".to_owned(),
            ..PostgresFacts::default()
        })
        .unwrap()
        .into(),
    }
}

fn instance(world: &World, id: &MachineId, host: &Host, port: u16) -> Instance {
    if !host.installed {
        return bare(port, ServerState::NotInstalled, host.installable.clone());
    }
    let Some(cluster) = host.clusters.get(&port) else {
        let mut instance = bare(port, ServerState::NoInstance, Vec::new());
        instance.version = Some("15.18".to_owned());
        return instance;
    };
    let data = cluster.data.as_ref();
    let standby = data.is_some_and(|data| data.standby);
    let role = data.map(|_| {
        if standby {
            Role::Replica
        } else {
            Role::Primary
        }
    });
    let facts = facts(world, id, cluster, port);
    let streaming = world.follows(&id.0, port);
    let named = match cluster.running {
        true => world.upstream_of(&id.0, port),
        false => cluster
            .drop_in
            .get("primary_conninfo")
            .and_then(|text| replform::engines::postgresql::host_and_port(text)),
    };
    let offset = data.map(|data| data.position * SEGMENT);
    Instance {
        engine: "postgresql".to_owned(),
        port,
        server: match cluster.running {
            true => ServerState::Running,
            false => ServerState::Stopped {
                clean: data.is_some(),
            },
        },
        version: Some(cluster.version.clone()),
        installable: Vec::new(),
        role,
        manager: cluster.manager.as_ref().map(|name| Manager {
            name: name.clone(),
            evidence: "its process runs".to_owned(),
        }),
        identity: data.map(|data| data.set.to_string()),
        position: data.zip(offset).map(|(data, offset)| Position {
            history: data.timeline.to_string(),
            text: Lsn(offset).to_string(),
            offset: Some(offset),
        }),
        data: Some(seen_data(host, cluster)),
        set_aside: aside(cluster),
        upstream: named.filter(|_| standby).map(|(host, port)| UpstreamSeen {
            host,
            port,
            streaming: match streaming {
                Ok(_) => Streaming::Yes,
                Err(why) => Streaming::No { why },
            },
            lag_seconds: Some(0.0),
        }),
        downstreams: downstreams(world, id, cluster, port),
        details: serde_json::to_value(facts).unwrap().into(),
    }
}

/// Where a cluster's data lies.
pub fn directory(cluster: &Cluster) -> String {
    format!("/var/lib/postgresql/{}", cluster.name)
}

fn seen_data(host: &Host, cluster: &Cluster) -> Data {
    let data = cluster.data.as_ref();
    let bytes = data.map_or(0, |data| data.bytes);
    let full = data.is_some_and(|data| !data.empty);
    let empty = data.is_none_or(|data| data.empty && !data.standby);
    let database = Database {
        name: "shop".to_owned(),
        bytes: Bytes(bytes / 2),
    };
    Data {
        directory: directory(cluster),
        bytes: Bytes(bytes),
        disk_size: Bytes(100_000_000_000),
        disk_free: Bytes(host.disk_free),
        empty,
        databases: if full && cluster.running {
            vec![database]
        } else {
            Vec::new()
        },
        copy_bytes: Bytes(bytes),
    }
}

fn aside(cluster: &Cluster) -> Vec<SetAside> {
    let directory = directory(cluster);
    let mut all: Vec<SetAside> = cluster
        .aside
        .iter()
        .map(|one| SetAside {
            path: format!("{directory}.replform-{}", one.id),
            bytes: Bytes(one.bytes),
        })
        .collect();
    if let Some(copy) = &cluster.copy {
        all.push(SetAside {
            path: format!("{directory}.replform-copy"),
            bytes: Bytes(copy.directory.bytes),
        });
    }
    all
}

fn readers(world: &World, id: &MachineId, port: u16) -> Vec<(String, String)> {
    world
        .keys()
        .into_iter()
        .filter(|(machine, own)| world.follows(machine, *own).as_ref() == Ok(&(id.0.clone(), port)))
        .map(|(machine, own)| {
            let name = world
                .cluster(&machine, own)
                .and_then(|c| c.in_force.get("primary_slot_name").cloned());
            (name.unwrap_or_else(|| "walreceiver".to_owned()), machine)
        })
        .collect()
}

fn downstreams(world: &World, id: &MachineId, cluster: &Cluster, port: u16) -> Vec<Downstream> {
    if !cluster.running {
        return Vec::new();
    }
    readers(world, id, port)
        .into_iter()
        .map(|(name, address)| Downstream {
            name,
            address: Some(address),
            state: "streaming".to_owned(),
            retained: Some(Bytes(0)),
            lag: Some(Bytes(0)),
        })
        .collect()
}

fn settings(cluster: &Cluster) -> BTreeMap<String, Setting> {
    let mut all = recorded_settings().clone();
    for (name, value) in &cluster.in_force {
        if let Some(setting) = all.get_mut(name) {
            setting.value = value.clone();
            setting.source = format!("/etc/postgresql/{}/conf.d/90-replform.conf", cluster.name);
        }
    }
    for (name, value) in &cluster.drop_in {
        if let Some(setting) = all.get_mut(name) {
            setting.pending_restart = setting.context == "postmaster" && setting.value != *value;
        }
    }
    all
}

fn facts(world: &World, id: &MachineId, cluster: &Cluster, port: u16) -> PostgresFacts {
    let data = cluster.data.as_ref();
    let lsn = data.map(|data| Lsn(data.position * SEGMENT));
    let limits = [
        "max_connections",
        "max_locks_per_transaction",
        "max_prepared_transactions",
        "max_wal_senders",
        "max_worker_processes",
    ];
    let number = |name: &str| {
        let default = recorded_settings()[name].value.clone();
        (
            name.to_owned(),
            cluster.setting(name, &default).parse().unwrap(),
        )
    };
    let mut facts = PostgresFacts {
        cluster: Some(cluster.name.clone()),
        major: cluster.version.split('.').next().unwrap().parse().ok(),
        owner: "postgres".to_owned(),
        start: if cluster.auto { "auto" } else { "manual" }.to_owned(),
        process: if cluster.running { "ready" } else { "down" }.to_owned(),
        listening: cluster.running,
        reads_drop_ins: true,
        drop_in: cluster
            .drop_in
            .iter()
            .map(|(name, value)| format!("{name} = '{}'", value.replace('\'', "''")))
            .collect(),
        passfile: cluster.passfile.is_some(),
        hba_blocks: cluster
            .hba
            .iter()
            .map(|role| {
                let line = match cluster.by_certificate.contains(role) {
                    true => format!("hostssl replication {role} clientcert=verify-full"),
                    false => format!("host replication {role}"),
                };
                (role.clone(), vec![line])
            })
            .collect(),
        control: data.map(|data| ControlFile {
            system_identifier: data.set.to_string(),
            state: "in production".to_owned(),
            checkpoint: lsn,
            timeline: Some(data.timeline),
            limits: limits.into_iter().map(number).collect(),
            ..ControlFile::default()
        }),
        signals: data
            .filter(|data| data.standby)
            .map(|_| "standby.signal".to_owned())
            .into_iter()
            .collect(),
        missing: data.is_none().then(|| "directory".to_owned()),
        timeline: data.map(|data| data.timeline),
        oldest_wal: data
            .filter(|_| cluster.running)
            .map(|data| Lsn(data.oldest * SEGMENT)),
        copy_verified: cluster.copy.as_ref().is_some_and(|copy| copy.verified),
        copy_end: cluster
            .copy
            .as_ref()
            .map(|copy| Lsn(copy.directory.position * SEGMENT)),
        libc: "glibc 2.36".to_owned(),
        ..PostgresFacts::default()
    };
    if cluster.running {
        answer(world, id, cluster, port, &mut facts);
    } else {
        facts.conninfo = cluster.drop_in.get("primary_conninfo").cloned();
    }
    facts
}

/// What only a running server tells.
fn answer(world: &World, id: &MachineId, cluster: &Cluster, port: u16, facts: &mut PostgresFacts) {
    facts.answered_ms = Some(60);
    facts.settings = settings(cluster);
    facts.conninfo = cluster.in_force.get("primary_conninfo").cloned();
    facts.people = Some(People::default());
    facts.wal_bytes_per_second = Some(0.0);
    facts.roles = cluster
        .roles
        .keys()
        .map(|name| ReplicationRole {
            name: name.clone(),
            superuser: false,
            replication: true,
            login: true,
            password: "scram-sha-256".to_owned(),
        })
        .collect();
    let readers = readers(world, id, port);
    let slot = |name: &String, good: bool| Slot {
        name: name.clone(),
        kind: "physical".to_owned(),
        database: String::new(),
        temporary: false,
        active: readers.iter().any(|(reader, _)| reader == name),
        restart_lsn: facts.oldest_wal.filter(|_| good),
        wal_status: if good { "reserved" } else { "lost" }.to_owned(),
        safe_bytes: None,
        retained: Some(Bytes(0)),
        failover: false,
    };
    facts.slots = cluster
        .slots
        .iter()
        .map(|(name, good)| slot(name, *good))
        .chain(cluster.foreign_slots.iter().map(|name| slot(name, true)))
        .collect();
    facts.slots.sort_by(|a, b| a.name.cmp(&b.name));
    facts.senders = readers
        .iter()
        .map(|(name, address)| Sender {
            role: name.clone(),
            application_name: name.clone(),
            address: address.clone(),
            state: "streaming".to_owned(),
            sync_state: "async".to_owned(),
            slot: Some(name.clone()),
            replayed: None,
            reply_age_seconds: Some(0.5),
            ssl: Some(false),
        })
        .collect();
    let bytes = cluster.data.as_ref().map_or(0, |data| data.bytes);
    facts.databases = vec![DatabaseFacts {
        name: "shop".to_owned(),
        bytes: Bytes(bytes / 2),
        collate: cluster.collate.clone(),
        provider: "c".to_owned(),
        encoding: "UTF8".to_owned(),
        collation_version: None,
        actual_version: None,
    }];
}
