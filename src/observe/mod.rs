//! What is there: one probe a host, decoded into an [`Observation`].
//!
//! The types and the decoding are pure and tested on recorded outputs; only the asking does I/O.
//! An observation holds no secrets, so it may be saved and planned from elsewhere. A host that can't be
//! reached is a fact with a reason, never an error, and *unknown* is never treated as *absent*.

mod ask;
mod decode;
mod decode_host;
mod decode_rows;
pub mod history;
mod instance;
mod machine;
mod request;
pub mod saved;
#[cfg(test)]
mod saved_tests;
#[cfg(test)]
mod schema_tests;
pub mod status;
#[cfg(test)]
mod status_tests;
mod types;

pub use ask::{observe, observe_machines, target};
pub use decode::{ProbeError, RoundTrip, decode};
pub use instance::{
    Data, Database, Details, DetailsError, Downstream, Instance, Manager, Position, Role,
    ServerState, SetAside, Streaming, UpstreamSeen,
};
pub use request::{PROBE_SCRIPT, ProbeRequest, reach_key, requests};
pub use types::{
    Authority, Disk, EnvFile, Facts, HostFacts, Job, JobState, LockHolder, MachineObservation,
    MarkerFile, OBSERVATION_FORMAT, Observation, OutsideName, Reach, TlsFiles,
};
