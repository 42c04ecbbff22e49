//! How long reading a configuration takes: `cargo bench --bench config`.
//!
//! `validate` of a file with three servers is the whole command, its start included; it must stay under 20 ms.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use criterion::{Criterion, criterion_group, criterion_main};
use replform::config::format::format;
use replform::config::{Inputs, load};

/// A configuration of `count` replications of one replica each.
fn configuration(count: usize) -> String {
    let mut text = String::from("replform {\n  topology = \"bench\"\n}\n\nstack \"eu\" {\n");
    for server in 0..2 * count {
        let (a, b, c) = (server / 62_500, server / 250 % 250, server % 250 + 1);
        let _ = writeln!(
            text,
            "  server \"s{server}\" {{ host = \"10.{a}.{b}.{c}\" }}"
        );
    }
    text += "\n  app \"web\" {\n    hosts    = [\"10.200.0.1\"]\n    env_file = \"/etc/acme/database.env\"\n  }\n}\n";
    for index in 0..count {
        let (primary, replica) = (2 * index, 2 * index + 1);
        let _ = write!(
            text,
            r#"
replication "r{index}" {{
  engine  = "postgresql"
  primary = stack.eu.server.s{primary}

  replica "a" {{ server = stack.eu.server.s{replica} }}

  env {{
    targets   = [stack.eu.app.web]
    prefix    = "R{index}"
    variables = {{ URL_{index} = "postgres://${{replicas[0].address}}:${{primary.port}}/" }}
  }}
}}
"#
        );
    }
    text
}

fn write(folder: &Path, text: &str) -> bool {
    std::fs::write(folder.join("main.rf.hcl"), text).is_ok()
}

fn benchmarks(criterion: &mut Criterion) {
    let Ok(folder) = tempfile::tempdir() else {
        return;
    };
    let large = configuration(10_000);
    if !write(folder.path(), &configuration(1)) {
        return;
    }
    criterion.bench_function("validate, 3 servers, the whole command", |bencher| {
        bencher.iter(|| {
            Command::new(env!("CARGO_BIN_EXE_replform"))
                .current_dir(folder.path())
                .arg("validate")
                .output()
        });
    });
    if !write(folder.path(), &large) {
        return;
    }
    let mut group = criterion.benchmark_group("10,000 replications");
    group.sample_size(10);
    group.bench_function("load", |bencher| {
        bencher.iter(|| load(folder.path(), &Inputs::default()).is_ok());
    });
    group.bench_function("fmt", |bencher| bencher.iter(|| format(&large).len()));
    group.finish();
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
