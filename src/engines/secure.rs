//! TLS between members, whatever the engine: which files prove a member, whether they are as wanted, and the step that makes them so.
//!
//! Each member that reads or is read with `tls = "verify"` has one certificate, for both ends of a connection: its common name is
//! its account (so that a server can tie one to the other), its names are its addresses. The authority is the replication's own and
//! lies on the primary's host. Pure; the files are made by src/apply/tls-*.sh. With `certificates` in the page none is made: the
//! user's own files are looked at, and what is wrong with them blocks the plan.

use core::net::IpAddr;
use std::collections::BTreeSet;

use super::checks::Checks;
use super::steps::lock;
use super::{Link, Upstreams};
use crate::diagnostics::codes;
use crate::observe::{Facts, Observation, TlsFiles};
use crate::plan::findings::choice;
use crate::plan::{
    Action, Argument, Because, Call, Cost, Marker, SecretName, Step, StepId, StepKind, Undo, Work,
    names,
};
use crate::topology::{Member, MemberId, Replica, Replication, Tls, Topology, Upstream};

/// What a certificate of a member lives.
const CERTIFICATE_DAYS: u32 = 825;
/// What the authority's lives.
const AUTHORITY_DAYS: u32 = 3650;
/// How long before its end a certificate is made anew.
const RENEW_SECONDS: i64 = 30 * 86_400;
/// How a fault begins that time alone made: the page wants what it wanted, and the host is as it was left.
pub(crate) const OF_AGE: &str = "its certificate expire";

/// The files that prove a member, as its server and its client side read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The authority whose certificates are trusted.
    pub ca: String,
    /// The member's certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// A member that is to be proved.
#[derive(Clone, Copy, Debug)]
pub struct Proved<'a> {
    /// The whole wish.
    pub topology: &'a Topology,
    /// All that was seen.
    pub observation: &'a Observation,
    /// The replication.
    pub replication: &'a Replication,
    /// Which member.
    pub id: &'a MemberId,
    /// The member.
    pub member: &'a Member,
    /// What its machine said.
    pub facts: &'a Facts,
    /// The account that it logs in with; empty for the primary.
    pub account: &'a str,
    /// The directory that is made for its server's files.
    pub place: &'a str,
    /// The server's user.
    pub owner: &'a str,
}

/// The files of a member: the user's own, else those in `place`.
pub fn files(replication: &Replication, place: &str) -> Files {
    match &replication.certificates {
        Some(own) => Files {
            ca: own.ca_file.clone(),
            certificate: own.cert_file.clone(),
            key: own.key_file.clone(),
        },
        None => Files {
            ca: format!("{place}/ca.crt"),
            certificate: format!("{place}/member.crt"),
            key: format!("{place}/member.key"),
        },
    }
}

/// The links of an upstream that prove both ends.
pub fn verified<'a>(upstreams: &Upstreams<'a>) -> impl Iterator<Item = &'a Replica> {
    let replication = upstreams.replication;
    let all = upstreams.new.iter().chain(upstreams.standing).copied();
    all.filter(move |replica| replication.verifies(replica))
}

/// The folder of ours on a member's host.
fn folder(topology: &str, replication: &Replication, member: &Member) -> String {
    let (engine, port) = (&replication.engine.0, member.instance.port);
    let marker = Marker::file_name(topology, &replication.name, engine, port);
    marker.trim_end_matches(".json").to_owned()
}

/// A name as a certificate has it.
fn name(address: &str) -> String {
    match address.parse::<IpAddr>() {
        Ok(address) => format!("IP:{address}"),
        Err(_) => format!("DNS:{address}"),
    }
}

/// Whether two names are one: openssl writes IPv6 addresses its own way.
fn same_name(one: &str, other: &str) -> bool {
    match (one.split_once("IP:"), other.split_once("IP:")) {
        (Some((_, one)), Some((_, other))) => {
            one == other
                || matches!((one.parse::<IpAddr>(), other.parse::<IpAddr>()), (Ok(one), Ok(other)) if one == other)
        }
        _ => one.eq_ignore_ascii_case(other),
    }
}

/// The day of a second since 1970, UTC.
fn day(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| "a day long ago".to_owned(),
        |at| at.strftime("%Y-%m-%d").to_string(),
    )
}

impl<'a> Proved<'a> {
    /// A link's replica.
    pub fn replica(
        link: &Link<'a>,
        id: &'a MemberId,
        account: &'a str,
        place: &'a str,
        owner: &'a str,
    ) -> Self {
        Self {
            topology: link.topology,
            observation: link.observation,
            replication: link.replication,
            id,
            member: &link.replica.member,
            facts: link.facts,
            account,
            place,
            owner,
        }
    }

    /// A member that others read from.
    pub fn upstream(
        upstreams: &Upstreams<'a>,
        account: &'a str,
        place: &'a str,
        owner: &'a str,
    ) -> Self {
        Self {
            topology: upstreams.topology,
            observation: upstreams.observation,
            replication: upstreams.replication,
            id: upstreams.id,
            member: upstreams.member,
            facts: upstreams.facts,
            account,
            place,
            owner,
        }
    }

