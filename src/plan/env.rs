//! What apps must know: the wished block of each app's file, and the step that writes it.
//!
//! Apps move last when something comes: the step needs every verify of its replication. A replica that isn't
//! linked, and won't be by this plan, is named to no app, unless the file names it already and nothing is known of it.

use std::collections::{BTreeMap, BTreeSet};

use super::findings::choice;
use super::names::digest;
use super::{
    Action, Argument, Because, Call, Cost, EnvDiff, Finding, Sensitive, Severity, Step, StepId,
    StepKind, Undo, Work,
};
use crate::diagnostics::{Code, codes};
use crate::engines::engine;
use crate::observe::{EnvFile, Instance, MachineObservation, Observation};
use crate::secret::Secret;
use crate::topology::{
    App, Env, MachineId, Member, Names, Replica, Replication, Shown, Topology, WishedVariable,
    env_begin_line, env_end_line, env_hash_line, env_line, env_names, pending_file,
};

/// A replication's wish and which of its replicas apps may be told of.
pub(super) struct Wish<'a> {
    pub topology: &'a Topology,
    pub replication: &'a Replication,
    /// The primary's instance.
    pub primary: Option<&'a Instance>,
    /// Replicas that are linked, or will be by this plan.
    pub linked: &'a BTreeSet<&'a str>,
    /// The others.
    pub unknown: &'a BTreeSet<&'a str>,
    /// The files that were told when the primary's marker was written: `host path`.
    pub told: &'a [String],
}

/// Hash of a replication's `env` as the configuration has it; sensitive values enter as the hashes that stand for them.
/// Empty where there is none.
pub(super) fn wish_hash(topology: &Topology, replication: &Replication) -> String {
    let Some(env) = &replication.env else {
        return String::new();
    };
    let mut text = String::new();
    for app in env.targets.iter().filter_map(|id| topology.app(id)) {
        text.push_str(&format!("{}\n{:?}\n", app.id, app.on_change));
        for name in env_names(replication, env, &app.id).keys() {
            let value = env.variables.get(&app.id).and_then(|all| all.get(name));
            let value = match value {
                Some(WishedVariable::Plain(value)) => value.clone(),
                Some(WishedVariable::Sensitive(secret)) => {
                    env_hash_line(&topology.name, name, secret.expose())
                }
                None => String::new(),
            };
            text.push_str(&format!("{name}={value}\n"));
        }
    }
    digest(text.as_bytes())[..16].to_owned()
}

/// One line of a block: as written, as observed when it is right, as shown to people.
struct Line {
    written: Secret,
    observed: String,
    shown: String,
}

/// The env steps of one replication, and what stands in their way.
pub(super) fn steps(
    wish: &Wish<'_>,
    observation: &Observation,
    verified: &BTreeSet<StepId>,
) -> (Vec<Step>, Vec<Finding>) {
    let (mut steps, mut findings) = (Vec::new(), Vec::new());
    let Some(env) = &wish.replication.env else {
        return (steps, findings);
    };
    for app in env.targets.iter().filter_map(|id| wish.topology.app(id)) {
        let mut changes = Vec::new();
        for machine in &app.machines {
            match observation.machines.get(machine) {
                Some(MachineObservation::Reached(facts)) => match facts.env.get(&app.env_file) {
                    Some(EnvFile {
                        unreadable: Some(why),
                        ..
                    }) => findings.push(app_unknown(wish, app, machine, why)),
                    Some(file) => {
                        changes.extend(change(wish, env, app, machine, file, &mut findings))
                    }
                    None => findings.push(app_unknown(
                        wish,
                        app,
                        machine,
                        "its file is not in the observation",
                    )),
                },
                Some(MachineObservation::Unreachable { message, .. }) => {
                    findings.push(app_unknown(wish, app, machine, message));
                }
                None => findings.push(app_unknown(
                    wish,
                    app,
                    machine,
                    "it is not in the observation",
                )),
            }
        }
        if !changes.is_empty() {
            steps.push(step(wish, env, app, changes, verified));
        }
    }
    (steps, findings)
}

