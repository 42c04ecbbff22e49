//! Certificates in plans: when one is made, what is wrong with one, what blocks.

use super::tests::{planned_as, recorded};
use crate::diagnostics::codes;
use crate::observe::{Authority, Facts, MachineObservation, Observation, TlsFiles};
use crate::plan::{Plan, Severity, Step, StepKind};
use crate::topology::{Certificates, Hazard, Place, Tls, Topology};

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;
const NETWORK: &str = "10.77.1";

/// A primary that could be copied from and a bare host; `change` gets the world.
fn bare(change: impl FnOnce(&mut Topology, &mut Observation)) -> Plan {
    let instances = [
        recorded("postgresql", "primary"),
        recorded("postgresql", "not-installed"),
    ];
    planned_as(
        "postgresql",
        NETWORK,
        &instances,
        &[Hazard::Restart],
        change,
    )
}

fn across(topology: &mut Topology) {
    let replica = &mut topology.replications[0].replicas[0];
    replica.member.server.stack = "us".to_owned();
}

fn facts(observation: &mut Observation, number: u32) -> &mut Facts {
    let machine = observation
        .machines
        .iter_mut()
        .find(|(id, _)| id.0 == format!("{NETWORK}.1{number}"));
    match machine {
        Some((_, MachineObservation::Reached(facts))) => facts,
        _ => panic!("no machine {number}"),
    }
}

/// Good files of a member; the primary's with the authority.
fn files(number: u32) -> TlsFiles {
    let primary = number == 1;
    let subject = if primary {
        "replform primary orders"
    } else {
        "replform_orders_reader"
    };
    TlsFiles {
        seen_at: NOW,
        authority: primary.then(|| Authority {
            key: "aa".to_owned(),
            expires_at: NOW + 900 * DAY,
        }),
        place: "/etc/postgresql/15/main/replform".to_owned(),
        missing: Vec::new(),
        trusts: "aa".to_owned(),
        expires_at: Some(NOW + 400 * DAY),
        subject: subject.to_owned(),
        names: vec![format!("IP:{NETWORK}.1{number}")],
        trusted: true,
        key_fits: true,
    }
}

fn secured(observation: &mut Observation) {
    for number in [1, 2] {
        facts(observation, number)
            .tls
            .insert("acme.orders".to_owned(), files(number));
    }
}

fn steps(plan: &Plan, kind: StepKind) -> Vec<&Step> {
    plan.steps.iter().filter(|step| step.kind == kind).collect()
}

#[test]
fn a_link_between_stacks_is_verified_by_itself_and_one_inside_a_stack_is_not() {
    let inside = bare(|_, _| {});
    assert!(steps(&inside, StepKind::Secure).is_empty());
    let between = bare(|topology, _| across(topology));
    let secure: Vec<&str> = steps(&between, StepKind::Secure)
        .iter()
        .map(|step| step.id.0.as_str())
        .collect();
    assert_eq!(secure, ["orders.primary.secure", "orders.reader.secure"]);
    let written = bare(|topology, _| topology.replications[0].tls = Some(Tls::Verify));
    assert_eq!(steps(&written, StepKind::Secure).len(), 2);
}

#[test]
fn the_server_has_its_certificate_before_its_settings_name_it_and_the_replica_before_it_logs_in() {
    let plan = bare(|topology, _| across(topology));
    let step = |id: &str| plan.steps.iter().find(|step| step.id.0 == id).unwrap();
    let needs = |id: &str, other: &str| step(id).needs.iter().any(|need| need.0 == other);
    assert!(needs("orders.primary.configure", "orders.primary.secure"));
    assert!(needs("orders.reader.secure", "orders.reader.provision"));
    assert!(needs("orders.reader.account", "orders.reader.secure"));
    let json = serde_json::to_string(&step("orders.reader.backup")).unwrap();
    assert!(json.contains("sslmode=verify-full"), "{json}");
}

#[test]
fn off_between_stacks_makes_no_certificate_and_says_what_travels_unencrypted() {
    let plan = bare(|topology, _| {
        across(topology);
        topology.replications[0].tls = Some(Tls::Off);
    });
    assert!(steps(&plan, StepKind::Secure).is_empty());
    let said = plan
        .findings
        .iter()
        .find(|finding| finding.code == codes::UNENCRYPTED)
        .unwrap();
    assert_eq!(said.severity, Severity::Warning);
    assert!(said.what.contains("stacks eu and us"), "{}", said.what);
}

