//! No secret anywhere that it need not be: canaries grepped for in all that replform and the hosts write down.

use crate::lab::{Host, Lab};
use crate::postgresql::{load, sql};
use crate::project::{project, stack};
use std::path::Path;

const WITH_SENSITIVE_VARIABLE: &str = r#"
variable "token" {
  type      = string
  sensitive = true
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1
  allow   = ["restart"]

  replica "reader" { server = stack.eu.server.db2 }

  env {
    targets   = [stack.eu.app.web]
    variables = { ORDERS_TOKEN = var.token }
  }
}
"#;

const TOKEN: &str = "canary-token-5f1c";
const APP_SECRET: &str = "canary-app-91ab";

/// Writes down every command line on the host, some fifty times a second, until the host is gone.
fn record_command_lines(host: Host<'_>) {
    host.sh("systemd-run --quiet --unit=watch sh -c \
             'while :; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr \"\\0\" \" \" >>/tmp/commands; echo >>/tmp/commands; sleep 0.02; done'")
        .expect_success();
}

/// The replication password, as the replica's own password file has it.
fn replication_password(replica: Host<'_>) -> String {
    let conninfo = sql(replica, "select conninfo from pg_stat_wal_receiver");
    let file = conninfo
        .split_whitespace()
        .find_map(|word| word.strip_prefix("passfile="))
        .unwrap()
        .to_owned();
    let line = replica.sh(&format!("cat {file}")).expect_success();
    line.line().rsplit(':').next().unwrap().to_owned()
}

#[test]
#[ignore = "needs root and the lab"]
fn no_secret_is_shown_logged_saved_or_passed_as_an_argument() {
    let lab = Lab::up(
        "secrets",
        &[
            "db1=bookworm-pg@10.77.1.11",
            "db2=bookworm-bare@10.77.1.12",
            "web=bookworm-bare@10.77.1.21",
        ],
    );
    let (db1, db2, web) = (lab.host("db1"), lab.host("db2"), lab.host("web"));
    load(db1, 20);
    sql(db1, "alter system set log_statement = 'all'");
    sql(db1, "alter system set log_connections = on");
    sql(db1, "select pg_reload_conf()");
    web.sh(&format!(
        "mkdir -p /etc/acme; echo SECRET_KEY={APP_SECRET} >/etc/acme/database.env"
    ))
    .expect_success();
    for host in [db1, db2, web] {
        record_command_lines(host);
    }
    let directory = project(
        &lab,
        "secrets",
        &format!("{}{WITH_SENSITIVE_VARIABLE}", stack(&["db1", "db2", "web"])),
    );
    std::fs::write(
        directory.join("secret.auto.rfvars"),
        format!("token = \"{TOKEN}\"\n"),
    )
    .unwrap();

    let mut said = String::new();
    for arguments in [
        &["observe", "-o", "observed.json"][..],
        &["plan", "-out", "saved.plan"],
        &["plan", "-json"],
        &["show", "-scripts", "saved.plan"],
        &["apply", "-auto-approve", "-json"],
        &["plan"],
        &["status", "-json"],
    ] {
        let ran = lab.replform(&directory, arguments).expect_success();
        said.push_str(&ran.to_string());
    }
    for file in ["observed.json", "saved.plan"] {
        said.push_str(&String::from_utf8_lossy(
            &std::fs::read(directory.join(file)).unwrap(),
        ));
    }

    let password = replication_password(db2);
    assert!(password.len() >= 16, "that is no password: {password}");
    assert!(
        web.sh("cat /etc/acme/database.env")
            .says(&format!("ORDERS_TOKEN={TOKEN}")),
        "the app gets its token"
    );
    for (what, canary) in [
        ("replication password", &*password),
        ("variable", TOKEN),
        ("app's own secret", APP_SECRET),
    ] {
        assert!(!said.contains(canary), "replform shows or saves the {what}");
        for host in [db1, db2, web] {
            assert_host_wrote_nothing_of(host, what, canary);
        }
    }
    db1.sh("test -s /tmp/commands && grep -q postgres /tmp/commands")
        .expect_success();
    assert!(Path::new(&directory).join("saved.plan").exists());
}

/// Looks in the journal, the command lines, the server's log, the markers, job folders and /tmp.
fn assert_host_wrote_nothing_of(host: Host<'_>, what: &str, canary: &str) {
    // The canary comes in on standard input, so that this search isn't what the recorder of command lines finds.
    let search = "read -r canary; pattern=$(mktemp -p /run); printf '%s\\n' \"$canary\" >\"$pattern\"; \
                  { journalctl --no-pager -a | grep -qFf \"$pattern\" && echo journal; \
                    grep -rlFf \"$pattern\" /tmp /var/log /var/lib/replform 2>/dev/null; } || true; rm \"$pattern\"";
    let found = host
        .sh_with_input(search, &format!("{canary}\n"))
        .expect_success();
    assert_eq!(found.line(), "", "the {what} stands on {host:?}");
}
