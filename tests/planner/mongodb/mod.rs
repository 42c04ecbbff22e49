//! MongoDB's plans against a model of hosts and of sets that elect: the rules that no plan may break, votes and majority included.

mod execute;
mod observe;
mod random;
mod rules;
mod world;
