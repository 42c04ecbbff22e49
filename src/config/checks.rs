//! What blocks must not be to one another: two servers on one host, one instance in two parts, circles of upstreams,
//! two writers of one variable. Every look-up is by key, so that ten thousand replications stay fast.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::decode::apps::DecodedApp;
use super::decode::replications::DecodedReplication;
use super::decode::servers::DecodedServer;
use crate::diagnostics::{Diagnostic, Span, codes};
use crate::engines::registry::{Description, Primary, description};
use crate::topology::{AppId, Machine, MachineId, ServerId, Upstream, env_names};

/// Everything that was decoded.
pub struct Decoded<'a> {
    /// All servers.
    pub servers: &'a [Rc<DecodedServer>],
    /// All apps.
    pub apps: &'a [Rc<DecodedApp>],
    /// All replications.
    pub replications: &'a [DecodedReplication],
}

/// Every check; returns the machines.
pub fn check(decoded: &Decoded<'_>, out: &mut Vec<Diagnostic>) -> BTreeMap<MachineId, Machine> {
    let machines = machines(decoded, out);
    addresses(decoded.servers, out);
    instances(decoded.replications, out);
    for replication in decoded.replications {
        upstreams(replication, out);
        if let Some(engine) = description(&replication.replication.engine.0)
            && engine.primary == Primary::Elected
        {
            elected(engine, replication, out);
        }
    }
    writers(decoded, out);
    machines
}

/// Each machine once, with one way to log in.
fn machines(decoded: &Decoded<'_>, out: &mut Vec<Diagnostic>) -> BTreeMap<MachineId, Machine> {
    let mut seen: BTreeMap<&MachineId, (&Machine, Span)> = BTreeMap::new();
    for server in decoded.servers {
        match seen.get(&server.machine.id) {
            None => {
                seen.insert(&server.machine.id, (&server.machine, server.host_span));
            }
            Some((first, place)) => out.push(
                Diagnostic::error(codes::SAME_HOST, server.host_span, format!("{} is this machine already", first.label))
                    .note(*place, "the first one")
                    .help("refer to that server; several databases on it are told apart by port in the engine's block"),
            ),
        }
    }
    for (machine, span) in decoded.apps.iter().flat_map(|app| &app.machines) {
        match seen.get(&machine.id) {
            None => {
                seen.insert(&machine.id, (machine, *span));
            }
            Some((first, place)) if first.ssh != machine.ssh => out.push(
                Diagnostic::error(
                    codes::TWO_LOGINS,
                    *span,
                    format!("{} is this host too, with other ssh settings", first.label),
                )
                .note(*place, "the other one")
                .help("give both the same ssh settings, in the top ssh block or in both blocks"),
            ),
            Some(_) => {}
        }
    }
    seen.into_values()
        .map(|(machine, _)| (machine.id.clone(), machine.clone()))
        .collect()
}

/// Inside a stack each server has an address of its own.
fn addresses(servers: &[Rc<DecodedServer>], out: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<(&str, &str), &DecodedServer> = BTreeMap::new();
    for server in servers {
        let key = (
            server.server.id.stack.as_str(),
            server.server.address.as_str(),
        );
        match seen.get(&key) {
            // The same host is the same machine, and has been told.
            Some(first) if first.server.machine != server.server.machine => out.push(
                Diagnostic::error(
                    codes::SAME_ADDRESS,
                    server.address_span,
                    format!("{} has this address in the same stack", first.server.id),
                )
                .note(first.address_span, "the first one")
                .help("give each an address of its own, or put them into different stacks"),
            ),
            Some(_) => {}
            None => {
                seen.insert(key, server);
            }
        }
    }
}

