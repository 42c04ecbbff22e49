//! A model of PostgreSQL hosts: what lies on each disk, what runs, who reads from whom.
//!
//! It stands for real hosts in tests of the planner only; nothing that touches a host is claimed by it. `observe` says
//! what the probe and its decoding would say of it, `execute` does what the scripts do.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// One position of the model: a log file.
pub const SEGMENT: u64 = 16 << 20;

/// All hosts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct World {
    /// By machine.
    pub hosts: BTreeMap<String, Host>,
    /// `machine address`: no packet gets through.
    pub closed: BTreeSet<String>,
    /// The next number for whatever must be unique.
    pub next: u64,
    /// What an authority answered in this apply: by the answer's name.
    pub answers: BTreeMap<String, Certificate>,
}

/// A certificate, and the key of the authority that signed it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Certificate {
    /// Its common name.
    pub subject: String,
    /// Its names.
    pub names: Vec<String>,
    /// The authority's key.
    pub authority: u64,
}

/// A member's files for TLS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The authority that lies here.
    pub authority: Option<u64>,
    /// Where the server reads them; empty: nowhere yet.
    pub place: String,
    /// Its certificate, and whom it trusts by it.
    pub certificate: Option<Certificate>,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Host {
    /// Why it can't be reached.
    pub unreachable: Option<String>,
    /// Whether the server's package is installed.
    pub installed: bool,
    /// What could be installed.
    pub installable: Vec<(String, String)>,
    /// Clusters by port.
    pub clusters: BTreeMap<u16, Cluster>,
    /// Marker files.
    pub markers: BTreeMap<String, serde_json::Value>,
    /// Jobs by name.
    pub jobs: BTreeMap<String, Job>,
    /// What each of them does, as a hash.
    pub job_identities: BTreeMap<String, String>,
    /// Environment files by path.
    pub env: BTreeMap<String, Env>,
    /// Free bytes.
    pub disk_free: u64,
    /// Files for TLS by folder.
    pub tls: BTreeMap<String, Tls>,
    /// Bytes of memory.
    pub memory: u64,
    /// The C library's version.
    pub libc: String,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            unreachable: None,
            installed: false,
            installable: vec![("15".into(), "15.18-0+deb12u1".into())],
            clusters: BTreeMap::new(),
            markers: BTreeMap::new(),
            jobs: BTreeMap::new(),
            job_identities: BTreeMap::new(),
            env: BTreeMap::new(),
            disk_free: 71_000_000_000,
            tls: BTreeMap::new(),
            memory: 8_000_000_000,
            libc: "2.36".into(),
        }
    }
}

/// One cluster: its configuration, its directories, its process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cluster {
    /// `15/main`.
    pub name: String,
    /// `15.18`.
    pub version: String,
    /// Another program in charge.
    pub manager: Option<String>,
    /// The data directory.
    pub data: Option<Directory>,
    /// The copy beside it.
    pub copy: Option<Copied>,
    /// What was set aside.
    pub aside: Vec<Directory>,
    /// Whether the server runs.
    pub running: bool,
    /// Whether it starts at boot.
    pub auto: bool,
    /// Whether its log is read by others' slots.
    pub foreign_slots: BTreeSet<String>,
    /// Our drop-in.
    pub drop_in: BTreeMap<String, String>,
    /// Settings in force that aren't Debian's.
    pub in_force: BTreeMap<String, String>,
    /// Role and password in our passfile.
    pub passfile: Option<(String, u64)>,
    /// Roles that pg_hba.conf lets in.
    pub hba: BTreeSet<String>,
    /// Those of them that it lets in only by TLS with their certificate.
    pub by_certificate: BTreeSet<String>,
    /// Roles and passwords.
    pub roles: BTreeMap<String, u64>,
    /// Slots; a lost one is false.
    pub slots: BTreeMap<String, bool>,
    /// The collation of its databases.
    pub collate: String,
    /// How often a server that held data was stopped or restarted.
    pub stops: u32,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            name: "15/main".into(),
            version: "15.18".into(),
            manager: None,
            data: None,
            copy: None,
            aside: Vec::new(),
            running: false,
            auto: false,
            foreign_slots: BTreeSet::new(),
            drop_in: BTreeMap::new(),
            in_force: BTreeMap::new(),
            passfile: None,
            hba: BTreeSet::new(),
            by_certificate: BTreeSet::new(),
            roles: BTreeMap::new(),
            slots: BTreeMap::new(),
            collate: "C.UTF-8".into(),
            stops: 0,
        }
    }
}

