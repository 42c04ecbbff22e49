//! The planner against a model of hosts: rules that no plan may break, golden plans.

#[path = "planner/execute.rs"]
mod execute;
#[path = "planner/observe.rs"]
mod observe;
#[path = "planner/random.rs"]
mod random;
#[path = "planner/rules.rs"]
mod rules;
#[path = "planner/world.rs"]
mod world;
