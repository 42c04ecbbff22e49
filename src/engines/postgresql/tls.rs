//! PostgreSQL's part of TLS: the server's settings, what a replica's connection says of it, which rule lets the replica in.
//!
//! The server's certificate is a setting of the whole server: applications see it too. One that isn't Debian's snakeoil pair is
//! theirs and stays; the replica then trusts its authority, which only the user can name (`certificates`).

use super::facts::PostgresFacts;
use super::settings::{Change, setting};
use super::steps::cluster_call;
use crate::diagnostics::codes;
use crate::engines::checks::Checks;
use crate::engines::secure::{self, Files, Proved};
use crate::engines::steps::lock;
use crate::engines::{Link, Upstreams};
use crate::plan::findings::choice;
use crate::plan::{Action, Step, Work};
use crate::topology::{MemberId, Tls};

/// The user that Debian's clusters run as.
pub(super) const OWNER: &str = "postgres";

/// The directory of our files, beside a cluster's configuration: no copy of the data carries it.
pub(super) fn place(cluster: &str) -> String {
    format!("/etc/postgresql/{cluster}/replform")
}

fn upstream_place(facts: &PostgresFacts) -> String {
    place(facts.cluster.as_deref().unwrap_or("none/none"))
}

/// What the replica's connection string says, with a blank before it. Inside one stack nothing: the server decides.
pub(super) fn client_words(link: &Link<'_>) -> String {
    if link.verifies() {
        let Files {
            ca,
            certificate,
            key,
        } = secure::files(link.replication, &place(&super::settings::cluster_of(link)));
        return format!(" sslmode=verify-full sslrootcert={ca} sslcert={certificate} sslkey={key}");
    }
    match link.replication.tls {
        Some(Tls::Off) => " sslmode=disable".to_owned(),
        Some(Tls::Verify) | None => String::new(),
    }
}

