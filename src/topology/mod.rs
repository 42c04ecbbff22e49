//! What is wanted: machines, servers, apps and replications, typed and validated.
//!
//! Pure data, made by [`crate::config`]; reads no file, no clock and no host. Every item remembers the
//! place in the configuration that asked for it, because every step of a plan has to name it.

mod address;
mod env_names;
mod quantity;
mod types;

pub use address::{MachineId, Place, ServerId};
pub use env_names::{
    EnvValueError, PENDING_DIRECTORY, Shown, env_begin_line, env_end_line, env_files_of, env_hash,
    env_hash_line, env_line, env_names, pending_file, pending_key, read_env_line,
};
pub use quantity::{Bytes, Lag, QuantityError, Rate, format_duration, parse_duration};
pub use types::{
    Admin, App, AppId, Certificates, Engine, Env, Former, Hazard, InstanceWish, Machine, Member,
    MemberId, Names, Replica, Replication, Server, Ssh, Tls, Topology, Upstream, WishedVariable,
};
