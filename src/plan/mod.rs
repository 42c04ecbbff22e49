//! What would change: (Topology, Observation, options) -> [`Plan`], a DAG of steps.
//!
//! Pure: no I/O, no clock, no environment; the same input gives the same bytes. The planner decides *what*
//! ([`intent`](crate::plan)), the engine says *how* (its folder turns an intent into steps and scripts).

pub mod adopt;
mod arguments;
mod call;
mod cascade;
mod document;
pub mod drift;
mod env;
mod finding;
pub mod findings;
pub mod former;
mod graph;
mod hash;
pub mod host_files;
mod intent;
pub mod jobs;
mod marker;
pub mod markers;
pub mod names;
mod options;
mod outlook;
mod picture;
mod planner;
mod saved;
pub(crate) mod scripts;
mod step;

pub use arguments::Arguments;
pub use call::{Action, Argument, Call, JobCall, OneTimeCertificate, SecretName, Sensitive, Work};
pub use document::{
    Counts, Outlook, PLAN_FORMAT, PictureRow, Plan, PlannedReplication, RestartOutlook,
    WritesOutlook,
};
pub use finding::{Choice, Finding, Relation, Severity};
pub use graph::{GraphError, StepGraph};
pub use marker::{MARKER_FORMAT, Marker, MarkerMember, MarkerRole, SettingChange, WantedMarker};
pub use names::short;
pub use options::{Options, addresses};
pub use outlook::tenths;
pub use planner::plan;
pub use saved::{SAVED_KIND, SavedPlan, SavedPlanError};
pub use scripts::script;
pub use step::{Because, Cost, EnvDiff, Step, StepId, StepKind, Undo};
