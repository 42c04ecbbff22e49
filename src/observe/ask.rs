//! Asks all machines at once: one session and one round trip each, over [`crate::remote`]. The only I/O with hosts here.
//!
//! Never changes anything on a machine, and never fails: a machine that can't be asked is an observation with a reason.
//! [`Network`] bounds the handshakes; one command a machine, bounded in time and in what it may print.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::task::JoinSet;

use super::{
    MachineObservation, OBSERVATION_FORMAT, Observation, ProbeRequest, RoundTrip, decode, requests,
};
use crate::remote::{Command, Network, Target};
use crate::topology::{Machine, MachineId, Topology};

/// The whole probe of one machine: above an engine's own 25 s and reach's 4 s.
const PROBE_LIMIT: Duration = Duration::from_secs(60);

/// The most that a probe may print.
const PROBE_BYTES: usize = 8 * 1024 * 1024;

/// Observes every machine of a topology.
pub async fn observe(network: &Arc<Network>, topology: &Topology) -> Observation {
    observe_machines(network, topology, requests(topology)).await
}

/// Observes the machines that `requests` names.
pub async fn observe_machines(
    network: &Arc<Network>,
    topology: &Topology,
    requests: BTreeMap<MachineId, ProbeRequest>,
) -> Observation {
    let observed_at = jiff::Timestamp::now().to_string();
    let mut asked = JoinSet::new();
    let mut machines = BTreeMap::new();
    for (id, request) in requests {
        let Some(machine) = topology.machines.get(&id) else {
            continue;
        };
        machines.insert(
            id.clone(),
            unreachable("not_asked", "it was not asked to the end".to_owned()),
        );
        let (network, target) = (Arc::clone(network), target(machine));
        asked.spawn(async move { (id, ask(&network, &target, &request).await) });
    }
    while let Some(answer) = asked.join_next().await {
        match answer {
            Ok((id, observation)) => {
                machines.insert(id, observation);
            }
            // A task that panicked leaves its machine `not_asked`.
            Err(error) => tracing::error!(%error, "a probe's task ended early"),
        }
    }
    Observation {
        format_version: OBSERVATION_FORMAT.to_owned(),
        replform: env!("CARGO_PKG_VERSION").to_owned(),
        topology: topology.name.clone(),
        observed_at,
        machines,
    }
}

/// How SSH reaches a machine of the topology.
pub fn target(machine: &Machine) -> Target {
    let ssh = &machine.ssh;
    Target {
        name: machine.label.clone(),
        host: ssh.host.clone(),
        port: ssh.port,
        user: ssh.user.clone(),
        identity_file: ssh.identity_file.clone(),
        known_hosts: ssh.known_hosts.clone(),
        jump: ssh.jump.clone(),
        sudo: ssh.sudo,
    }
}

async fn ask(network: &Network, target: &Target, request: &ProbeRequest) -> MachineObservation {
    let script = match request.script() {
        Ok(script) => script,
        Err(error) => return unreachable("unquotable", error.to_string()),
    };
    let connection = match network.connect(target).await {
        Ok(connection) => connection,
        Err(error) => return unreachable(error.reason(), error.to_string()),
    };
    let command = Command::new("sh -s")
        .stdin(script.into_bytes())
        .timeout(PROBE_LIMIT)
        .output_bytes(PROBE_BYTES);
    let asked = seconds_now();
    let output = match connection.run(command).await {
        Ok(output) => output,
        Err(error) => return unreachable(error.reason(), error.to_string()),
    };
    let trip = RoundTrip {
        asked,
        answered: seconds_now(),
    };
    let errors = output.stderr_text();
    if !errors.trim().is_empty() {
        tracing::debug!(
            machine = target.name,
            errors = errors.trim(),
            "the probe's standard error"
        );
    }
    match decode(&output.stdout_text(), request, trip) {
        Ok(facts) => MachineObservation::Reached(Box::new(facts)),
        Err(error) => {
            let said = match errors.lines().rfind(|line| !line.trim().is_empty()) {
                Some(line) => format!("; its last words: {}", line.trim()),
                None => String::new(),
            };
            let status = &output.status;
            unreachable(
                error.reason(),
                format!("{}: {error} ({status}{said})", target.name),
            )
        }
    }
}

fn unreachable(reason: &str, message: String) -> MachineObservation {
    MachineObservation::Unreachable {
        reason: reason.to_owned(),
        message,
    }
}

/// Seconds since the epoch by this machine's clock.
fn seconds_now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