#[test]
fn each_fault_of_a_certificate_is_named_and_mended() {
    type Fault = (fn(&mut TlsFiles), &'static str);
    let faults: [Fault; 9] = [
        (
            |files| files.missing = vec!["/x/member.key".to_owned()],
            "/x/member.key is gone",
        ),
        (
            |files| files.trusts = "bb".to_owned(),
            "it trusts another authority",
        ),
        (
            |files| files.trusted = false,
            "wasn't signed by the authority it trusts",
        ),
        (
            |files| files.key_fits = false,
            "its key isn't its certificate's",
        ),
        (
            |files| files.subject = "somebody".to_owned(),
            "its certificate is somebody's",
        ),
        (
            |files| files.names = vec!["IP:10.9.9.9".to_owned()],
            "its certificate is for 10.9.9.9, not for IP:10.77.1.12",
        ),
        (
            |files| files.expires_at = Some(NOW - 1),
            "its certificate expired on 2027-01-15",
        ),
        (
            |files| files.expires_at = Some(NOW + 30 * DAY - 1),
            "its certificate expires on 2027-02-14",
        ),
        (
            |files| files.expires_at = None,
            "its certificate can't be read",
        ),
    ];
    for (fault, said) in faults {
        let plan = bare(|topology, observation| {
            across(topology);
            secured(observation);
            fault(facts(observation, 2).tls.get_mut("acme.orders").unwrap());
        });
        let secure = steps(&plan, StepKind::Secure);
        let secure: Vec<&str> = secure
            .iter()
            .map(|step| step.because.fact.as_str())
            .collect();
        assert!(
            matches!(secure.as_slice(), [fact] if fact.contains(said)),
            "{said}: {secure:?}"
        );
    }
    let good = bare(|topology, observation| {
        across(topology);
        secured(observation);
        facts(observation, 2)
            .tls
            .get_mut("acme.orders")
            .unwrap()
            .expires_at = Some(NOW + 30 * DAY);
    });
    assert!(steps(&good, StepKind::Secure).is_empty());
}

#[test]
fn an_authority_that_is_gone_or_grows_old_is_made_again() {
    let gone = bare(|topology, observation| {
        across(topology);
        secured(observation);
        facts(observation, 1)
            .tls
            .get_mut("acme.orders")
            .unwrap()
            .authority = None;
    });
    assert_eq!(steps(&gone, StepKind::Secure).len(), 2);
    let old = bare(|topology, observation| {
        across(topology);
        secured(observation);
        let files = facts(observation, 1).tls.get_mut("acme.orders").unwrap();
        files.authority.as_mut().unwrap().expires_at = NOW + 10 * DAY;
    });
    let old = steps(&old, StepKind::Secure);
    assert_eq!(old.len(), 1);
    assert!(
        old[0].because.fact.contains("its authority's on"),
        "{}",
        old[0].because.fact
    );
}

fn own(topology: &mut Topology) {
    across(topology);
    topology.replications[0].certificates = Some(Certificates {
        ca_file: "/etc/own/ca.crt".to_owned(),
        cert_file: "/etc/own/member.crt".to_owned(),
        key_file: "/etc/own/member.key".to_owned(),
        place: Place {
            file: "main.rf.hcl".to_owned(),
            line: 9,
            column: 3,
        },
    });
}

#[test]
fn a_users_own_certificates_are_used_as_they_are_and_a_bad_one_blocks() {
    type Fault = (fn(&mut TlsFiles), &'static str);
    let faults: [Fault; 6] = [
        (|_| {}, ""),
        (
            |files| files.trusted = false,
            "wasn't signed by the authority it trusts",
        ),
        (
            |files| files.expires_at = Some(NOW - DAY),
            "its certificate expired on 2027-01-14",
        ),
        (
            |files| files.names = vec!["DNS:db9".to_owned()],
            "its certificate is for db9, not for IP:10.77.1.11, which its replicas dial",
        ),
        (
            |files| files.missing = vec!["/etc/own/member.key".to_owned()],
            "/etc/own/member.key is gone",
        ),
        (
            |files| files.key_fits = false,
            "its key isn't its certificate's",
        ),
    ];
    for (fault, said) in faults {
        let plan = bare(|topology, observation| {
            own(topology);
            for number in [1, 2] {
                let files = TlsFiles {
                    place: String::new(),
                    subject: "db".to_owned(),
                    ..files(number)
                };
                facts(observation, number)
                    .tls
                    .insert("/etc/own/member.crt".to_owned(), files);
            }
            fault(
                facts(observation, 1)
                    .tls
                    .get_mut("/etc/own/member.crt")
                    .unwrap(),
            );
        });
        assert!(steps(&plan, StepKind::Secure).is_empty());
        let found: Vec<&str> = plan
            .findings
            .iter()
            .filter(|f| f.code == codes::CERTIFICATE)
            .map(|f| f.what.as_str())
            .collect();
        match said {
            "" => assert!(found.is_empty(), "{found:?}"),
            said => assert!(
                matches!(found.as_slice(), [what] if what.contains(said)),
                "{said}: {found:?}"
            ),
        }
        let json = serde_json::to_string(&plan.steps).unwrap();
        assert!(json.contains("sslcert=/etc/own/member.crt"), "{json}");
    }
}

#[test]
fn an_applications_own_certificate_is_never_replaced() {
    let mut primary = recorded("postgresql", "primary");
    let mut text = serde_json::to_string(&primary.details).unwrap();
    text = text.replace("/etc/ssl/certs/ssl-cert-snakeoil.pem", "/etc/acme/real.crt");
    primary.details = serde_json::from_str(&text).unwrap();
    let instances = [primary, recorded("postgresql", "not-installed")];
    let plan = planned_as(
        "postgresql",
        NETWORK,
        &instances,
        &[Hazard::Restart],
        |topology, _| across(topology),
    );
    let found = plan
        .findings
        .iter()
        .find(|finding| finding.code == codes::CERTIFICATE)
        .unwrap();
    assert_eq!(found.severity, Severity::Blocked);
    assert!(found.what.contains("/etc/acme/real.crt"), "{}", found.what);
    let configure = steps(&plan, StepKind::Configure);
    assert!(
        configure
            .iter()
            .all(|step| !step.what.contains("ssl_cert_file")),
        "{configure:?}"
    );
}
