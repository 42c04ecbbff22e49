//! Redis' part of TLS: a port of its own on the upstream, and on the replica `tls-replication`. All of it changes online.
//!
//! Redis verifies the authority only, never a name: so the authority is this replication's alone. The plain port stays open beside
//! the other, for the apps that use it. A TLS port that is there already is its apps', and so is the certificate it shows.

use super::facts::RedisFacts;
use super::settings;
use crate::diagnostics::codes;
use crate::engines::checks::Checks;
use crate::engines::secure::{self, Files, Proved};
use crate::engines::settings::Change;
use crate::engines::steps::lock;
use crate::engines::{Link, Upstreams};
use crate::plan::findings::choice;
use crate::plan::{Action, Call, Step, Work};
use crate::topology::MemberId;

/// The directory of our files: one an instance, since a host may have several.
pub(super) fn place(conf: &str, port: u16) -> String {
    let directory = conf
        .rsplit_once('/')
        .map_or("/etc/redis", |(directory, _)| directory);
    format!("{directory}/replform-{port}")
}

/// The server's user: Debian's packages name it after the product, and so its configuration's directory.
pub(super) fn owner(conf: &str) -> &str {
    conf.split('/').nth(2).unwrap_or("redis")
}

/// The TLS port that a server has, if any.
fn port_there(facts: &RedisFacts) -> Option<u16> {
    facts
        .setting("tls-port")?
        .parse()
        .ok()
        .filter(|port| *port != 0)
}

/// The TLS port of an upstream: the one it has, else the one beside its own.
pub(super) fn port(facts: &RedisFacts, port: u16) -> u16 {
    port_there(facts).unwrap_or(port.saturating_add(1))
}

/// The port that a link's replica dials.
pub(super) fn dialled_port(link: &Link<'_>, upstream: &RedisFacts) -> u16 {
    let plain = link.upstream.instance.port;
    if link.verifies() {
        port(upstream, plain)
    } else {
        plain
    }
}

fn replica_files(link: &Link<'_>) -> Files {
    let place = place(&settings::conf_of(link), link.replica.member.instance.port);
    secure::files(link.replication, &place)
}

/// Variables of scripts that log in upstream: the files, empty for in clear.
pub(super) fn login(link: &Link<'_>, call: Call) -> Call {
    let files = if link.verifies() {
        replica_files(link)
    } else {
        Files {
            ca: String::new(),
            certificate: String::new(),
            key: String::new(),
        }
    };
    call.text("tls_ca", files.ca)
        .text("tls_cert", files.certificate)
        .text("tls_key", files.key)
}

/// What a replica's configuration says of it.
pub(super) fn replica_lines(link: &Link<'_>, facts: &RedisFacts) -> Vec<String> {
    if !link.verifies() {
        let was = facts.setting("tls-replication") == Some("yes");
        return if was {
            vec!["tls-replication no".to_owned()]
        } else {
            Vec::new()
        };
    }
    let files = replica_files(link);
    vec![
        format!("tls-ca-cert-file {}", files.ca),
        format!("tls-cert-file {}", files.certificate),
        format!("tls-key-file {}", files.key),
        "tls-replication yes".to_owned(),
    ]
}

/// Why a replica that follows isn't encrypted as written; `None`: it is.
pub(super) fn reads_otherwise(link: &Link<'_>, facts: &RedisFacts) -> Option<String> {
    let encrypted = facts.setting("tls-replication") == Some("yes");
    let ca = facts.setting("tls-ca-cert-file");
    match link.verifies() {
        true if !encrypted => {
            Some("its connection isn't encrypted (tls-replication is off)".to_owned())
        }
        true if ca != Some(replica_files(link).ca.as_str()) => {
            Some("it trusts another authority than is wanted".to_owned())
        }
        false if encrypted => Some("its connection is encrypted, and tls isn't wanted".to_owned()),
        _ => None,
    }
}

fn upstream_place(upstreams: &Upstreams<'_>, facts: &RedisFacts) -> String {
    place(&facts.conf, upstreams.member.instance.port)
}

/// A certificate that the server shows on a TLS port of its own.
fn of_others<'a>(upstreams: &Upstreams<'_>, facts: &'a RedisFacts) -> Option<&'a str> {
    port_there(facts)?;
    let shown = facts
        .setting("tls-cert-file")
        .filter(|shown| !shown.is_empty())?;
    let place = upstream_place(upstreams, facts);
    let own = secure::files(upstreams.replication, &place).certificate;
    let marked = upstreams
        .marker
        .and_then(|marker| marker.settings.get("tls-cert-file"));
    let ours =
        shown.starts_with(&format!("{place}/")) || marked.is_some_and(|change| change.set == shown);
    (shown != own && !ours).then_some(shown)
}