/// A directory with a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Directory {
    /// Unique: which directory it is, wherever it was moved.
    pub id: u64,
    /// The system identifier.
    pub set: u64,
    /// Whether a person's data is in it that no other directory has.
    pub precious: bool,
    /// Whether nobody made anything in it.
    pub empty: bool,
    /// Whether it has standby.signal.
    pub standby: bool,
    /// Log files written or replayed.
    pub position: u64,
    /// The oldest log file that is kept.
    pub oldest: u64,
    /// The timeline.
    pub timeline: u32,
    /// Bytes.
    pub bytes: u64,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            id: 0,
            set: 0,
            precious: false,
            empty: false,
            standby: false,
            position: 10,
            oldest: 1,
            timeline: 1,
            bytes: 200_000_000,
        }
    }
}

/// The copy beside the data directory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Copied {
    /// What it is.
    pub directory: Directory,
    /// Whether it is whole and checked.
    pub verified: bool,
}

/// A job of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// It copies.
    Running,
    /// It ended well.
    Ended,
    /// The host lost power.
    Unknown,
}

/// An environment file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Env {
    /// Our blocks, by `topology.replication`.
    pub blocks: BTreeMap<String, Vec<String>>,
    /// Names outside: line and name.
    pub outside: Vec<(u32, String)>,
    /// What `on_change` is owed for.
    pub pending: BTreeSet<String>,
}

