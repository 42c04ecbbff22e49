//! What tests ask and tell a PostgreSQL server on a lab host, as its superuser over the local socket.

use crate::lab::Host;
use crate::writer::Written;
use std::collections::BTreeSet;
use std::time::Duration;

/// Runs SQL in database postgres; rows come back as lines, columns split by `|`.
///
/// # Panics
/// When a statement fails.
pub fn sql(host: Host<'_>, statements: &str) -> String {
    try_sql(host, statements).expect_success().line().to_owned()
}

/// As [`sql`], but a failure is an answer too.
pub fn try_sql(host: Host<'_>, statements: &str) -> crate::lab::Ran {
    host.sh_with_input(
        "cd /; exec runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d postgres",
        statements,
    )
}

/// Loads about `megabytes` of rows; each is too short for the server to compress it.
pub fn load(host: Host<'_>, megabytes: u32) {
    let rows = megabytes * 950;
    let rows =
        format!("select n, repeat(md5(n::text), 31) as filler from generate_series(1, {rows}) n");
    sql(host, &format!("create table ballast as {rows}"));
    sql(host, "checkpoint");
}

/// Restarts the server and waits until it answers.
pub fn restart(host: Host<'_>) {
    host.sh("systemctl restart postgresql@15-main")
        .expect_success();
    crate::wait::wait_until(
        "the restarted server to answer",
        Duration::from_secs(30),
        || try_sql(host, "select 1").code == 0,
    );
}

/// Lets the server write down all that it would sooner or later write by itself, so that a checksum stays the same.
pub fn settle(host: Host<'_>) {
    sql(host, "alter system set autovacuum = off");
    sql(host, "select pg_reload_conf()");
    for database in ["postgres", "shop", "template1"] {
        let vacuum = format!(
            "cd /; runuser -u postgres -- psql -XAtq -d {database} -c 'vacuum (freeze, analyze)'"
        );
        host.sh(&vacuum).expect_success();
    }
    sql(host, "checkpoint");
}

/// Waits until the server on `host` is a standby that streams and has replayed all that `upstream` had written.
pub fn wait_caught_up(host: Host<'_>, upstream: Host<'_>, limit: Duration) {
    let position = sql(upstream, "select pg_current_wal_lsn()");
    crate::wait::wait_until(&format!("{host:?} to replay {position}"), limit, || {
        let query = format!(
            "select pg_is_in_recovery() and pg_last_wal_replay_lsn() >= '{position}' \
             and exists (select from pg_stat_wal_receiver where status = 'streaming')"
        );
        try_sql(host, &query).line() == "t"
    });
}

/// Fails unless the server on `host` has every row that the writer's server acknowledged.
pub fn assert_has_all_written(host: Host<'_>, written: &Written) {
    let rows = sql(host, "select n from writer");
    let there: BTreeSet<u64> = rows.lines().map(|row| row.parse().unwrap()).collect();
    let missing: Vec<_> = written
        .acknowledged
        .iter()
        .filter(|n| !there.contains(n))
        .collect();
    assert!(
        missing.is_empty(),
        "{} acknowledged rows are missing on {host:?}: {missing:?}",
        missing.len()
    );
    assert!(!written.acknowledged.is_empty(), "the writer wrote nothing");
}

/// One checksum over names, owners, modes and contents of all files below `directory`.
pub fn checksum(host: Host<'_>, directory: &str) -> String {
    let shell = format!(
        "cd {directory}; {{ find . -printf '%p %u %m\\n' | LC_ALL=C sort; \
         find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; }} | sha256sum"
    );
    host.sh(&shell).expect_success().line().to_owned()
}
