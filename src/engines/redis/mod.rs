//! Redis and Valkey: asynchronous replication of one server's whole data, on Debian's units.

mod checks;
mod decode;
mod engine;
mod facts;
mod probe;
mod relation;
mod release;
mod scripts;
mod settings;
mod steps;
mod summary;
mod tls;

pub use decode::decode;
pub use engine::Redis;
pub use facts::{Dump, OtherInstance, RedisFacts, Unit, User};
pub use probe::PROBE;
pub use release::Kind;

#[cfg(test)]
mod plan_tests;