impl World {
    /// A number that nothing else has.
    pub fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next + 1000
    }

    /// The cluster on a machine's port.
    pub fn cluster(&self, machine: &str, port: u16) -> Option<&Cluster> {
        self.hosts.get(machine)?.clusters.get(&port)
    }

    /// Whether packets get from one machine to another's address.
    pub fn open(&self, from: &str, to: &str) -> bool {
        !self.closed.contains(&format!("{from} {to}")) && self.hosts.contains_key(to)
    }

    /// Whom a cluster's settings say it reads from, in force.
    pub fn upstream_of(&self, machine: &str, port: u16) -> Option<(String, u16)> {
        let cluster = self.cluster(machine, port)?;
        replform::engines::postgresql::host_and_port(cluster.in_force.get("primary_conninfo")?)
    }

    /// Whether an upstream lets a role in with what its connection string says of TLS.
    pub fn lets_in(
        &self,
        machine: &str,
        host: &str,
        upstream: &Cluster,
        role: &str,
        conninfo: &str,
    ) -> Result<(), String> {
        let encrypted = conninfo.contains("sslmode=verify-full");
        if upstream.by_certificate.contains(role) != encrypted {
            return Err(format!(
                "no pg_hba.conf entry for user \"{role}\" with this encryption"
            ));
        }
        let certificates = |at: &str| {
            let host = self.hosts.get(at);
            let files = host.into_iter().flat_map(|host| host.tls.values());
            files
                .filter_map(|one| one.certificate.clone())
                .collect::<Vec<_>>()
        };
        let (own, theirs) = (certificates(machine), certificates(host));
        let proves = own.iter().any(|own| {
            own.subject == role
                && theirs.iter().any(|one| {
                    one.authority == own.authority && one.names.contains(&format!("IP:{host}"))
                })
        });
        if encrypted && !proves {
            return Err("SSL error: certificate verify failed".into());
        }
        Ok(())
    }

    /// Why a standby doesn't follow; `Ok` when it does.
    pub fn follows(&self, machine: &str, port: u16) -> Result<(String, u16), String> {
        let own = self.cluster(machine, port).ok_or("no cluster")?;
        let data = own.data.as_ref().ok_or("no data")?;
        if !own.running || !data.standby {
            return Err("it doesn't run as a standby".into());
        }
        let (host, upstream_port) = self.upstream_of(machine, port).ok_or("not connected")?;
        let refused = || Err(format!("could not connect to {host}:{upstream_port}"));
        if !self.open(machine, &host) {
            return refused();
        }
        let Some(upstream) = self.cluster(&host, upstream_port) else {
            return refused();
        };
        let Some(theirs) = upstream.data.as_ref() else {
            return refused();
        };
        if !upstream.running || !upstream.listens(&host) {
            return refused();
        }
        if let Some(slot) = own.in_force.get("primary_slot_name") {
            let conninfo = own
                .in_force
                .get("primary_conninfo")
                .map_or("", String::as_str);
            if let Some((role, _)) = &own.passfile {
                self.lets_in(machine, &host, upstream, role, conninfo)?;
            }
            let by_peer = slot.starts_with("replform_");
            let (role, password) = own.passfile.clone().unwrap_or_default();
            if by_peer
                && (!upstream.hba.contains(&role) || upstream.roles.get(&role) != Some(&password))
            {
                return Err(format!(
                    "password authentication failed for user \"{role}\""
                ));
            }
            match upstream.slots.get(slot) {
                Some(true) => {}
                Some(false) => return Err("requested WAL segment has been removed".into()),
                None if upstream.foreign_slots.contains(slot) => {}
                None => return Err(format!("replication slot \"{slot}\" does not exist")),
            }
        }
        if theirs.set != data.set {
            return Err("database system identifier differs".into());
        }
        if theirs.timeline != data.timeline || data.position > theirs.position {
            return Err("the timeline forked".into());
        }
        if data.position < theirs.oldest {
            return Err("requested WAL segment has been removed".into());
        }
        Ok((host, upstream_port))
    }

    /// Time passes: who follows has everything, writable servers are written to.
    pub fn settle(&mut self) {
        for host in self.hosts.values_mut() {
            for cluster in host.clusters.values_mut() {
                if let Some(data) = &mut cluster.data
                    && cluster.running
                    && !data.standby
                    && !data.empty
                {
                    data.position += 1;
                }
            }
        }
        let keys = self.keys();
        // What is written goes down the whole tree: as many times as it can be deep.
        for (machine, port) in keys.iter().cycle().take(keys.len() * 4).cloned() {
            if let Ok((host, upstream)) = self.follows(&machine, port) {
                let from = self.cluster(&host, upstream).unwrap();
                let position = from.data.as_ref().unwrap().position;
                let roles = from.roles.clone();
                let own = self
                    .hosts
                    .get_mut(&machine)
                    .unwrap()
                    .clusters
                    .get_mut(&port)
                    .unwrap();
                own.data.as_mut().unwrap().position = position;
                own.roles = roles;
            }
        }
    }

    /// Every cluster.
    pub fn keys(&self) -> Vec<(String, u16)> {
        self.hosts
            .iter()
            .flat_map(|(machine, host)| host.clusters.keys().map(|port| (machine.clone(), *port)))
            .collect()
    }

    /// A host loses power and comes back.
    pub fn reboot(&mut self, machine: &str) {
        let Some(host) = self.hosts.get_mut(machine) else {
            return;
        };
        for job in host.jobs.values_mut() {
            if *job == Job::Running {
                *job = Job::Unknown;
            }
        }
        for cluster in host.clusters.values_mut() {
            cluster.running = false;
            if cluster.auto {
                cluster.start();
            }
        }
    }
}

impl Cluster {
    /// A setting in force, where it isn't Debian's own.
    pub fn setting<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.in_force.get(name).map_or(default, String::as_str)
    }

    /// Whether it listens on an address.
    pub fn listens(&self, address: &str) -> bool {
        self.setting("listen_addresses", "localhost")
            .split(',')
            .any(|one| one.trim() == address || one.trim() == "*")
    }

    /// Starts it with what its files say.
    pub fn start(&mut self) {
        if self.data.is_some() {
            self.running = true;
            let files = self.drop_in.clone();
            self.in_force.extend(files);
        }
    }

    /// Stops it.
    pub fn stop(&mut self) {
        if self.running && self.data.as_ref().is_some_and(|data| !data.empty) {
            self.stops += 1;
        }
        self.running = false;
    }

    /// Whether it takes writes now.
    pub fn writable(&self) -> bool {
        self.running && self.data.as_ref().is_some_and(|data| !data.standby)
    }
}
