//! From a page of HCL to replicas that stream: the ways that end well.

use crate::lab::{Host, Lab, Ran};
use crate::postgresql::{assert_has_all_written, load, restart, sql, wait_caught_up};
use crate::project::{project, project_with_ssh, stack};
use crate::writer::{Writer, Written};
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

const TWO_REPLICAS_AND_AN_APP: &str = r#"
replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1
  allow   = ["restart"]

  replica "reader"  { server = stack.eu.server.db2 }
  replica "standby" { server = stack.eu.server.db3 }

  env { targets = [stack.eu.app.web] }
}
"#;

const ONE_REPLICA: &str = r#"
replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1
  allow   = ["restart"]

  replica "reader" { server = stack.eu.server.db2 }
}
"#;

/// Fails unless a second plan finds nothing to do.
pub fn assert_nothing_to_do(lab: &Lab, directory: &Path) {
    let again = lab
        .replform(directory, &["plan", "-detailed-exitcode"])
        .expect_success();
    assert!(
        again
            .stdout
            .lines()
            .any(|line| line.starts_with("No changes.")),
        "{again}"
    );
}

/// Shows what the writer measured beside what apply promised, for the record, and holds it to a bound.
fn assert_gap(what: &str, written: &Written, applied: &Ran, bound: Duration) {
    let promise: Vec<_> = applied
        .stdout
        .lines()
        .filter(|line| line.contains("no writes"))
        .collect();
    crate::report(&format!(
        "{what}: longest gap {:?}; replform said {promise:#?}",
        written.longest_gap
    ));
    assert!(
        written.longest_gap < bound,
        "{:?} without writes",
        written.longest_gap
    );
}

fn prepare_app(web: Host<'_>) {
    web.sh(
        "mkdir -p /etc/acme; printf 'ACME_COLOUR=blue\n' >/etc/acme/database.env; \
            chown deploy:www-data /etc/acme/database.env; chmod 0640 /etc/acme/database.env",
    )
    .expect_success();
}

#[test]
#[ignore = "needs root and the lab"]
fn two_bare_hosts_become_replicas_under_a_writer_and_the_app_learns_of_them() {
    let lab = Lab::up(
        "happy",
        &[
            "db1=bookworm-pg@10.77.1.11",
            "db2=bookworm-bare@10.77.1.12",
            "db3=bookworm-bare@10.77.1.13",
            "web=bookworm-bare@10.77.1.21",
        ],
    );
    let (db1, web) = (lab.host("db1"), lab.host("web"));
    load(db1, 100);
    prepare_app(web);
    let directory = project(
        &lab,
        "happy",
        &format!(
            "{}{TWO_REPLICAS_AND_AN_APP}",
            stack(&["db1", "db2", "db3", "web"])
        ),
    );
    let writer = Writer::start(db1);

    let plan = lab
        .replform(&directory, &["plan", "-detailed-exitcode"])
        .expect_code(2);
    assert!(
        plan.stdout
            .lines()
            .any(|line| line.starts_with("Plan: 2 to add")),
        "{plan}"
    );
    assert_eq!(
        web.sh("cat /etc/acme/database.env").line(),
        "ACME_COLOUR=blue",
        "plan changes nothing"
    );
    let applied = lab
        .replform(&directory, &["apply", "-auto-approve"])
        .expect_success();

    let written = writer.stop();
    assert_gap(
        "with a restart",
        &written,
        &applied,
        Duration::from_secs(10),
    );
    for name in ["db2", "db3"] {
        wait_caught_up(lab.host(name), db1, LIMIT);
        assert_has_all_written(lab.host(name), &written);
    }
    let env = web.sh("cat /etc/acme/database.env").expect_success();
    for line in [
        "ACME_COLOUR=blue",
        "POSTGRESQL_ADDRESS=10.77.1.11",
        "POSTGRESQL_PRIMARY_ADDRESS=10.77.1.11",
        "POSTGRESQL_REPLICA_ADDRESSES_INT=10.77.1.12,10.77.1.13",
        "POSTGRESQL_REPLICA_ADDRESSES_EXT=",
        "POSTGRESQL_PORT=5432",
    ] {
        assert!(
            env.stdout.lines().any(|found| found == line),
            "no line {line} in\n{env}"
        );
    }
    assert_eq!(
        web.sh("stat -c '%U:%G %a' /etc/acme/database.env").line(),
        "deploy:www-data 640"
    );
    web.sh("test -e /run/acme-reloaded").expect_success();
    assert_nothing_to_do(&lab, &directory);

    let status = lab.replform(&directory, &["status"]).expect_success();
    assert_eq!(status.stdout.matches("streaming").count(), 2, "{status}");
}

