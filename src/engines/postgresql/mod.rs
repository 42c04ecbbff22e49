//! PostgreSQL: physical streaming replication on Debian's clusters.

mod checks;
mod conninfo;
mod copied;
mod decode;
mod engine;
mod facts;
mod lines;
mod lsn;
mod probe;
mod relation;
mod rows;
mod scram;
mod scripts;
mod settings;
mod steps;
mod summary;
mod tls;

pub use conninfo::{host_and_port, parse as parse_conninfo};
pub use decode::decode;
pub use engine::PostgreSql;
pub use facts::{
    Archiver, ConfigError, ControlFile, DatabaseFacts, HbaRule, OtherCluster, People,
    PostgresFacts, REPLICA_LIMITS, Receiver, ReplicationRole, RunningBackup, Sender, Setting, Slot,
    Tablespace, TimelineSwitch, Unit,
};
pub use lsn::{Lsn, LsnError};
pub use probe::PROBE;
