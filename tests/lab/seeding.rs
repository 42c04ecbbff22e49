//! Seeding by replform beside each engine's own tool by hand: same hosts, same data, in turn, medians.
//!
//! An engine is a row here and a folder below `seeding/` (its README says what the scripts owe).
//! `cargo test --test lab measured::seeding -- --ignored --nocapture --test-threads=1`

use crate::lab::{Host, Lab};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::Trial;

/// How one engine is measured.
#[derive(Debug, Clone, Copy)]
struct Seeding {
    engine: &'static str,
    /// Of every host: a server is there, fresh.
    image: &'static str,
    megabytes: u32,
    /// Replicas that are made at once: more than one where the engine's sets want it.
    at_once: usize,
    /// The step in which the copy is made.
    step: &'static str,
    tool: &'static str,
}

const ENGINES: [Seeding; 5] = [
    Seeding {
        engine: "postgresql",
        image: "bookworm-pg",
        megabytes: 800,
        at_once: 1,
        step: "backup",
        tool: "pg_basebackup; pg_verifybackup",
    },
    Seeding {
        engine: "mysql",
        image: "sid-mysql",
        megabytes: 800,
        at_once: 1,
        step: "backup",
        tool: "CLONE; innochecksum",
    },
    Seeding {
        engine: "mariadb",
        image: "bookworm-mariadb",
        megabytes: 800,
        at_once: 1,
        step: "backup",
        tool: "mariadb-backup over plain socat; --prepare",
    },
    Seeding {
        engine: "redis",
        image: "bookworm-redis",
        megabytes: 800,
        at_once: 1,
        step: "backup",
        tool: "redis-cli --rdb; redis-check-rdb",
    },
    Seeding {
        engine: "mongodb",
        image: "bookworm-mongodb",
        megabytes: 300,
        at_once: 2,
        step: "link",
        tool: "rs.add, until it is a secondary",
    },
];

const ROUNDS: usize = 3;
const PRIMARY: &str = "10.77.1.11";

/// Seconds of one copy: as the tool copied, and with all checks.
#[derive(Debug, Clone, Copy)]
struct Took {
    copied: f64,
    whole: f64,
}

/// One a row.
pub fn trials() -> Vec<Trial> {
    let trial = |row: Seeding| {
        let name = format!("measured::seeding::{}", row.engine);
        Trial::test(name, move || {
            measure(row);
            Ok(())
        })
        .with_ignored_flag(true)
    };
    ENGINES.into_iter().map(trial).collect()
}

fn folder(row: Seeding) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/lab/seeding")
        .join(row.engine)
}

fn measure(row: Seeding) {
    let count = row.at_once * ROUNDS;
    let ours: Vec<String> = (1..=count).map(|n| format!("r{n}")).collect();
    let hands: Vec<String> = (1..=count).map(|n| format!("h{n}")).collect();
    let mut specs = vec![format!("db1={}@{PRIMARY}", row.image)];
    for (first, names) in [(20, &ours), (40, &hands)] {
        let places = names.iter().enumerate();
        specs.extend(
            places.map(|(n, name)| format!("{name}={}@10.77.1.{}", row.image, first + n + 1)),
        );
    }
    let specs: Vec<&str> = specs.iter().map(String::as_str).collect();
    let lab = Lab::up(&format!("seed-{}", row.engine), &specs);
    let db1 = lab.host("db1");
    for host in std::iter::once("db1").chain(hands.iter().map(String::as_str)) {
        hand_out(lab.host(host), &folder(row));
    }
    let load = folder(row)
        .join("../../scenarios")
        .join(row.engine)
        .join("load.sh");
    let load = std::fs::read_to_string(load).unwrap();
    let with = format!("megabytes={}\n{load}", row.megabytes);
    db1.sh(&with).expect_success();

    let (mut replform, mut by_hand) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let upto = (round + 1) * row.at_once;
        replform.push(round_by_replform(&lab, row, &ours[..upto]));
        if round == 0 {
            db1.sh("sh /root/prepare.sh").expect_success();
        }
        by_hand.push(round_by_hand(&lab, row, &hands, round));
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    let load = load.split_whitespace().next().unwrap_or_default();
    crate::report(&format!(
        "{}, {} MB, load {load} ({}):\n  replform {}\n  by hand  {}",
        row.engine,
        row.megabytes,
        row.tool,
        told(&replform),
        told(&by_hand)
    ));
    let copied = |all: &[Took]| median(all.iter().map(|one| one.copied));
    assert!(
        copied(&replform) * 0.9 <= copied(&by_hand),
        "replform copies in {:.2} s, the hand in {:.2} s",
        copied(&replform),
        copied(&by_hand)
    );
}