#[test]
#[ignore = "needs root and the lab"]
fn a_primary_that_listens_already_is_not_restarted() {
    let lab = Lab::up(
        "norestart",
        &["db1=bookworm-pg@10.77.1.11", "db2=bookworm-bare@10.77.1.12"],
    );
    let db1 = lab.host("db1");
    db1.sh("printf \"listen_addresses = '*'\\nwal_log_hints = on\\n\" >/etc/postgresql/15/main/conf.d/10-site.conf").expect_success();
    restart(db1);
    load(db1, 50);
    let started = sql(db1, "select pg_postmaster_start_time()");
    let hcl = format!(
        "{}{}",
        stack(&["db1", "db2"]),
        ONE_REPLICA.replace("allow   = [\"restart\"]", "")
    );
    let directory = project(&lab, "norestart", &hcl);
    let writer = Writer::start(db1);

    let applied = lab
        .replform(&directory, &["apply", "-auto-approve"])
        .expect_success();

    let written = writer.stop();
    assert_eq!(written.lost_connections, 0);
    assert_gap(
        "without a restart",
        &written,
        &applied,
        Duration::from_secs(5),
    );
    assert_eq!(sql(db1, "select pg_postmaster_start_time()"), started);
    wait_caught_up(lab.host("db2"), db1, LIMIT);
    assert_has_all_written(lab.host("db2"), &written);
    assert_nothing_to_do(&lab, &directory);
}

#[test]
#[ignore = "needs root and the lab"]
fn a_restart_that_is_not_allowed_blocks_and_changes_nothing() {
    let lab = Lab::up(
        "noallow",
        &["db1=bookworm-pg@10.77.1.11", "db2=bookworm-bare@10.77.1.12"],
    );
    let db1 = lab.host("db1");
    let started = sql(db1, "select pg_postmaster_start_time()");
    let hcl = format!(
        "{}{}",
        stack(&["db1", "db2"]),
        ONE_REPLICA.replace("allow   = [\"restart\"]", "")
    );
    let directory = project(&lab, "noallow", &hcl);
    let plan = lab
        .replform(&directory, &["plan", "-detailed-exitcode"])
        .expect_code(4);
    assert!(
        plan.says("BLOCKED") && plan.says("allow = [\"restart\"]"),
        "{plan}"
    );
    lab.replform(&directory, &["apply", "-auto-approve"])
        .expect_code(4);
    assert_eq!(sql(db1, "select pg_postmaster_start_time()"), started);
    lab.host("db2")
        .sh("! dpkg -s postgresql-15 2>/dev/null && ! test -e /var/lib/replform")
        .expect_success();
}

#[test]
#[ignore = "needs root and the lab"]
fn through_a_jump_host_as_a_user_with_sudo() {
    let lab = Lab::up(
        "jump",
        &[
            "gate=bookworm-bare@10.77.1.2",
            "db1=bookworm-pg@10.77.1.11",
            "db2=bookworm-bare@10.77.1.12",
            "web=bookworm-bare@10.77.1.21",
        ],
    );
    for hidden in ["10.77.1.11", "10.77.1.12", "10.77.1.21"] {
        lab.exec(Path::new("/"), &["ip", "route", "add", "blackhole", hidden])
            .expect_success();
    }
    let db1 = lab.host("db1");
    load(db1, 20);
    prepare_app(lab.host("web"));
    let ssh = "user = \"deploy\"\n  sudo = true\n  jump = \"deploy@10.77.1.2\"";
    let replica = ONE_REPLICA.replace(
        "replica \"reader\"",
        "env { targets = [stack.eu.app.web] }\n  replica \"reader\"",
    );
    let directory = project_with_ssh(
        &lab,
        "jump",
        ssh,
        &format!("{}{replica}", stack(&["db1", "db2", "web"])),
    );
    let writer = Writer::start(db1);

    lab.replform(&directory, &["apply", "-auto-approve"])
        .expect_success();

    let written = writer.stop();
    wait_caught_up(lab.host("db2"), db1, LIMIT);
    assert_has_all_written(lab.host("db2"), &written);
    assert!(
        lab.host("web")
            .sh("cat /etc/acme/database.env")
            .says("POSTGRESQL_REPLICA_ADDRESSES_INT=10.77.1.12")
    );
    assert_nothing_to_do(&lab, &directory);
}

