//! What the engines' tests stand on: recordings of real hosts, and small worlds made of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{ENGINES, engine};
use crate::observe::{
    Facts, Instance, Job, JobState, MachineObservation, OBSERVATION_FORMAT, Observation, Reach,
};
use crate::plan::{Options, Plan, StepKind, Work, plan};
use crate::topology::{
    Engine, Former, Hazard, InstanceWish, Lag, Machine, MachineId, Member, Place, Replica,
    Replication, Server, ServerId, Ssh, Topology, Upstream,
};

/// Labels of a world's replicas.
const LABELS: [&str; 2] = ["reader", "standby"];

/// Where an engine's recordings stand.
pub fn recordings(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/observations")
        .join(name)
}

/// What a probe printed on a real host.
pub fn text(name: &str, recording: &str) -> String {
    // No extension is replaced: a recording's name may hold a dot.
    fs::read_to_string(recordings(name).join(format!("{recording}.txt"))).unwrap()
}

/// The instance on the engine's own port in a text of its probe.
pub fn decoded(name: &str, text: &str) -> Instance {
    let engine = engine(name).unwrap();
    let port = engine.default_port();
    let mut all = engine.decode(text, &[port]).unwrap();
    all.remove(&format!("{name}:{port}")).unwrap()
}

/// The same of a recording.
pub fn recorded(name: &str, recording: &str) -> Instance {
    decoded(name, &text(name, recording))
}