/// How pg_hba.conf lets the replica in: `plain`; `account`, with a certificate that names its role; `authority`, with one that
/// the user's authority signed.
pub(super) fn access(link: &Link<'_>) -> &'static str {
    match (link.verifies(), &link.replication.certificates) {
        (false, _) => "plain",
        (true, None) => "account",
        (true, Some(_)) => "authority",
    }
}

/// Whether our lines in pg_hba.conf are of that kind.
pub(super) fn lets_in_as_wanted(link: &Link<'_>, lines: &[String]) -> bool {
    let first = lines.first().map_or("", String::as_str);
    match access(link) {
        "plain" => first.starts_with("host "),
        "account" => first.starts_with("hostssl ") && first.contains("clientcert=verify-full"),
        _ => first.starts_with("hostssl ") && first.contains("clientcert=verify-ca"),
    }
}

/// A certificate that the server shows and that is an application's: neither Debian's stand-in nor replform's.
fn of_others<'a>(upstreams: &Upstreams<'_>, facts: &'a PostgresFacts) -> Option<&'a str> {
    let shown = facts
        .setting("ssl_cert_file")
        .filter(|_| facts.setting("ssl") == Some("on"))?;
    let own = secure::files(upstreams.replication, &upstream_place(facts)).certificate;
    // One that replform put there before the page had `certificates`, or had others.
    let ours = shown.starts_with(&format!("{}/", upstream_place(facts)))
        || upstreams
            .marker
            .and_then(|marker| marker.settings.get("ssl_cert_file"))
            .is_some_and(|change| change.set == shown);
    (shown != own && !ours && !shown.ends_with("/ssl-cert-snakeoil.pem")).then_some(shown)
}

/// A file of authorities by which the server knows clients of others, before replform came.
fn clients_of_others(upstreams: &Upstreams<'_>, facts: &PostgresFacts) -> Option<String> {
    let changed = upstreams
        .marker
        .and_then(|marker| marker.settings.get("ssl_ca_file"));
    let before = changed.map_or_else(
        || facts.setting("ssl_ca_file"),
        |change| Some(change.before.as_str()),
    )?;
    let ours = before.is_empty()
        || before.starts_with(&upstream_place(facts))
        || upstreams.replication.certificates.is_some();
    (!ours).then(|| before.to_owned())
}

/// The settings by which the server proves itself and knows its replicas' certificates: all by reload.
pub(super) fn server_changes(upstreams: &Upstreams<'_>, facts: &PostgresFacts) -> Vec<Change> {
    if secure::verified(upstreams).next().is_none() {
        return Vec::new();
    }
    let place = upstream_place(facts);
    let Files {
        mut ca,
        certificate,
        key,
    } = secure::files(upstreams.replication, &place);
    if clients_of_others(upstreams, facts).is_some() {
        ca = format!("{place}/clients.crt");
    }
    let kept = of_others(upstreams, facts).is_some();
    let proves = "it must prove itself to its replicas".to_owned();
    let change =
        |name, want: &str, why: &str| setting(facts, name, want.to_owned(), why.to_owned(), false);
    [
        change("ssl", "on", &proves),
        change("ssl_cert_file", &certificate, &proves).filter(|_| !kept),
        change("ssl_key_file", &key, &proves).filter(|_| !kept),
        change("ssl_ca_file", &ca, "its replicas prove themselves to it"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The upstream's own certificate, where it isn't as wanted.
pub(super) fn secure_upstream(upstreams: &Upstreams<'_>, facts: &PostgresFacts) -> Option<Step> {
    secure::verified(upstreams).next()?;
    let place = upstream_place(facts);
    let account = upstreams.own_account();
    let proved = Proved::upstream(upstreams, &account, &place, OWNER);
    let fault = proved.fault()?;
    let show = cluster_call(
        "postgresql/show.sh",
        60,
        facts.cluster.as_deref(),
        upstreams.member.instance.port,
    )
    .text("certificate", format!("{place}/member.crt"));
    let show = Action {
        machine: upstreams.member.machine.clone(),
        lock: lock(upstreams.replication, upstreams.member),
        work: Work::Script(show),
    };
    let also_trust = clients_of_others(upstreams, facts).unwrap_or_default();
    Some(proved.step(&fault, &also_trust, vec![show]))
}

/// What stands in the way on the upstream.
pub(super) fn check_upstream(
    upstreams: &Upstreams<'_>,
    facts: &PostgresFacts,
    checks: &mut Checks<'_>,
) {
    if secure::verified(upstreams).next().is_none() {
        return;
    }
    let place = upstream_place(facts);
    let account = upstreams.own_account();
    let dialled = secure::dialled(upstreams.replication, upstreams.id);
    Proved::upstream(upstreams, &account, &place, OWNER).own(&dialled, checks);
    if let (Some(shown), None) = (
        of_others(upstreams, facts),
        &upstreams.replication.certificates,
    ) {
        checks.block(
            codes::CERTIFICATE,
            format!("shows the certificate {shown}, which its applications may know it by: replform doesn't replace it"),
            vec![
                choice(
                    "trust it",
                    format!(
                        "certificates {{ ca_file = … cert_file = … key_file = … }} ({}), with ca_file that certificate's authority; the server goes on showing it",
                        upstreams.replication.place
                    ),
                ),
                choice(
                    "give it up",
                    format!("on {}: ssl_cert_file and ssl_key_file back to Debian's snakeoil pair, then plan again", upstreams.member.server),
                ),
            ],
        );
    }
}

/// What stands in the way on the replica, and what travels in clear.
pub(super) fn check_link(link: &Link<'_>, checks: &mut Checks<'_>) {
    secure::in_clear(link, checks);
    if link.verifies() {
        let id = MemberId::Replica(link.replica.name.clone());
        let place = place(&super::settings::cluster_of(link));
        let dialled = secure::dialled(link.replication, &id);
        Proved::replica(link, &id, "", &place, OWNER).own(&dialled, checks);
    }
}
