//! MariaDB: replication by GTID between servers of Debian's package, seeded by mariadb-backup.

mod checks;
mod decode;
mod engine;
mod facts;
mod gtid;
mod lines;
#[cfg(test)]
mod plan_tests;
mod probe;
mod relation;
mod scripts;
mod server_id;
mod settings;
mod steps;
mod summary;
mod tls;

pub use decode::decode;
pub use engine::MariaDb;
pub use facts::{
    Account, Binlogs, Connection, CopyNote, Dump, EngineUse, MariaFacts, Unit, WrittenOption,
};
pub use gtid::{Gtid, Gtids};
pub use probe::PROBE;
