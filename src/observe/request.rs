//! What each machine is asked: from the topology to one probe script per machine. Pure; [`super::ask`] sends it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engines::engine;
use crate::remote::{QuoteError, quote};
use crate::topology::{
    MachineId, Member, Replication, Shown, Topology, Upstream, env_files_of, pending_key,
};

/// The host's part of the probe.
pub const PROBE_SCRIPT: &str = include_str!("probe.sh");

/// What one machine is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeRequest {
    /// The topology, whose blocks in environment files are ours.
    pub topology: String,
    /// The ports of interest, by engine.
    pub engines: BTreeMap<String, BTreeSet<u16>>,
    /// Address and port of the upstreams that replicas on this machine read from.
    pub reach: BTreeSet<(String, u16)>,
    /// The environment files of the apps on this machine, with the names that we keep there.
    pub env: BTreeMap<String, BTreeMap<String, Shown>>,
    /// The user's own certificates: authority, certificate and key, paths.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub certificates: BTreeSet<(String, String, String)>,
}

/// The requests of all machines.
pub fn requests(topology: &Topology) -> BTreeMap<MachineId, ProbeRequest> {
    let mut requests: BTreeMap<MachineId, ProbeRequest> = topology
        .machines
        .keys()
        .map(|id| {
            let request = ProbeRequest {
                topology: topology.name.clone(),
                env: env_files_of(topology, id),
                ..ProbeRequest::default()
            };
            (id.clone(), request)
        })
        .collect();
    for (machine, path) in &topology.former.files {
        if let Some(request) = requests.get_mut(machine) {
            request.env.entry(path.clone()).or_default();
        }
    }
    for replication in topology.all_replications() {
        let former = topology.former_replicas(&replication.name).iter();
        let members = replication.members().map(|(_, member)| member);
        for member in members.chain(former.map(|replica| &replica.member)) {
            if let Some(request) = requests.get_mut(&member.machine) {
                request
                    .engines
                    .entry(replication.engine.0.clone())
                    .or_default()
                    .insert(member.instance.port);
                request
                    .certificates
                    .extend(replication.certificates.iter().map(|own| {
                        (
                            own.ca_file.clone(),
                            own.cert_file.clone(),
                            own.key_file.clone(),
                        )
                    }));
            }
        }
        for replica in &replication.replicas {
            if let Some(upstream) = upstream_of(replication, &replica.upstream)
                && let Some(request) = requests.get_mut(&replica.member.machine)
            {
                let address = address_for(upstream, &replica.member);
                request
                    .reach
                    .insert((address.to_owned(), upstream.instance.port));
            }
        }
    }
    requests
}

/// The key of a try to connect in [`super::Facts::reach`]: `10.0.0.11:5432`, `[2001:db8::1]:5432`.
pub fn reach_key(address: &str, port: u16) -> String {
    if address.contains(':') {
        format!("[{address}]:{port}")
    } else {
        format!("{address}:{port}")
    }
}

/// The address at which `reader` reaches `upstream`: the inner one within a stack, else the public one.
fn address_for<'a>(upstream: &'a Member, reader: &Member) -> &'a str {
    if upstream.server.stack == reader.server.stack {
        &upstream.address
    } else {
        &upstream.public_address
    }
}

fn upstream_of<'a>(replication: &'a Replication, upstream: &Upstream) -> Option<&'a Member> {
    match upstream {
        Upstream::Primary => Some(&replication.primary),
        Upstream::Replica(name) => replication.replica(name).map(|replica| &replica.member),
    }
}

impl ProbeRequest {
    /// The whole text for `sh -s`: variables, the host's part, each engine's part.
    ///
    /// # Errors
    /// When a name or path holds a NUL byte.
    pub fn script(&self) -> Result<String, QuoteError> {
        let mut text = String::from("{\n");
        let reach = self
            .reach
            .iter()
            .map(|(address, port)| format!("{address} {port}"));
        for (name, value) in [
            ("topology", self.topology.clone()),
            ("reach", lines(reach)),
            (
                "env_files",
                lines(self.env.iter().map(|(p, n)| env_row(p, n))),
            ),
            (
                "certificates",
                lines(
                    self.certificates
                        .iter()
                        .map(|(ca, certificate, key)| format!("{ca}\t{certificate}\t{key}")),
                ),
            ),
        ] {
            text.push_str(&format!("{name}={}\n", quote(&value)?));
        }
        text.push_str(PROBE_SCRIPT);
        text.push_str("\nprobe_begin\n");
        for (name, ports) in &self.engines {
            if let Some(engine) = engine(name) {
                text.push_str(&format!(
                    "probe_engine {name} {} {}\n",
                    quote(&lines(ports.iter().map(u16::to_string)))?,
                    quote(engine.probe_script())?
                ));
            }
        }
        text.push_str("probe_end\nexit\n}\n");
        Ok(text)
    }
}

/// One line of the probe's `env_files`; `-` stands for an empty part.
fn env_row(path: &str, names: &BTreeMap<String, Shown>) -> String {
    let join = |plain_only: bool| {
        let chosen: Vec<&str> = names
            .iter()
            .filter(|(_, shown)| !plain_only || **shown == Shown::Plainly)
            .map(|(name, _)| name.as_str())
            .collect();
        if chosen.is_empty() {
            "-".to_owned()
        } else {
            chosen.join(",")
        }
    };
    format!(
        "{}\t{}\t{}\t{path}",
        pending_key(path),
        join(false),
        join(true)
    )
}

fn lines(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join("\n")
}