#[test]
#[ignore = "needs root and the lab"]
fn postgresql_17_on_trixie() {
    let lab = Lab::up(
        "trixie",
        &["db1=trixie-pg@10.77.1.11", "db2=trixie-bare@10.77.1.12"],
    );
    let db1 = lab.host("db1");
    assert!(sql(db1, "show server_version").starts_with("17."));
    load(db1, 20);
    let directory = project(
        &lab,
        "trixie",
        &format!("{}{ONE_REPLICA}", stack(&["db1", "db2"])),
    );
    let writer = Writer::start(db1);

    lab.replform(&directory, &["apply", "-auto-approve"])
        .expect_success();

    let written = writer.stop();
    wait_caught_up(lab.host("db2"), db1, LIMIT);
    assert_has_all_written(lab.host("db2"), &written);
    assert_nothing_to_do(&lab, &directory);
}

const TWO_REPLICATIONS_ON_DB2: &str = r#"
replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1
  allow   = ["restart"]

  replica "reader" {
    server   = stack.eu.server.db2
    max_rate = "10MB/s"
  }
}

replication "billing" {
  engine  = "postgresql"
  primary = stack.eu.server.db3
  allow   = ["restart"]

  replica "reader" {
    server   = stack.eu.server.db2
    max_rate = "10MB/s"

    postgresql {
      port           = 5433
      data_directory = "/var/lib/postgresql/15/billing"
    }
  }
}
"#;

/// Both primaries come from one image, so their system identifiers are equal: only the data tells them apart.
#[test]
#[ignore = "needs root and the lab"]
fn two_replications_copy_onto_one_host_at_once_and_keep_apart() {
    let lab = Lab::up(
        "two",
        &[
            "db1=bookworm-pg@10.77.1.11",
            "db2=bookworm-bare@10.77.1.12",
            "db3=bookworm-pg@10.77.1.13",
        ],
    );
    let (db1, db2, db3) = (lab.host("db1"), lab.host("db2"), lab.host("db3"));
    for (host, name) in [(db1, "orders"), (db3, "billing")] {
        load(host, 50);
        sql(
            host,
            &format!("create table whose as select '{name}' as name"),
        );
    }
    let directory = project(
        &lab,
        "two",
        &format!("{}{TWO_REPLICATIONS_ON_DB2}", stack(&["db1", "db2", "db3"])),
    );

    let apply = lab.spawn_replform(&directory, "apply", &["apply", "-auto-approve"]);
    crate::wait::wait_until("two copies at once on db2", LIMIT, || {
        db2.sh("pgrep -xc pg_basebackup || true")
            .line()
            .parse::<u32>()
            .is_ok_and(|copies| copies >= 2)
    });
    apply.finish().expect_success();

    for (port, name, upstream) in [
        (5432, "orders", "10.77.1.11"),
        (5433, "billing", "10.77.1.13"),
    ] {
        let query = format!(
            "cd /; runuser -u postgres -- psql -XAtq -p {port} -d postgres -c \
             \"select w.name, r.sender_host, r.status from whose w, pg_stat_wal_receiver r\""
        );
        assert_eq!(
            db2.sh(&query).expect_success().line(),
            format!("{name}|{upstream}|streaming")
        );
    }
    assert_nothing_to_do(&lab, &directory);
}
