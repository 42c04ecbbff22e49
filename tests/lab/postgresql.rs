//! What tests ask and tell a PostgreSQL server on a lab host, as its superuser over the local socket.

use crate::lab::Host;

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

/// One checksum over names, owners, modes and contents of all files below `directory`.
pub fn checksum(host: Host<'_>, directory: &str) -> String {
    let shell = format!(
        "cd {directory}; {{ find . -printf '%p %u %m\\n' | LC_ALL=C sort; \
         find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; }} | sha256sum"
    );
    host.sh(&shell).expect_success().line().to_owned()
}