/// An instance (server, engine, port) has one part in one replication.
fn instances(replications: &[DecodedReplication], out: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<(&ServerId, u16), (Span, String, &str)> = BTreeMap::new();
    for decoded in replications {
        let replication = &decoded.replication;
        let primary = (
            &replication.primary,
            decoded.primary_span,
            "primary".to_owned(),
        );
        let replicas = decoded.replicas.iter().map(|replica| {
            (
                &replica.replica.member,
                replica.server_span,
                format!("replica \"{}\"", replica.replica.name),
            )
        });
        let members = std::iter::once(primary)
            .chain(replicas)
            .map(|(member, span, part)| (&member.server, member.instance.port, span, part));
        // An arbiter has the port of its set.
        let arbiter = decoded.arbiter.as_ref().map(|(server, span)| {
            let port = replication.primary.instance.port;
            (&server.server.id, port, *span, "arbiter".to_owned())
        });
        for (server, port, span, part) in members.chain(arbiter) {
            let key = (server, port);
            match seen.get(&key) {
                None => {
                    seen.insert(
                        key,
                        (
                            span,
                            format!("the {part} of {}", replication.name),
                            &replication.engine.0,
                        ),
                    );
                }
                Some((place, owner, engine)) => {
                    let what = format!("port {port} of {server} is {owner}");
                    let other = if *engine == replication.engine.0 {
                        ""
                    } else {
                        ", of another engine"
                    };
                    out.push(
                        Diagnostic::error(codes::SAME_INSTANCE, span, format!("{what}{other}"))
                            .note(*place, "here")
                            .help(format!(
                                "name another server, or another port: {} {{ port = … }}",
                                replication.engine
                            )),
                    );
                }
            }
        }
    }
}

/// Following upstream must end at the primary.
fn upstreams(decoded: &DecodedReplication, out: &mut Vec<Diagnostic>) {
    let by_name: BTreeMap<&str, usize> = decoded
        .replicas
        .iter()
        .enumerate()
        .map(|(index, replica)| (replica.replica.name.as_str(), index))
        .collect();
    let next = |index: usize| match &decoded.replicas[index].replica.upstream {
        Upstream::Primary => None,
        Upstream::Replica(name) => by_name.get(name.as_str()).copied(),
    };
    // Which walk came by: each replica is walked over once, so a chain of thousands stays cheap.
    let mut walked = vec![None; decoded.replicas.len()];
    for start in 0..decoded.replicas.len() {
        let mut at = Some(start);
        while let Some(index) = at.filter(|index| walked[*index].is_none()) {
            walked[index] = Some(start);
            at = next(index);
        }
        let Some(entry) = at.filter(|index| walked[*index] == Some(start)) else {
            continue;
        };
        let mut names = vec![decoded.replicas[entry].replica.name.as_str()];
        let mut index = next(entry);
        while let Some(other) = index.filter(|other| *other != entry) {
            names.push(&decoded.replicas[other].replica.name);
            index = next(other);
        }
        names.push(names[0]);
        let span = decoded.replicas[entry]
            .upstream_span
            .unwrap_or(decoded.replicas[entry].heading);
        let label = match names.len() {
            2 => "a replica can't follow itself".to_owned(),
            _ => format!("{} follow each other in a circle", names.join(" → ")),
        };
        out.push(
            Diagnostic::error(codes::UPSTREAM_CYCLE, span, label)
                .help("let one of them follow the primary: take its upstream out"),
        );
    }
}