/// The steps that give back the blocks of apps that are targets no more: their lines stay without our comments, the lists
/// of replicas empty, so that no app loses its address. And the files that can't be looked at.
pub(super) fn releases(wish: &Wish<'_>, observation: &Observation) -> (Vec<Step>, Vec<Finding>) {
    let env = wish.replication.env.as_ref();
    let targets = env.map_or(&[][..], |env| &env.targets);
    let apps = wish.topology.apps.iter();
    let known = apps
        .filter(|app| !targets.contains(&app.id))
        .map(|app| Released {
            name: app.id.to_string(),
            path: &app.env_file,
            machines: app.machines.iter().collect(),
            on_change: app.on_change.as_deref(),
            place: &app.place,
        });
    let files = wish.topology.former.files.iter();
    let gone = files.map(|(machine, path)| Released {
        name: machine.to_string(),
        path,
        machines: vec![machine],
        on_change: None,
        place: &wish.replication.place,
    });
    let key = format!("{}.{}", wish.topology.name, wish.replication.name);
    let (mut steps, mut findings) = (Vec::new(), Vec::new());
    for app in known.chain(gone) {
        let mut changes = Vec::new();
        for machine in &app.machines {
            let seen = match observation.machines.get(machine) {
                Some(MachineObservation::Reached(facts)) => match facts.env.get(app.path) {
                    Some(file) => match &file.unreadable {
                        Some(why) => Err(why.as_str()),
                        None => Ok(file),
                    },
                    None => continue,
                },
                Some(MachineObservation::Unreachable { message, .. }) => Err(message.as_str()),
                None => continue,
            };
            let file = match seen {
                Ok(file) => file,
                // An app that was never told and can't be looked at is none of this.
                Err(_) if !wish.told.contains(&format!("{machine} {}", app.path)) => continue,
                Err(why) => {
                    findings.push(Finding {
                        code: codes::APP_UNKNOWN,
                        severity: Severity::Unknown,
                        subject: format!("{} ({machine})", app.name),
                        replication: wish.replication.name.clone(),
                        what: format!(
                            "{} can't be looked at, so it is left as it is: {why}",
                            app.path
                        ),
                        place: app.place.clone(),
                        choices: vec![choice("reach it", "then plan again")],
                    });
                    continue;
                }
            };
            if file.blocks.contains_key(&key) || file.pending.contains(&key) {
                let before = file.blocks.get(&key).cloned().unwrap_or_default();
                changes.push(((*machine).clone(), before));
            }
        }
        if !changes.is_empty() {
            let value = |name: &str| released_value(wish, name);
            let (topology, replication) = (&wish.topology.name, &wish.replication.name);
            steps.push(release(topology, replication, &value, &app, changes));
        }
    }
    (steps, findings)
}

/// The steps that give back blocks of replications of which nothing else is known: neither the configuration names them, nor a
/// marker (they had no replica).
pub(super) fn orphans(topology: &Topology, observation: &Observation) -> Vec<Step> {
    let known: BTreeSet<String> = topology
        .all_replications()
        .map(|replication| format!("{}.{}", topology.name, replication.name))
        .collect();
    let prefix = format!("{}.", topology.name);
    let mut steps = Vec::new();
    for app in &topology.apps {
        let files = app.machines.iter().filter_map(|machine| {
            let file = observation.facts(machine)?.env.get(&app.env_file)?;
            Some((machine, file)).filter(|(_, file)| file.unreadable.is_none())
        });
        let mut changes: BTreeMap<&str, Vec<(MachineId, Vec<String>)>> = BTreeMap::new();
        for (machine, file) in files {
            let keys: BTreeSet<&String> = file.blocks.keys().chain(&file.pending).collect();
            for key in keys.into_iter().filter(|key| !known.contains(*key)) {
                let Some(name) = key.strip_prefix(&prefix) else {
                    continue;
                };
                let before = file.blocks.get(key).cloned().unwrap_or_default();
                let of = changes.entry(name).or_default();
                of.push((machine.clone(), before));
            }
        }
        for (name, changes) in changes {
            let released = Released {
                name: app.id.to_string(),
                path: &app.env_file,
                machines: Vec::new(),
                on_change: app.on_change.as_deref(),
                place: &app.place,
            };
            steps.push(release(
                &topology.name,
                name,
                &|name| empty_list(name),
                &released,
                changes,
            ));
        }
    }
    steps
}

