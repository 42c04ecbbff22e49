//! How long a plan of 1,000 replications of 10 replicas takes, from a saved observation: `cargo bench --bench plan`.
//!
//! Measures the whole command (reading 11,000 hosts' facts included), and the planner alone. The files stay in
//! target/tmp/bench-plan, for a look at memory: /usr/bin/time -v target/release/replform -chdir=… plan -observed=observation.json

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark stops where something is missing"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use criterion::{Criterion, criterion_group, criterion_main};
use replform::config::{Inputs, load};
use replform::plan::{Options, plan};
use serde_json::{Value, json};

const REPLICATIONS: usize = 1_000;
const REPLICAS: usize = 10;

fn address(replication: usize, member: usize) -> String {
    format!(
        "10.{}.{}.{}",
        replication / 250,
        replication % 250,
        member + 1
    )
}

fn configuration() -> String {
    let mut text = String::from("replform {\n  topology = \"acme\"\n}\n\nstack \"eu\" {\n");
    for replication in 0..REPLICATIONS {
        for member in 0..=REPLICAS {
            writeln!(
                text,
                "  server \"s{replication}-{member}\" {{ host = \"{}\" }}",
                address(replication, member)
            )
            .unwrap();
        }
    }
    text.push_str("}\n");
    for replication in 0..REPLICATIONS {
        writeln!(text, "\nreplication \"r{replication}\" {{\n  engine  = \"postgresql\"\n  allow   = [\"restart\"]").unwrap();
        writeln!(text, "  primary = stack.eu.server.s{replication}-0").unwrap();
        for member in 1..=REPLICAS {
            writeln!(
                text,
                "  replica \"m{member}\" {{ server = stack.eu.server.s{replication}-{member} }}"
            )
            .unwrap();
        }
        text.push_str("}\n");
    }
    text
}

fn recording(name: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/observations");
    serde_json::from_str(&std::fs::read_to_string(root.join(name)).unwrap()).unwrap()
}

fn observation() -> Value {
    let mut plain = recording("host/plain.json");
    plain["state"] = json!("reached");
    let with = |instances: &str, reach: Value| {
        let mut facts = plain.clone();
        facts["instances"] = recording(instances);
        facts["reach"] = reach;
        facts
    };
    let mut machines = serde_json::Map::new();
    for replication in 0..REPLICATIONS {
        let primary = format!("{}:5432", address(replication, 0));
        machines.insert(
            address(replication, 0),
            with("postgresql/foreign.json", json!({})),
        );
        let replica = with(
            "postgresql/not-installed.json",
            json!({ primary: { "is": "refused" } }),
        );
        for member in 1..=REPLICAS {
            machines.insert(address(replication, member), replica.clone());
        }
    }
    json!({
        "format_version": "1.0",
        "replform": env!("CARGO_PKG_VERSION"),
        "topology": "acme",
        "observed_at": "2026-11-24T08:00:00Z",
        "machines": machines,
    })
}

fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-plan");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("main.rf.hcl"), configuration()).unwrap();
    std::fs::write(folder.join("observation.json"), observation().to_string()).unwrap();
    folder
}

fn plans(criterion: &mut Criterion) {
    let folder = folder();
    let mut group = criterion.benchmark_group("10,000 links");
    group.sample_size(10);
    group.bench_function("the whole command", |bencher| {
        bencher.iter(|| {
            let status = Command::new(env!("CARGO_BIN_EXE_replform"))
                .arg(format!("-chdir={}", folder.display()))
                .args(["plan", "-observed=observation.json"])
                .stdout(Stdio::null())
                .status()
                .unwrap();
            assert!(status.success());
        });
    });
    let loaded = load(&folder, &Inputs::default())
        .map_err(|failed| failed.diagnostics)
        .unwrap();
    let seen = serde_json::from_value(observation()).unwrap();
    group.bench_function("the planner alone", |bencher| {
        bencher.iter(|| {
            plan(&loaded.topology, &seen, &Options::default())
                .unwrap()
                .steps
                .len()
        });
    });
    group.finish();
}

criterion_group!(benches, plans);
criterion_main!(benches);
