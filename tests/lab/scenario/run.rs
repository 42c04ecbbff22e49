//! Runs a scenario's scripts on hosts, and compares what hosts hold by the engine's own scripts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::check::HERE;
use super::play::Play;
use super::story::{Scenario, Script, Work};
use super::text::Text;
use crate::lab::Ran;

/// The text of a script; that it exists was checked.
pub fn script_text(scenario: &Scenario, file: &str) -> String {
    let path = super::find(&scenario.folder, file).unwrap();
    std::fs::read_to_string(path).unwrap()
}

/// Runs a step's script on a host with all that was saved and the step's variables.
pub fn run_work(play: &Play<'_>, host: &str, work: &Work) -> Ran {
    let variables = play.fill(&work.with);
    let (shell, text) = match &work.script {
        Script::Line(line) => ("sh", line.clone()),
        Script::File(file) => {
            let text = script_text(play.scenario, file);
            (shell_of(&text), text)
        }
    };
    run_text(play, host, shell, &text, &variables, work.within)
}

/// The shell that a script asks for in its first line.
fn shell_of(script: &str) -> &'static str {
    if script
        .lines()
        .next()
        .is_some_and(|line| line.ends_with("bash"))
    {
        "bash"
    } else {
        "sh"
    }
}

fn run_text(
    play: &Play<'_>,
    host: &str,
    shell: &str,
    text: &str,
    variables: &[(String, String)],
    within: Duration,
) -> Ran {
    let mut command = vec!["env".to_owned()];
    command.extend(
        variables
            .iter()
            .map(|(name, value)| format!("{name}={value}")),
    );
    command.extend([shell, "-euc", text].map(str::to_owned));
    if host == HERE {
        play.lab.exec_within(&play.project, &command, within)
    } else {
        play.lab.host(host).run(&command, "", within)
    }
}

/// The primary's position, reached by every replica; then contents equal, and nothing acknowledged missing.
pub fn same_data(
    play: &Play<'_>,
    primary: &str,
    replicas: &[String],
    with: &BTreeMap<String, Text>,
    within: Duration,
) -> Result<(), String> {
    let ask = |host: &str, file: &str, more: &[(&str, &str)]| {
        let mut variables = play.fill(with);
        variables.extend(more.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        let text = script_text(play.scenario, file);
        run_text(play, host, shell_of(&text), &text, &variables, within)
    };
    let well = |host: &str, file: &str, ran: Ran| match ran.code {
        0 if !ran.line().is_empty() => Ok(ran.line().to_owned()),
        _ => Err(format!("{file} on {host} tells nothing\n{ran}")),
    };
    let position = well(primary, "position.sh", ask(primary, "position.sh", &[]))?;
    let hosts = &play.scenario.hosts;
    let address = hosts
        .iter()
        .find(|host| host.name == primary)
        .map(|host| &*host.address);
    let reached = [
        ("position", &*position),
        ("primary", address.unwrap_or_default()),
    ];
    for replica in replicas {
        let deadline = Instant::now() + within;
        loop {
            let ran = ask(replica, "caught-up.sh", &reached);
            if ran.code == 0 {
                break;
            }
            if Instant::now() > deadline {
                return Err(format!(
                    "{replica} does not reach {position} in {within:?}\n{ran}"
                ));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    let contents = well(primary, "contents.sh", ask(primary, "contents.sh", &[]))?;
    for replica in replicas {
        let there = well(replica, "contents.sh", ask(replica, "contents.sh", &[]))?;
        if there != contents {
            return Err(format!(
                "{replica} differs from {primary}:\n{there}\n--- {primary}\n{contents}"
            ));
        }
        if !play.written().is_empty() {
            let there = well(replica, "written.sh", ask(replica, "written.sh", &[]))?;
            nothing_is_missing(replica, play.written(), &there)?;
        }
    }
    Ok(())
}

fn nothing_is_missing(replica: &str, written: &[u64], there: &str) -> Result<(), String> {
    let there: BTreeSet<&str> = there.lines().map(str::trim).collect();
    let missing: Vec<u64> = written
        .iter()
        .copied()
        .filter(|n| !there.contains(n.to_string().as_str()))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let count = missing.len();
    Err(format!(
        "{count} acknowledged writes are missing on {replica}: {missing:?}"
    ))
}