/// An app that is a target no more.
struct Released<'a> {
    name: String,
    path: &'a str,
    machines: Vec<&'a MachineId>,
    on_change: Option<&'a str>,
    place: &'a crate::topology::Place,
}

/// What stands in the place of a line's value once its replication has no replica: lists are empty, or name the primary alone.
fn released_value(wish: &Wish<'_>, name: &str) -> Option<String> {
    let primary = &wish.replication.primary;
    let engine = engine(&wish.replication.engine.0)?;
    let members = [(primary.address.clone(), primary.instance.port)];
    for names in [Names::Replica, Names::Cloud66] {
        if let Some(own) = engine.env_names(names) {
            let values = engine.env_values(wish.replication, wish.primary, &members);
            let mut lines = own.iter().zip(values);
            let found = lines.find(|(suffix, _)| name.ends_with(&format!("_{suffix}")));
            if let Some((_, value)) = found {
                return Some(value);
            }
        }
    }
    empty_list(name)
}

/// Nothing, for a list of replicas.
fn empty_list(name: &str) -> Option<String> {
    let lists = ["REPLICA_ADDRESSES", "SLAVE_ADDRESSES"];
    let listed = |list: &&str| {
        name.ends_with(&format!("_{list}_INT")) || name.ends_with(&format!("_{list}_EXT"))
    };
    lists.iter().any(listed).then(String::new)
}

fn release(
    topology: &str,
    replication: &str,
    value: &dyn Fn(&str) -> Option<String>,
    app: &Released<'_>,
    changes: Vec<(MachineId, Vec<String>)>,
) -> Step {
    let mut diffs: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for (machine, before) in &changes {
        diffs
            .entry(before.clone())
            .or_default()
            .push(machine.to_string());
    }
    let replaced = |line: &String| {
        let (name, _) = line.split_once('=')?;
        Some(format!("{name}={}", value(name)?))
    };
    let shown = |line: &String| match line.split_once("=(sha256:") {
        Some((name, _)) => format!("{name}=(as it is)"),
        None => line.clone(),
    };
    let env = diffs
        .into_iter()
        .map(|(before, hosts)| EnvDiff {
            path: app.path.to_owned(),
            hosts,
            after: std::iter::once("# no longer kept by replform".to_owned())
                .chain(
                    before
                        .iter()
                        .map(|line| replaced(line).unwrap_or_else(|| shown(line))),
                )
                .collect(),
            before: before.iter().map(shown).collect(),
            on_change: app.on_change.map(str::to_owned),
        })
        .collect();
    let hosts = changes.len();
    Step {
        id: StepId(format!(
            "{replication}.release.{}",
            app.name.replace('/', ".")
        )),
        kind: StepKind::Env,
        replication: replication.to_owned(),
        member: None,
        subject: app.name.clone(),
        machine: changes
            .first()
            .map_or_else(|| MachineId(String::new()), |(machine, _)| machine.clone()),
        what: format!(
            "{hosts} host{}: hand the lines over to the app, lists of replicas empty",
            if hosts == 1 { "" } else { "s" }
        ),
        because: Because {
            place: app.place.clone(),
            fact: "the configuration tells it nothing of this replication any more".to_owned(),
        },
        needs: BTreeSet::new(),
        cost: Cost {
            seconds: 0.5,
            ..Cost::default()
        },
        undo: Undo::By("write the app into targets again and remove the lines".to_owned()),
        env,
        actions: changes
            .into_iter()
            .map(|(machine, before)| Action {
                machine,
                lock: format!("env{}", app.path.replace('/', "-")),
                work: Work::Script(
                    Call::new("apply/env.sh", 360)
                        .text("path", app.path)
                        .text("begin_line", env_begin_line(topology, replication))
                        .text("end_line", env_end_line(topology, replication))
                        .text("pending", pending_file(app.path, topology, replication))
                        .text("on_change", app.on_change.unwrap_or_default())
                        .text("release", "yes")
                        .with("names", Argument::Lines(Vec::new()))
                        .with(
                            "block",
                            Argument::Lines(before.iter().filter_map(replaced).collect()),
                        ),
                ),
            })
            .collect(),
    }
}

