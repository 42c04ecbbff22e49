//! Names of what replform keeps on hosts: job folders, units, locks.
//!
//! One place, because the planner looks for them in observations, the probe finds them, and apply makes them.
//! Pure. Layout on a host:
//!
//! ```text
//! /var/lib/replform/TOPOLOGY.REPLICATION.json                marker, 0600
//! /var/lib/replform/pending/KEY.TOPOLOGY.REPLICATION         on_change is owed (see topology's env names)
//! /var/lib/replform/jobs/NAME.ID/                            one job, 0700; NAME is `job_name(…)`, ID 8 hex digits
//!     id  hash  unit  started                                one line each; started: seconds since the epoch
//!     progress                                               `DONE TOTAL`, bytes, TOTAL 0: unknown; by rename, each second
//!     log                                                    standard output and error of run and verify
//!     status                                                 `ID HASH EXITCODE`, by rename, when it ended by itself
//!     result                                                 `SERVICE_RESULT EXIT_CODE EXIT_STATUS` of systemd, however it ended
//! /run/replform/jobs/NAME.ID/job.sh                          its script with its secrets, 0600; gone once it is read
//! /run/replform/lock/TOPOLOGY.REPLICATION                    an apply's lock; first line: who holds it
//! /run/replform/lock/ENGINE:PORT                             an instance's lock, held by a step's script or a job
//! ```
//! A lock is held when `flock` says so; the line in the file may be of somebody who has gone.

use super::names::digest;

/// Where jobs have their folders.
pub const JOBS: &str = "/var/lib/replform/jobs";

/// A job's NAME as a folder and unit can carry it: other characters as `_`, then 8 digits of a hash that keep it unique.
pub fn job_name(name: &str) -> String {
    safe(name, "")
}

/// The file of a lock.
pub fn lock_file(lock: &str) -> String {
    format!("/run/replform/lock/{}", safe(lock, ":@"))
}

/// An apply's lock on a member of a replication.
pub fn apply_lock(topology: &str, replication: &str) -> String {
    format!("{topology}.{replication}")
}

fn safe(text: &str, besides: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || "._-".contains(c) || besides.contains(c) => c,
            _ => '_',
        })
        .take(150)
        .collect();
    match kept == text && !text.starts_with('.') {
        true => kept,
        false => format!("{}-{}", kept.trim_start_matches('.'), short_hash(text)),
    }
}

fn short_hash(text: &str) -> String {
    digest(text.as_bytes())[..8].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_stay_and_others_stay_apart() {
        assert_eq!(
            job_name("acme.orders.reader.backup"),
            "acme.orders.reader.backup"
        );
        assert_eq!(
            lock_file("postgresql:5432"),
            "/run/replform/lock/postgresql:5432"
        );
        let (one, two) = (
            job_name("a.o.r[\"a\"].backup"),
            job_name("a.o.r['a'].backup"),
        );
        assert!(one != two, "{one} {two}");
        assert!(one.starts_with("a.o.r__a__.backup-"), "{one}");
        assert!(
            !lock_file("/etc/acme/x")
                .trim_start_matches("/run/replform/lock/")
                .contains('/')
        );
        assert!(!job_name("../x").contains('/') && !job_name("..").starts_with('.'));
    }
}