    fn common_name(&self) -> String {
        match self.account {
            "" => {
                let replication = names::in_files(&self.replication.name);
                format!(
                    "replform primary {}",
                    replication.chars().take(40).collect::<String>()
                )
            }
            account => account.to_owned(),
        }
    }

    /// The names that its certificate must prove.
    fn names(&self) -> Vec<String> {
        let all = [&self.member.address, &self.member.public_address];
        let unique: BTreeSet<String> = all.into_iter().map(|address| name(address)).collect();
        unique.into_iter().collect()
    }

    fn folder(&self) -> String {
        folder(&self.topology.name, self.replication, self.member)
    }

    fn authority_folder(&self) -> String {
        folder(
            &self.topology.name,
            self.replication,
            &self.replication.primary,
        )
    }

    /// What is wrong with the files that replform made for it; `None`: nothing, or the user has files of his own.
    pub fn fault(&self) -> Option<String> {
        if self.replication.certificates.is_some() {
            return None;
        }
        let Some(found) = self
            .facts
            .tls
            .get(&self.folder())
            .filter(|found| found.place == self.place)
        else {
            return Some("it has no certificate yet".to_owned());
        };
        let primary = self.observation.facts(&self.replication.primary.machine)?;
        let authority = primary
            .tls
            .get(&self.authority_folder())
            .and_then(|found| found.authority.as_ref());
        let Some(authority) = authority else {
            return Some("its replication's authority is gone".to_owned());
        };
        if found.trusts != authority.key && found.missing.is_empty() {
            return Some("it trusts another authority than its replication's".to_owned());
        }
        self.wrong(found, true).or_else(|| {
            let soon = *self.id == MemberId::Primary
                && authority.expires_at - found.seen_at < RENEW_SECONDS;
            soon.then(|| {
                format!(
                    "{OF_AGE}s with its authority's on {}",
                    day(authority.expires_at)
                )
            })
        })
    }

    /// What is wrong with a certificate. `ours`: its name is its account, and it is made anew in time.
    fn wrong(&self, found: &TlsFiles, ours: bool) -> Option<String> {
        if let Some(missing) = found.missing.first() {
            return Some(format!("{missing} is gone"));
        }
        let Some(expires_at) = found.expires_at else {
            return Some("its certificate can't be read".to_owned());
        };
        if !found.trusted {
            return Some(format!(
                "its certificate ({}) wasn't signed by the authority it trusts",
                found.subject
            ));
        }
        if !found.key_fits {
            return Some("its key isn't its certificate's, or can't be read".to_owned());
        }
        if ours && found.subject != self.common_name() {
            return Some(format!(
                "its certificate is {}'s, not {}'s",
                found.subject,
                self.common_name()
            ));
        }
        // A user's certificate must prove the addresses that others dial, which is for the caller to say.
        let lacks: Vec<String> = if ours { self.names() } else { Vec::new() };
        let lacks = lacks
            .iter()
            .find(|wanted| !found.names.iter().any(|own| same_name(own, wanted)));
        if let Some(lacks) = lacks {
            return Some(format!(
                "its certificate is for {}, not for {lacks}",
                shown(&found.names)
            ));
        }
        let left = expires_at - found.seen_at;
        if left <= 0 {
            return Some(format!("{OF_AGE}d on {}", day(expires_at)));
        }
        (ours && left < RENEW_SECONDS).then(|| format!("{OF_AGE}s on {}", day(expires_at)))
    }

    /// What is wrong with the user's own files. `dialled`: the addresses at which others reach this member and check its name.
    pub fn own(&self, dialled: &BTreeSet<&str>, checks: &mut Checks<'_>) {
        let Some(own) = &self.replication.certificates else {
            return;
        };
        let mend = |how: &str| {
            vec![choice(
                "mend it",
                format!("{how}, then plan again ({})", own.place),
            )]
        };
        let Some(found) = self.facts.tls.get(&own.cert_file) else {
            return checks.block(
                codes::CERTIFICATE,
                format!(
                    "nothing is known of {}: it isn't in the observation",
                    own.cert_file
                ),
                mend("observe this host anew"),
            );
        };
        if let Some(wrong) = self.wrong(found, false) {
            return checks.block(
                codes::CERTIFICATE,
                format!("{wrong} ({})", own.cert_file),
                mend("put a good one there"),
            );
        }
        let lacks = dialled.iter().map(|address| name(address));
        for lacks in lacks.filter(|wanted| !found.names.iter().any(|own| same_name(own, wanted))) {
            checks.block(
                codes::CERTIFICATE,
                format!(
                    "its certificate is for {}, not for {lacks}, which its replicas dial ({})",
                    shown(&found.names),
                    own.cert_file
                ),
                mend("have one made with that subject alternative name"),
            );
        }
        if let Some(expires_at) = found.expires_at
            && expires_at - found.seen_at < RENEW_SECONDS
        {
            checks.warn(
                codes::CERTIFICATE,
                format!(
                    "its certificate expires on {} ({})",
                    day(expires_at),
                    own.cert_file
                ),
                mend("have it renewed"),
            );
        }
    }