/// What one host's file needs.
struct Change {
    machine: MachineId,
    before: Vec<String>,
    lines: Vec<Line>,
    owed: bool,
}

fn change(
    wish: &Wish<'_>,
    env: &Env,
    app: &App,
    machine: &MachineId,
    file: &EnvFile,
    findings: &mut Vec<Finding>,
) -> Option<Change> {
    let key = format!("{}.{}", wish.topology.name, wish.replication.name);
    let now = file.blocks.get(&key).cloned().unwrap_or_default();
    let lines = lines(wish, env, app, &now);
    let mut add = |code, what: String, choices| {
        findings.push(finding(
            wish,
            app,
            machine,
            code,
            Severity::Blocked,
            what,
            choices,
        ));
    };
    let lines = match lines {
        Ok(lines) => lines,
        Err(what) => {
            add(
                codes::ENV_VALUE,
                what,
                vec![choice(
                    "change the value",
                    "an environment file's value is one line",
                )],
            );
            return None;
        }
    };
    let names = env_names(wish.replication, env, &app.id);
    for outside in file
        .outside
        .iter()
        .filter(|outside| names.contains_key(&outside.name))
    {
        add(
            codes::NAME_OUTSIDE_BLOCK,
            format!(
                "{}:{} sets {} outside replform's block",
                app.env_file, outside.line, outside.name
            ),
            vec![
                choice(
                    "hand it over",
                    format!("remove line {} of {} there", outside.line, app.env_file),
                ),
                choice(
                    "keep it",
                    format!("write another prefix or name in env ({})", env.place),
                ),
            ],
        );
    }
    if !file.directory_exists {
        add(
            codes::NO_ENV_DIRECTORY,
            format!("the directory of {} isn't there", app.env_file),
            vec![choice("make it", "replform makes no directories for apps")],
        );
    }
    let owed = file.pending.contains(&key);
    let wanted: Vec<&str> = lines.iter().map(|line| line.observed.as_str()).collect();
    let differs = now != wanted;
    (differs || owed).then(|| Change {
        machine: machine.clone(),
        before: now,
        lines,
        owed,
    })
}

fn app_unknown(wish: &Wish<'_>, app: &App, machine: &MachineId, why: &str) -> Finding {
    finding(
        wish,
        app,
        machine,
        codes::APP_UNKNOWN,
        Severity::Unknown,
        format!("its environment file can't be looked at, so it is left as it is: {why}"),
        vec![choice("reach it", "then plan again")],
    )
}

fn finding(
    wish: &Wish<'_>,
    app: &App,
    machine: &MachineId,
    code: Code,
    severity: Severity,
    what: String,
    choices: Vec<super::Choice>,
) -> Finding {
    Finding {
        code,
        severity,
        subject: format!("{} ({machine})", app.id),
        replication: wish.replication.name.clone(),
        what,
        place: app.place.clone(),
        choices,
    }
}