/// The names of an engine's recordings.
pub fn names(name: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(recordings(name))
        .unwrap()
        .filter_map(|entry| {
            let file = entry.unwrap().file_name().into_string().unwrap();
            file.strip_suffix(".txt").map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

/// The plan of a primary and its replicas (`reader`, `standby`) as servers eu/db1, eu/db2, … at `NETWORK.11`, `NETWORK.12`, …,
/// each with the instance that stands for it.
pub fn planned(name: &str, network: &str, instances: &[Instance], allow: &[Hazard]) -> Plan {
    planned_as(name, network, instances, allow, |_, _| {})
}

/// The job of a plan's copy, as a client that went away left it: ended well.
pub fn finished_copy(plan: &Plan) -> BTreeMap<String, Job> {
    let actions = plan.steps.iter().flat_map(|step| &step.actions);
    let job = actions
        .filter_map(|action| match &action.work {
            Work::Job(job) => Some(job),
            Work::Script(_) => None,
        })
        .next()
        .expect("a plan with a copy");
    let name = crate::plan::host_files::job_name(&job.name);
    let left = Job {
        name: name.clone(),
        id: "0123abcd".to_owned(),
        arguments_hash: job.call.identity().unwrap(),
        state: JobState::Ended { code: 0 },
        done: None,
        total: None,
        age_seconds: 60,
    };
    BTreeMap::from([(name, left)])
}

/// What the plan says of the copy.
pub fn said_of_the_copy(plan: &Plan) -> String {
    let mut steps = plan.steps.iter();
    let backup = steps.find(|step| step.kind == StepKind::Backup);
    backup.expect("a plan with a copy").what.clone()
}

/// The same with `jobs` on the hosts.
pub fn planned_after(
    name: &str,
    network: &str,
    instances: &[Instance],
    allow: &[Hazard],
    jobs: &BTreeMap<String, Job>,
) -> Plan {
    planned_as(name, network, instances, allow, |_, observation| {
        for machine in observation.machines.values_mut() {
            if let MachineObservation::Reached(facts) = machine {
                facts.jobs = jobs.clone();
            }
        }
    })
}

/// The same after `change`.
pub fn planned_as(
    name: &str,
    network: &str,
    instances: &[Instance],
    allow: &[Hazard],
    change: impl FnOnce(&mut Topology, &mut Observation),
) -> Plan {
    let port = engine(name).unwrap().default_port();
    let members: Vec<Member> = (1..)
        .take(instances.len())
        .map(|number| member(network, port, number))
        .collect();
    let reach = format!("{}:{port}", members[0].address);
    let machines = members
        .iter()
        .zip(instances)
        .map(|(member, instance)| (member.machine.clone(), host(instance, &reach)))
        .collect();
    let mut observation = Observation {
        format_version: OBSERVATION_FORMAT.to_owned(),
        replform: env!("CARGO_PKG_VERSION").to_owned(),
        topology: "acme".to_owned(),
        observed_at: "2026-01-01T00:00:00Z".to_owned(),
        machines,
    };
    let mut topology = topology(name, &members, allow);
    change(&mut topology, &mut observation);
    plan(&topology, &observation, &Options::default()).unwrap()
}

fn host(instance: &Instance, reach: &str) -> MachineObservation {
    let path = recordings("host").join("plain.json");
    let mut facts: Facts = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    facts.host.clock_offset_ms = Some(0);
    let key = format!("{}:{}", instance.engine, instance.port);
    facts.instances = BTreeMap::from([(key, Box::new(instance.clone()))]);
    facts.reach = BTreeMap::from([(reach.to_owned(), Reach::Open)]);
    MachineObservation::Reached(Box::new(facts))
}

fn place(line: u32) -> Place {
    Place {
        file: "main.rf.hcl".to_owned(),
        line,
        column: 1,
    }
}

fn member(network: &str, port: u16, number: u32) -> Member {
    let address = format!("{network}.1{number}");
    Member {
        server: ServerId {
            stack: "eu".to_owned(),
            name: format!("db{number}"),
        },
        machine: MachineId(address.clone()),
        public_address: address.clone(),
        address,
        instance: InstanceWish {
            port,
            data_directory: None,
            admin: None,
        },
        place: place(number),
    }
}

fn topology(name: &str, members: &[Member], allow: &[Hazard]) -> Topology {
    let machine = |member: &Member| Machine {
        id: member.machine.clone(),
        label: member.server.to_string(),
        ssh: Ssh::default(),
    };
    let server = |member: &Member| Server {
        id: member.server.clone(),
        machine: member.machine.clone(),
        address: member.address.clone(),
        public_address: member.public_address.clone(),
        place: place(1),
    };
    let replica = |(label, member): (&str, &Member)| Replica {
        name: label.to_owned(),
        member: member.clone(),
        upstream: Upstream::Primary,
        max_rate: None,
        max_lag: None,
        account: None,
        place: member.place.clone(),
    };
    Topology {
        name: "acme".to_owned(),
        machines: members
            .iter()
            .map(|member| (member.machine.clone(), machine(member)))
            .collect(),
        servers: members.iter().map(server).collect(),
        apps: Vec::new(),
        replications: vec![Replication {
            name: "orders".to_owned(),
            engine: Engine(name.to_owned()),
            version: None,
            primary: members[0].clone(),
            replicas: LABELS.into_iter().zip(&members[1..]).map(replica).collect(),
            tls: None,
            certificates: None,
            retain: None,
            max_lag: Lag::Time(60_000),
            arbiter: None,
            allow: allow.iter().map(|hazard| (*hazard, place(4))).collect(),
            env: None,
            place: place(1),
            primary_place: place(1),
            allow_place: place(4),
        }],
        ssh: Ssh::default(),
        removed: std::collections::BTreeSet::new(),
        former: Former::default(),
    }
}

/// Every recording NAME.txt decodes into NAME.json; `REPLFORM_REWRITE=1` writes the latter anew.
#[test]
fn recordings_decode_into_their_json() {
    for engine in ENGINES {
        let names = names(engine.name());
        assert!(names.len() >= 8, "too few of {}", engine.name());
        for recording in names {
            let text = text(engine.name(), &recording);
            let instances = engine.decode(&text, &[engine.default_port()]).unwrap();
            let found = serde_json::to_string_pretty(&instances).unwrap() + "\n";
            let golden = recordings(engine.name()).join(format!("{recording}.json"));
            if std::env::var_os("REPLFORM_REWRITE").is_some() {
                fs::write(&golden, &found).unwrap();
            }
            let expected = fs::read_to_string(&golden).unwrap_or_default();
            assert_eq!(found, expected, "{}", golden.display());
        }
    }
}

#[test]
fn every_cut_of_a_recording_is_an_error() {
    for engine in ENGINES {
        let text = text(engine.name(), "primary");
        for end in 0..text.len() - "end\n".len() {
            if text.is_char_boundary(end) {
                let cut = engine.decode(&text[..end], &[engine.default_port()]);
                assert!(cut.is_err(), "{} cut at {end}", engine.name());
            }
        }
    }
}
