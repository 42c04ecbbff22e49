//! MariaDB's part of TLS: the server's certificate, what an account must show, what a connection verifies.
//!
//! 10.11 has no TLS until its files are written and it restarts; 11.8 makes itself a certificate in memory. A certificate that is
//! written already is an application's and stays. A new one under the same name is taken up by FLUSH SSL.

use super::facts::{Account, Connection, MariaFacts};
use super::settings::Change;
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

/// Variables of scripts that make the link: the files, empty where nothing is proved by them.
pub(super) fn login(link: &Link<'_>, call: Call) -> Call {
    let none = Files {
        ca: String::new(),
        certificate: String::new(),
        key: String::new(),
    };
    let files = if link.verifies() {
        secure::files(link.replication, PLACE)
    } else {
        none
    };
    call.text("tls_ca", files.ca)
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
pub(super) fn reads_as_wanted(link: &Link<'_>, connection: &Connection) -> bool {
    let ca = secure::files(link.replication, PLACE).ca;
    let verifies = connection.field("Master_SSL_CA_File") == ca
        && connection.field("Master_SSL_Verify_Server_Cert") == "Yes";
    match (link.verifies(), link.replication.tls) {
        (true, _) => verifies,
        (false, Some(Tls::Off)) => connection.field("Master_SSL_Allowed") != "Yes",
        (false, _) => connection.field("Master_SSL_CA_File") != ca,
    }
}

/// A certificate that the server shows and that is an application's.
fn of_others<'a>(upstreams: &Upstreams<'_>, facts: &'a MariaFacts) -> Option<&'a str> {
    let shown = facts.variable("ssl_cert")?;
    let own = secure::files(upstreams.replication, PLACE).certificate;
    let marked = upstreams
        .marker
        .and_then(|marker| marker.settings.get("ssl_cert"));
    let ours =
        shown.starts_with(&format!("{PLACE}/")) || marked.is_some_and(|change| change.set == shown);
    (shown != own && !ours && !shown.is_empty()).then_some(shown)
}

/// The settings by which the server proves itself and knows its replicas' certificates.
pub(super) fn server_changes(upstreams: &Upstreams<'_>, facts: &MariaFacts) -> Vec<Change> {
    if secure::verified(upstreams).next().is_none() {
        return Vec::new();
    }
    let Files {
        ca,
        certificate,
        key,
    } = secure::files(upstreams.replication, PLACE);
    let kept = of_others(upstreams, facts).is_some();
    let change = |name, want: String, why: &str| {
        let now = facts.variables.get(name)?.clone();
        (now != want).then(|| Change {
            name,
            now,
            want,
            why: why.to_owned(),
            restart: true,
        })
    };
    let proves = "it must prove itself to its replicas";
    [
        change("ssl_ca", ca, "its replicas prove themselves to it"),
        change("ssl_cert", certificate, proves).filter(|_| !kept),
        change("ssl_key", key, proves).filter(|_| !kept),
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
    let show = Call::new("mariadb/show.sh", 60)
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
    facts: &MariaFacts,
    checks: &mut Checks<'_>,
) {
    if secure::verified(upstreams).next().is_none() {
        return;
    }
    let account = upstreams.own_account();
    let dialled = secure::dialled(upstreams.replication, upstreams.id);
    Proved::upstream(upstreams, &account, PLACE, OWNER).own(&dialled, checks);
    let own = upstreams.replication.certificates.is_some();
    if let Some(shown) = of_others(upstreams, facts).filter(|_| !own) {
        checks.block(
            codes::CERTIFICATE,
            format!("shows the certificate {shown}, which its applications may know it by: replform doesn't replace it"),
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
        let dialled = secure::dialled(link.replication, &id);
        Proved::replica(link, &id, "", PLACE, OWNER).own(&dialled, checks);
    }
}
