//! The planner against a model of hosts: rules that no plan may break. REPLFORM_CASES=1000 tries more histories than 60.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops where something is missing"
)]

#[path = "planner/execute.rs"]
mod execute;
#[path = "planner/mongodb/mod.rs"]
mod mongodb;
#[path = "planner/observe.rs"]
mod observe;
#[path = "planner/parting.rs"]
mod parting;
#[path = "planner/random.rs"]
mod random;
#[path = "planner/recorded.rs"]
mod recorded;
#[path = "planner/rules.rs"]
mod rules;
#[path = "planner/views.rs"]
mod views;
#[path = "planner/world.rs"]
mod world;