/// The settings by which the server proves itself and knows its replicas' certificates.
pub(super) fn server_changes(upstreams: &Upstreams<'_>, facts: &RedisFacts) -> Vec<Change> {
    if secure::verified(upstreams).next().is_none() {
        return Vec::new();
    }
    let Files {
        ca,
        certificate,
        key,
    } = secure::files(upstreams.replication, &upstream_place(upstreams, facts));
    let kept = of_others(upstreams, facts).is_some();
    let change = |name, want: String, why: &str| {
        // Of a server that doesn't say: one made without TLS, which check_upstream tells.
        let now = facts.settings.get(name)?.clone();
        (now != want).then(|| Change {
            name,
            now,
            want,
            why: why.to_owned(),
            restart: false,
        })
    };
    let proves = "it must prove itself to its replicas";
    let tls_port = port(facts, upstreams.member.instance.port);
    [
        change(
            "tls-ca-cert-file",
            ca,
            "its replicas prove themselves to it",
        ),
        change("tls-cert-file", certificate, proves).filter(|_| !kept),
        change("tls-key-file", key, proves).filter(|_| !kept),
        change(
            "tls-port",
            tls_port.to_string(),
            "TLS has a port of its own, which its replicas must reach",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The upstream's own certificate, where it isn't as wanted.
pub(super) fn secure_upstream(upstreams: &Upstreams<'_>, facts: &RedisFacts) -> Option<Step> {
    secure::verified(upstreams).next()?;
    let (account, place) = (upstreams.own_account(), upstream_place(upstreams, facts));
    let proved = Proved::upstream(upstreams, &account, &place, owner(&facts.conf));
    let fault = proved.fault()?;
    let port = upstreams.member.instance.port;
    let show = show(facts.kind.unwrap_or_default(), &facts.conf, port, &place);
    let show = Action {
        machine: upstreams.member.machine.clone(),
        lock: lock(upstreams.replication, upstreams.member),
        work: Work::Script(show),
    };
    Some(proved.step(&fault, "", vec![show]))
}

/// A running server takes up new files under the same names.
pub(super) fn show(kind: super::release::Kind, conf: &str, port: u16, place: &str) -> Call {
    super::steps::instance_call("redis/show.sh", 60, kind, conf, port)
        .text("certificate", format!("{place}/member.crt"))
        .text("key", format!("{place}/member.key"))
        .text("authority", format!("{place}/ca.crt"))
}

/// What stands in the way on the upstream.
pub(super) fn check_upstream(
    upstreams: &Upstreams<'_>,
    facts: &RedisFacts,
    checks: &mut Checks<'_>,
) {
    if secure::verified(upstreams).next().is_none() {
        return;
    }
    let (account, place) = (upstreams.own_account(), upstream_place(upstreams, facts));
    // No name is checked by a replica: the authority alone is.
    Proved::upstream(upstreams, &account, &place, owner(&facts.conf))
        .own(&std::collections::BTreeSet::new(), checks);
    if !facts.settings.is_empty() && !facts.settings.contains_key("tls-port") {
        checks.block(
            codes::CERTIFICATE,
            "was made without TLS: it has no setting tls-port".to_owned(),
            vec![choice(
                "another server",
                "the distribution's package has TLS",
            )],
        );
    }
    let own = upstreams.replication.certificates.is_some();
    if let Some(shown) = of_others(upstreams, facts).filter(|_| !own) {
        checks.block(
            codes::CERTIFICATE,
            format!("shows the certificate {shown} on its TLS port, which its applications may know it by: replform doesn't replace it"),
            vec![choice(
                "trust it",
                format!(
                    "certificates {{ ca_file = … cert_file = … key_file = … }} ({}), with ca_file that certificate's authority; the server goes on showing it",
                    upstreams.replication.place
                ),
            )],
        );
    }
}

/// What stands in the way on the replica, and what travels in clear.
pub(super) fn check_link(link: &Link<'_>, checks: &mut Checks<'_>) {
    secure::in_clear(link, checks);
    if link.verifies() {
        let id = MemberId::Replica(link.replica.name.clone());
        let conf = settings::conf_of(link);
        let place = place(&conf, link.replica.member.instance.port);
        Proved::replica(link, &id, "", &place, owner(&conf))
            .own(&std::collections::BTreeSet::new(), checks);
    }
}