    /// The step that makes its files as wanted, and `then` lets its server take them up. `also_trust`: a file of authorities that
    /// clients of others are proved by, empty for none.
    pub fn step(&self, fault: &str, also_trust: &str, then: Vec<Action>) -> Step {
        let primary = &self.replication.primary;
        let id = match self.id {
            MemberId::Primary => "primary",
            MemberId::Replica(name) => name.as_str(),
        };
        let answer = |what: &str| SecretName(format!("{}.{id}.{what}", self.replication.name));
        let secret = |what: &str| Argument::Secret(answer(what));
        let here = |script: &str| {
            let call = Call::new(script, 200)
                .text("folder", self.folder())
                .text("place", self.place)
                .text("owner", self.owner);
            call.text("common_name", self.common_name())
        };
        let on_member = |call: Call| Action {
            machine: self.member.machine.clone(),
            lock: lock(self.replication, self.member),
            work: Work::Script(call),
        };
        let replication = names::in_files(&self.replication.name);
        let sign = Call::new("apply/tls-sign.sh", 200)
            .text("folder", self.authority_folder())
            .text(
                "replication",
                replication.chars().take(50).collect::<String>(),
            )
            .text("common_name", self.common_name())
            .text("names", self.names().join(","))
            .number("days", CERTIFICATE_DAYS)
            .number("authority_days", AUTHORITY_DAYS)
            .number("renew_seconds", RENEW_SECONDS)
            .text("certificate_answer", answer("certificate").0)
            .text("authority_answer", answer("authority").0)
            .with("request", secret("request"));
        let keep = here("apply/tls-keep.sh")
            .with("certificate", secret("certificate"))
            .with("authority", secret("authority"))
            .text("also_trust", also_trust);
        let sign = Action {
            machine: primary.machine.clone(),
            // Beside the instance's: the authority has nothing to do with a server that a long job works on.
            lock: format!("tls:{}", self.authority_folder()),
            work: Work::Script(sign),
        };
        let mut actions = vec![
            on_member(here("apply/tls-request.sh").text("answer", answer("request").0)),
            sign,
            on_member(keep),
        ];
        actions.extend(then);
        Step {
            id: StepId(format!("{}.{id}.secure", self.replication.name)),
            kind: StepKind::Secure,
            replication: self.replication.name.clone(),
            member: Some(self.id.clone()),
            subject: self.member.server.to_string(),
            machine: self.member.machine.clone(),
            what: format!(
                "a certificate for {}, signed by the replication's own authority on {}",
                shown(&self.names()),
                primary.server
            ),
            because: Because {
                place: self.member.place.clone(),
                fact: fault.to_owned(),
            },
            needs: BTreeSet::new(),
            cost: Cost {
                seconds: 1.0,
                ..Cost::default()
            },
            undo: Undo::By(format!(
                "remove {} and /var/lib/replform/tls/{}",
                self.place,
                self.folder()
            )),
            env: Vec::new(),
            actions,
        }
    }
}

/// `10.0.0.1, db1.example.com`.
fn shown(names: &[String]) -> String {
    let bare: Vec<&str> = names
        .iter()
        .map(|name| name.split_once(':').map_or(name.as_str(), |(_, bare)| bare))
        .collect();
    match bare.as_slice() {
        [] => "no address".to_owned(),
        bare => bare.join(", "),
    }
}

/// The addresses at which the members that read from `id` with a proof dial it.
pub fn dialled<'a>(replication: &'a Replication, id: &MemberId) -> BTreeSet<&'a str> {
    let reads_here = |replica: &&Replica| match (&replica.upstream, id) {
        (Upstream::Primary, MemberId::Primary) => true,
        (Upstream::Replica(upstream), MemberId::Replica(own)) => upstream == own,
        _ => false,
    };
    let readers = replication.replicas.iter().filter(reads_here);
    let readers = readers.filter(|replica| replication.verifies(replica));
    let address = |replica: &'a Replica| {
        let upstream = replication.upstream(replica);
        if replication.crosses_stacks(replica) {
            upstream.public_address.as_str()
        } else {
            upstream.address.as_str()
        }
    };
    readers.map(address).collect()
}

/// What a link between stacks without TLS lets others read.
pub fn in_clear(link: &Link<'_>, checks: &mut Checks<'_>) {
    let (own, other) = (
        &link.replica.member.server.stack,
        &link.upstream.server.stack,
    );
    if own != other && link.replication.tls == Some(Tls::Off) {
        checks.warn(
            codes::UNENCRYPTED,
            format!(
                "tls = \"off\": the copy, every later write and the proof of its account's password travel unencrypted between the stacks {other} and {own}"
            ),
            vec![choice("encrypt them", format!("take tls = \"off\" out ({})", link.replication.place))],
        );
    }
}