/// The lines of an app's block, in the order of DESIGN's list, then the extra variables by name.
fn lines(wish: &Wish<'_>, env: &Env, app: &App, now: &[String]) -> Result<Vec<Line>, String> {
    let mut values: Vec<(String, WishedVariable)> = standard(wish, env, app, now)
        .into_iter()
        .map(|(suffix, value)| {
            (
                format!("{}_{suffix}", env.prefix),
                WishedVariable::Plain(value),
            )
        })
        .collect();
    let extra = env.variables.get(&app.id).into_iter().flatten();
    values.extend(extra.map(|(name, value)| (name.clone(), value.clone())));
    let names = env_names(wish.replication, env, &app.id);
    values
        .into_iter()
        .map(|(name, value)| {
            let text = match &value {
                WishedVariable::Plain(text) => text.as_str(),
                WishedVariable::Sensitive(secret) => secret.expose(),
            };
            let written = env_line(&name, text).map_err(|error| format!("{name}: {error}"))?;
            Ok(match names.get(&name) {
                Some(Shown::AsHash) => Line {
                    observed: env_hash_line(&wish.topology.name, &name, text),
                    shown: format!("{name}=(sensitive)"),
                    written: Secret::new(written),
                },
                Some(Shown::Plainly) | None => Line {
                    observed: written.clone(),
                    shown: written.clone(),
                    written: Secret::new(written),
                },
            })
        })
        .collect()
}

fn standard(wish: &Wish<'_>, env: &Env, app: &App, now: &[String]) -> Vec<(&'static str, String)> {
    let replication = wish.replication;
    let own = |member: &Member| member.server.stack == app.id.stack;
    let seen = |member: &Member| {
        if own(member) {
            member.address.clone()
        } else {
            member.public_address.clone()
        }
    };
    let told: Vec<&Replica> = replication
        .replicas
        .iter()
        .filter(|replica| tell(wish, replica, &seen(&replica.member), now))
        .collect();
    let primary = &replication.primary;
    let nearest = if own(primary) {
        primary
    } else {
        told.iter()
            .map(|replica| &replica.member)
            .find(|member| own(member))
            .unwrap_or(primary)
    };
    if let Some(engine) = engine(&replication.engine.0)
        && let Some(names) = engine.env_names(env.names)
    {
        let members: Vec<(String, u16)> = std::iter::once(primary)
            .chain(told.iter().map(|replica| &replica.member))
            .map(|member| (seen(member), member.instance.port))
            .collect();
        let values = engine.env_values(replication, wish.primary, &members);
        return names.iter().copied().zip(values).collect();
    }
    let join = |members: Vec<String>| members.join(",");
    match env.names {
        Names::Replica => {
            let inner = told
                .iter()
                .filter(|r| own(&r.member))
                .map(|r| r.member.address.clone())
                .collect();
            let outer = told
                .iter()
                .filter(|r| !own(&r.member))
                .map(|r| r.member.public_address.clone())
                .collect();
            vec![
                ("ADDRESS", seen(nearest)),
                ("PRIMARY_ADDRESS", seen(primary)),
                ("REPLICA_ADDRESSES_INT", join(inner)),
                ("REPLICA_ADDRESSES_EXT", join(outer)),
                ("PORT", nearest.instance.port.to_string()),
            ]
        }
        Names::Cloud66 => {
            // Apps beside a replica read from it by ADDRESS and get no slave addresses.
            let told = if own(primary) { told } else { Vec::new() };
            vec![
                ("ADDRESS", seen(nearest)),
                (
                    "SLAVE_ADDRESSES_INT",
                    join(told.iter().map(|r| r.member.address.clone()).collect()),
                ),
                (
                    "SLAVE_ADDRESSES_EXT",
                    join(
                        told.iter()
                            .map(|r| r.member.public_address.clone())
                            .collect(),
                    ),
                ),
            ]
        }
    }
}

/// Whether apps may be told of a replica: it is or will be linked, or nothing is known of it and the file names it.
fn tell(wish: &Wish<'_>, replica: &Replica, address: &str, now: &[String]) -> bool {
    wish.linked.contains(replica.name.as_str())
        || (wish.unknown.contains(replica.name.as_str())
            && now.iter().any(|line| {
                line.split_once('=').is_some_and(|(name, value)| {
                    name.contains("ADDRESSES") && value.split(',').any(|one| one == address)
                })
            }))
}

