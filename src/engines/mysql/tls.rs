//! MySQL's part of TLS: the server's certificate, what an account must show, what a channel verifies.
//!
//! MySQL makes itself a certificate at its first start (`server-cert.pem`), which nobody can verify; any other is an application's
//! and stays. All of it changes online (`ALTER INSTANCE RELOAD TLS`).

use super::facts::{Account, Channel, MysqlFacts};
use super::settings::{Change, change};
use crate::diagnostics::codes;
use crate::engines::checks::Checks;
use crate::engines::secure::{self, Files, Proved};
use crate::engines::steps::lock;
use crate::engines::{Link, Upstreams, account_of};
use crate::plan::findings::choice;
use crate::plan::{Action, Call, Step, Work};
use crate::topology::{MemberId, Tls};

/// The server's user.
pub(super) const OWNER: &str = "mysql";
/// The directory of our files: Debian's AppArmor profile lets mysqld read there.
pub(super) const PLACE: &str = "/etc/mysql/replform";
/// What the server makes for itself.
const MADE_BY_ITSELF: [&str; 2] = ["", "server-cert.pem"];

/// Variables of scripts that log in upstream: `tls_mode` as the client has it, and the files, empty for none.
pub(super) fn login(link: &Link<'_>, call: Call) -> Call {
    let none = Files {
        ca: String::new(),
        certificate: String::new(),
        key: String::new(),
    };
    let (mode, files) = match (link.verifies(), link.replication.tls) {
        (true, _) => ("VERIFY_IDENTITY", secure::files(link.replication, PLACE)),
        (false, Some(Tls::Off)) => ("DISABLED", none),
        (false, _) => ("PREFERRED", none),
    };
    call.text("tls_mode", mode)
        .text("tls_ca", files.ca)
        .text("tls_cert", files.certificate)
        .text("tls_key", files.key)
}

/// What the account must show: the subject of its certificate; `X509`: any that the server's authority signed; empty: nothing.
pub(super) fn requires(link: &Link<'_>) -> String {
    match (link.verifies(), &link.replication.certificates) {
        (false, _) => String::new(),
        (true, Some(_)) => "X509".to_owned(),
        (true, None) => format!("/CN={}", account_of(link.replication, link.replica)),
    }
}

/// Whether the account asks for that.
pub(super) fn logs_in_as_wanted(link: &Link<'_>, account: &Account) -> bool {
    match requires(link).as_str() {
        "" => matches!(account.requires.as_str(), "" | "ANY"),
        wanted => account.requires == wanted,
    }
}

/// Whether the replica's connection is encrypted and verified as written.
pub(super) fn reads_as_wanted(link: &Link<'_>, channel: &Channel) -> bool {
    let ca = secure::files(link.replication, PLACE).ca;
    match (link.verifies(), link.replication.tls) {
        (true, _) => channel.verified_by == ca,
        (false, Some(Tls::Off)) => channel.verified_by.is_empty(),
        (false, _) => channel.verified_by != ca,
    }
}

/// A certificate that the server shows and that is an application's.
fn of_others<'a>(upstreams: &Upstreams<'_>, facts: &'a MysqlFacts) -> Option<&'a str> {
    let shown = facts.setting("ssl_cert")?;
    let own = secure::files(upstreams.replication, PLACE).certificate;
    let marked = upstreams
        .marker
        .and_then(|marker| marker.settings.get("ssl_cert"));
    let ours =
        shown.starts_with(&format!("{PLACE}/")) || marked.is_some_and(|change| change.set == shown);
    (shown != own && !ours && !MADE_BY_ITSELF.contains(&shown)).then_some(shown)
}

/// The settings by which the server proves itself and knows its replicas' certificates.
pub(super) fn server_changes(upstreams: &Upstreams<'_>, facts: &MysqlFacts) -> Vec<Change> {
    if secure::verified(upstreams).next().is_none() {
        return Vec::new();
    }
    let Files {
        ca,
        certificate,
        key,
    } = secure::files(upstreams.replication, PLACE);
    let kept = of_others(upstreams, facts).is_some();
    let proves = "it must prove itself to its replicas";
    [
        change(
            facts,
            "ssl_ca",
            &ca,
            "its replicas prove themselves to it",
            false,
        ),
        change(facts, "ssl_cert", &certificate, proves, false).filter(|_| !kept),
        change(facts, "ssl_key", &key, proves, false).filter(|_| !kept),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The upstream's own certificate, where it isn't as wanted.
pub(super) fn secure_upstream(upstreams: &Upstreams<'_>) -> Option<Step> {
    secure::verified(upstreams).next()?;
    let account = upstreams.own_account();
    let proved = Proved::upstream(upstreams, &account, PLACE, OWNER);
    let fault = proved.fault()?;
    let show = Call::new("mysql/show.sh", 60)
        .number("port", upstreams.member.instance.port)
        .text("certificate", format!("{PLACE}/member.crt"));
    let show = Action {
        machine: upstreams.member.machine.clone(),
        lock: lock(upstreams.replication, upstreams.member),
        work: Work::Script(show),
    };
    Some(proved.step(&fault, "", vec![show]))
}

/// What stands in the way on the upstream, and what its other clients will see.
pub(super) fn check_upstream(
    upstreams: &Upstreams<'_>,
    facts: &MysqlFacts,
    checks: &mut Checks<'_>,
) {
    if secure::verified(upstreams).next().is_none() {
        return;
    }
    let account = upstreams.own_account();
    let dialled = secure::dialled(upstreams.replication, upstreams.id);
    Proved::upstream(upstreams, &account, PLACE, OWNER).own(&dialled, checks);
    let own = upstreams.replication.certificates.is_some();
    match of_others(upstreams, facts) {
        Some(shown) if !own => checks.block(
            codes::CERTIFICATE,
            format!("shows the certificate {shown}, which its applications may know it by: replform doesn't replace it"),
            vec![choice(
                "trust it",
                format!(
                    "certificates {{ ca_file = … cert_file = … key_file = … }} ({}), with ca_file that certificate's authority; the server goes on showing it",
                    upstreams.replication.place
                ),
            )],
        ),
        Some(_) => {}
        None if server_changes(upstreams, facts).iter().any(|change| change.name == "ssl_cert") => checks.warn(
            codes::CERTIFICATE,
            "shows every client another certificate from then on than the one that it made for itself: a client that was given its ca.pem would refuse it".to_owned(),
            vec![choice(
                "tell them",
                format!("clients that verify the server need {}", secure::files(upstreams.replication, PLACE).ca),
            )],
        ),
        None => {}
    }
}

/// What stands in the way on the replica, and what travels in clear.
pub(super) fn check_link(link: &Link<'_>, checks: &mut Checks<'_>) {
    secure::in_clear(link, checks);
    if link.verifies() {
        let id = MemberId::Replica(link.replica.name.clone());
        let dialled = secure::dialled(link.replication, &id);
        Proved::replica(link, &id, "", PLACE, OWNER).own(&dialled, checks);
    }
}