/// Puts the scripts of `folder` into the host's /root.
fn hand_out(host: Host<'_>, folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        host.sh_with_input(&format!("cat >/root/{name}"), &text)
            .expect_success();
    }
}

/// `names` become replicas; the last ones weren't yet.
fn round_by_replform(lab: &Lab, row: Seeding, names: &[String]) -> Took {
    let mut hcl = format!("stack \"eu\" {{\n  server \"db1\" {{ host = \"{PRIMARY}\" }}\n");
    for (n, name) in names.iter().enumerate() {
        writeln!(
            hcl,
            "  server \"{name}\" {{ host = \"10.77.1.{}\" }}",
            21 + n
        )
        .unwrap();
    }
    write!(
        hcl,
        "}}\n\nreplication \"orders\" {{\n  engine  = \"{}\"\n  primary = stack.eu.server.db1\n  allow   = [\"restart\", \"expose\"]\n\n",
        row.engine
    )
    .unwrap();
    for name in names {
        writeln!(
            hcl,
            "  replica \"{name}\" {{ server = stack.eu.server.{name} }}"
        )
        .unwrap();
    }
    hcl.push_str("}\n");
    let directory = crate::measured::project(lab, &hcl);
    let said = lab
        .replform_within(
            &directory,
            &["apply", "-auto-approve", "-json"],
            Duration::from_secs(600),
        )
        .expect_success()
        .stdout;
    took(row, &said)
}

/// What the events say of the copies; of several at once, the one that ended last.
fn took(row: Seeding, events: &str) -> Took {
    let (mut copied, mut whole) = (Vec::new(), Vec::new());
    let mut parts = Vec::new();
    for line in events.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let step = event["step"].as_str().unwrap_or_default();
        if !step.ends_with(&format!(".{}", row.step)) {
            continue;
        }
        parts.extend(event["text"].as_str().map(str::to_owned));
        if let Some(text) = event["text"].as_str()
            && let Some(rest) = text.strip_prefix("copied in ")
        {
            copied.push(rest.trim_end_matches(" s").parse().unwrap());
        }
        if event["type"] == "apply_complete" {
            whole.push(event["hook"]["elapsed_seconds"].as_f64().unwrap());
        }
    }
    crate::report(&format!("{}: {}", row.engine, parts.join("; ")));
    let longest = |all: Vec<f64>| all.into_iter().reduce(f64::max);
    let whole = longest(whole).unwrap();
    Took {
        copied: longest(copied).unwrap_or(whole),
        whole,
    }
}

fn round_by_hand(lab: &Lab, row: Seeding, hands: &[String], round: usize) -> Took {
    let first = round * row.at_once;
    let turn = first..first + row.at_once;
    let address = |n: usize| format!("10.77.1.{}", 41 + n);
    let ran = std::thread::scope(|scope| {
        let one = |n: usize| {
            let shell = format!(
                "export primary={PRIMARY} me={}; exec $(sed -n '1s/^#!//p' /root/by-hand.sh) /root/by-hand.sh",
                address(n)
            );
            lab.host(&hands[n]).sh(&shell).expect_success().stdout
        };
        let running: Vec<_> = turn.clone().map(|n| scope.spawn(move || one(n))).collect();
        running
            .into_iter()
            .map(|one| one.join().unwrap())
            .collect::<String>()
    });
    if folder(row).join("forget.sh").exists() {
        let members: Vec<String> = turn.map(address).collect();
        let shell = format!("members='{}' sh /root/forget.sh", members.join(" "));
        lab.host("db1").sh(&shell).expect_success();
    }
    let longest = |word: &str| {
        let figures = ran.lines().filter_map(|line| line.strip_prefix(word));
        figures
            .map(|figure| figure.trim().parse::<f64>().unwrap())
            .reduce(f64::max)
            .unwrap()
    };
    Took {
        copied: longest("copied "),
        whole: longest("whole "),
    }
}

fn told(rounds: &[Took]) -> String {
    let mut text = format!(
        "copied in {:.2} s, with its checks {:.2} s (medians; rounds",
        median(rounds.iter().map(|one| one.copied)),
        median(rounds.iter().map(|one| one.whole))
    );
    for one in rounds {
        write!(text, " {:.2}/{:.2}", one.copied, one.whole).unwrap();
    }
    text.push(')');
    text
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