fn step(
    wish: &Wish<'_>,
    env: &Env,
    app: &App,
    changes: Vec<Change>,
    verified: &BTreeSet<StepId>,
) -> Step {
    let mut diffs: BTreeMap<(Vec<String>, Vec<String>), Vec<String>> = BTreeMap::new();
    let mask = |line: &String| match line.split_once("=(sha256:") {
        Some((name, _)) => format!("{name}=(sensitive)"),
        None => line.clone(),
    };
    for change in &changes {
        let before = change.before.iter().map(mask).collect();
        let after = change.lines.iter().map(|line| line.shown.clone()).collect();
        diffs
            .entry((before, after))
            .or_default()
            .push(change.machine.to_string());
    }
    let hosts = changes.len();
    let only_owed = changes.iter().all(|change| {
        change.owed
            && change
                .before
                .iter()
                .eq(change.lines.iter().map(|l| &l.observed))
    });
    let fact = if only_owed {
        "its file is right, but on_change has not yet succeeded"
    } else {
        "its file says something else"
    };
    Step {
        id: StepId(format!(
            "{}.env.{}.{}",
            wish.replication.name, app.id.stack, app.id.name
        )),
        kind: StepKind::Env,
        replication: wish.replication.name.clone(),
        member: None,
        subject: app.id.to_string(),
        machine: app
            .machines
            .first()
            .cloned()
            .unwrap_or_else(|| MachineId(String::new())),
        what: format!(
            "{hosts} host{}: {}",
            if hosts == 1 { "" } else { "s" },
            if only_owed {
                "run what is still owed"
            } else {
                "tell the app"
            }
        ),
        because: Because {
            place: env.place.clone(),
            fact: fact.to_owned(),
        },
        needs: verified.clone(),
        cost: Cost {
            seconds: 0.5,
            ..Cost::default()
        },
        undo: Undo::By("write the configuration as it was and apply".to_owned()),
        env: diffs
            .into_iter()
            .map(|((before, after), hosts)| EnvDiff {
                path: app.env_file.clone(),
                hosts,
                before,
                after,
                on_change: app.on_change.clone(),
            })
            .collect(),
        actions: changes
            .into_iter()
            .map(|change| action(wish, app, change))
            .collect(),
    }
}

fn action(wish: &Wish<'_>, app: &App, change: Change) -> Action {
    let (topology, replication) = (&wish.topology.name, &wish.replication.name);
    let text: Vec<&str> = change
        .lines
        .iter()
        .map(|line| line.written.expose())
        .collect();
    let sensitive = change
        .lines
        .iter()
        .any(|line| line.observed != line.written.expose());
    let block = if sensitive {
        let hashed: Vec<&str> = change
            .lines
            .iter()
            .map(|line| line.observed.as_str())
            .collect();
        let hash = super::names::digest(hashed.join("\n").as_bytes());
        Argument::Sensitive(Box::new(Sensitive {
            text: Secret::new(text.join("\n")),
            hash,
        }))
    } else {
        Argument::Lines(text.iter().map(|line| (*line).to_owned()).collect())
    };
    let names: Vec<String> = change
        .lines
        .iter()
        .filter_map(|line| line.shown.split_once('=').map(|(name, _)| name.to_owned()))
        .collect();
    Action {
        machine: change.machine,
        lock: format!("env{}", app.env_file.replace('/', "-")),
        work: Work::Script(
            Call::new("apply/env.sh", 360)
                .text("path", &app.env_file)
                .text("begin_line", env_begin_line(topology, replication))
                .text("end_line", env_end_line(topology, replication))
                .text(
                    "pending",
                    pending_file(&app.env_file, topology, replication),
                )
                .text("on_change", app.on_change.clone().unwrap_or_default())
                .with("names", Argument::Lines(names))
                .with("block", block),
        ),
    }
}