/// A set stands in one stack and has an odd number of votes.
fn elected(engine: &Description, decoded: &DecodedReplication, out: &mut Vec<Diagnostic>) {
    let replication = &decoded.replication;
    let stack = &replication.primary.server.stack;
    let far = decoded
        .replicas
        .iter()
        .find(|replica| replica.replica.member.server.stack != *stack);
    if let Some(replica) = far {
        let label = format!(
            "this is in stack \"{}\", the primary in \"{stack}\"",
            replica.replica.member.server.stack
        );
        out.push(
            Diagnostic::error(codes::SET_BETWEEN_STACKS, replica.server_span, label)
                .note(decoded.primary_span, "the primary")
                .help(format!(
                    "put all members of a {} set into one stack",
                    engine.title
                )),
        );
    }
    if let Some((server, span)) = &decoded.arbiter
        && server.server.id.stack != *stack
    {
        let label = format!(
            "the arbiter is in stack \"{}\", the primary in \"{stack}\"",
            server.server.id.stack
        );
        out.push(
            Diagnostic::error(codes::SET_BETWEEN_STACKS, *span, label)
                .note(decoded.primary_span, "the primary")
                .help(format!(
                    "name a server of stack \"{stack}\", or add a replica there instead"
                )),
        );
    }
    let voters = 1 + decoded.replicas.len() + usize::from(decoded.arbiter.is_some());
    if voters.is_multiple_of(2) {
        let label = format!("{voters} members have a vote");
        let diagnostic = Diagnostic::error(codes::EVEN_VOTERS, decoded.heading, label);
        out.push(match &decoded.arbiter {
            Some((_, span)) => diagnostic
                .note(*span, "the arbiter has a vote too")
                .help("take the arbiter out, or add a replica"),
            None => diagnostic.help(format!(
                "add a replica, or an arbiter: {} {{ arbiter = stack.{stack}.server.NAME }}",
                engine.name
            )),
        });
    }
}

/// Each variable of an environment file has one writer.
fn writers<'a>(decoded: &'a Decoded<'_>, out: &mut Vec<Diagnostic>) {
    let apps: BTreeMap<&AppId, &DecodedApp> = decoded
        .apps
        .iter()
        .map(|app| (&app.app.id, &**app))
        .collect();
    let mut seen: BTreeMap<(&'a MachineId, &'a str, String), (Span, String)> = BTreeMap::new();
    for replication in decoded.replications {
        let Some(env) = &replication.env else {
            continue;
        };
        let mut told = false;
        for (id, target) in env.env.targets.iter().zip(&env.targets) {
            let Some(app) = apps.get(id) else {
                continue;
            };
            for name in written_names(replication, id, out) {
                for machine in &app.app.machines {
                    let owner = format!("{} for {id}", replication.replication.name);
                    let key = (machine, app.app.env_file.as_str(), name.clone());
                    let place = env.variables.get(&name).copied().unwrap_or(*target);
                    match seen.get(&key) {
                        None => {
                            seen.insert(key, (place, owner));
                        }
                        Some((first, other)) if !told => {
                            told = true;
                            let label = format!(
                                "{name} in {} on {machine} is written by {other} too",
                                app.app.env_file
                            );
                            out.push(
                                Diagnostic::error(codes::TWO_WRITERS, place, label)
                                    .note(*first, "the other writer")
                                    .help("give one of the two env blocks another prefix, or another variable name"),
                            );
                        }
                        Some(_) => {}
                    }
                }
            }
        }
    }
}

/// The names that a replication writes for an app; an extra variable must not be one of the standard ones.
fn written_names(
    decoded: &DecodedReplication,
    app: &AppId,
    out: &mut Vec<Diagnostic>,
) -> Vec<String> {
    let Some(env) = &decoded.env else {
        return Vec::new();
    };
    let mut standard = env.env.clone();
    standard.variables.clear();
    let standard = env_names(&decoded.replication, &standard, app);
    let extra = env
        .env
        .variables
        .get(app)
        .into_iter()
        .flat_map(BTreeMap::keys);
    let mut names: Vec<String> = standard.keys().cloned().collect();
    for name in extra {
        if standard.contains_key(name) {
            let span = env.variables.get(name).copied().unwrap_or(env.heading);
            out.push(
                Diagnostic::error(
                    codes::TWO_WRITERS,
                    span,
                    format!("{name} is one of the names that the env block writes itself"),
                )
                .help("choose another name"),
            );
        } else {
            names.push(name.clone());
        }
    }
    names
}
