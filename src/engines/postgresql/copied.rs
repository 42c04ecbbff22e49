//! What a replica will be when it is linked: others that are to read from it are planned with that.

use super::facts::{PostgresFacts, REPLICA_LIMITS, Setting};
use super::settings;
use crate::engines::{Engine, Link, checks};
use crate::observe::{Data, Instance, Role, ServerState, Streaming, UpstreamSeen};
use crate::topology::Bytes;

/// Settings of a cluster that Debian has just made, which a link from it may change: context and value (engine page, section 1).
const DEBIAN: [(&str, &str, &str); 9] = [
    ("listen_addresses", "postmaster", "localhost"),
    ("wal_level", "postmaster", "replica"),
    ("max_replication_slots", "postmaster", "10"),
    ("wal_log_hints", "postmaster", "off"),
    ("max_slot_wal_keep_size", "sighup", "-1"),
    ("ssl", "sighup", "on"),
    (
        "ssl_cert_file",
        "sighup",
        "/etc/ssl/certs/ssl-cert-snakeoil.pem",
    ),
    (
        "ssl_key_file",
        "sighup",
        "/etc/ssl/private/ssl-cert-snakeoil.key",
    ),
    ("ssl_ca_file", "sighup", ""),
];

/// Settings that are the data set's own.
const OF_THE_DATA: [&str; 2] = ["data_checksums", "wal_segment_size"];

/// The instance after the link's steps; `None`: as it is now, or its observation can't be read.
pub(super) fn copied(link: &Link<'_>) -> Option<Instance> {
    let copies = link.relation.needs_copy();
    if !copies && link.instance.server == ServerState::Running {
        return None;
    }
    let own = PostgresFacts::of(link.instance).ok()?;
    let upstream = PostgresFacts::of(link.upstream_instance).ok()?;
    let mut facts = (*own).clone();
    facts.reads_drop_ins = true;
    facts.drop_in = settings::replica_lines(link, &own, &upstream);
    facts.settings = settings_after(&own, &upstream, &facts.drop_in);
    facts.passfile = true;
    facts.roles.clone_from(&upstream.roles);
    let mut instance = link.instance.clone();
    instance.server = ServerState::Running;
    instance.role = Some(Role::Replica);
    instance.upstream = Some(UpstreamSeen {
        host: link.upstream_address().to_owned(),
        port: link.upstream.instance.port,
        streaming: Streaming::Yes,
        lag_seconds: None,
    });
    if copies {
        let version = link.instance.version.clone();
        instance.version = version.or_else(|| link.upstream_instance.version.clone());
        let theirs = link.upstream_instance;
        instance.identity.clone_from(&theirs.identity);
        instance.position.clone_from(&theirs.position);
        instance.data = data(link);
        instance.downstreams.clear();
        with_the_data(&mut facts, link, &upstream);
    }
    instance.details = serde_json::to_value(facts).ok()?.into();
    Some(instance)
}

/// What comes with the copy.
fn with_the_data(facts: &mut PostgresFacts, link: &Link<'_>, upstream: &PostgresFacts) {
    facts.cluster = Some(settings::cluster_of(link));
    facts.major = upstream.major;
    facts.control.clone_from(&upstream.control);
    facts.signals = vec!["standby.signal".to_owned()];
    facts.missing = None;
    facts.databases.clone_from(&upstream.databases);
    facts.tablespaces.clone_from(&upstream.tablespaces);
    facts.timeline = upstream.timeline;
    facts.history.clone_from(&upstream.history);
    // It has the log from its copy's start on.
    facts.oldest_wal = super::relation::position(link.upstream_instance, upstream)
        .map(|(_, lsn)| lsn.segment_start(upstream.segment_bytes()));
    facts.wal_bytes_per_second = upstream.wal_bytes_per_second;
    // What it kept for others goes with the old directory.
    facts.slots.clear();
    facts.senders.clear();
    facts.backups.clear();
}

fn settings_after(
    own: &PostgresFacts,
    upstream: &PostgresFacts,
    drop_in: &[String],
) -> std::collections::BTreeMap<String, Setting> {
    let mut after = own.settings.clone();
    let mut set = |name: &str, context: &str, value: &str| {
        let setting = after.entry(name.to_owned()).or_insert_with(|| Setting {
            value: String::new(),
            unit: String::new(),
            context: context.to_owned(),
            source: "default".to_owned(),
            pending_restart: false,
        });
        value.clone_into(&mut setting.value);
    };
    for (name, context, usual) in DEBIAN {
        set(
            name,
            context,
            own.setting_or_configured(name).unwrap_or(usual),
        );
    }
    for name in REPLICA_LIMITS {
        let value = own
            .setting_or_configured(name)
            .and_then(|value| value.parse().ok())
            .unwrap_or(0)
            .max(upstream.limit(name).unwrap_or(0));
        set(name, "postmaster", &value.to_string());
    }
    for name in OF_THE_DATA {
        if let Some(value) = upstream.setting(name) {
            set(name, "internal", value);
        }
    }
    for written in drop_in {
        let Some((name, value)) = written.split_once(" = ") else {
            continue;
        };
        if DEBIAN.iter().any(|(known, ..)| *known == name) {
            let value = value.trim_matches('\'').replace("''", "'");
            set(name, "sighup", &value);
        }
    }
    after
}

fn data(link: &Link<'_>) -> Option<Data> {
    let theirs = link.upstream_instance.data.as_ref()?;
    let (free, directory) = checks::free_disk(link)
        .unwrap_or_else(|| (Bytes(0), super::PostgreSql.data_directory(link)));
    Some(Data {
        directory,
        bytes: theirs.copy_bytes,
        disk_size: link
            .instance
            .data
            .as_ref()
            .map_or(Bytes(0), |own| own.disk_size),
        disk_free: Bytes(free.0.saturating_sub(theirs.copy_bytes.0)),
        empty: false,
        databases: theirs.databases.clone(),
        copy_bytes: theirs.copy_bytes,
    })
}
