//! MySQL: replication by GTID, copies by CLONE into a directory beside the data, on Debian's one server a host.

mod checks;
mod decode;
mod engine;
mod facts;
mod gtid;
#[cfg(test)]
mod plan_tests;
mod probe;
mod relation;
mod rows;
mod scripts;
mod settings;
mod sha2;
mod steps;
mod summary;
mod tls;

pub use decode::decode;
pub use engine::MySql;
pub use facts::{Account, Channel, Directory, MysqlFacts, People, Reader, Tables, Unit};
pub use gtid::{GtidError, GtidSet};
pub use probe::PROBE;
