//! `replform resync`: a full copy for one replica, however well it follows; `apply -replace` by another name.

use clap::Args;

use super::apply::{Apply, RunArguments};
use super::commands::Command;
use super::planning::PlanningArguments;
use super::{Context, Exit, Failure};

/// Copy a replica anew
///
/// As apply -replace=ADDRESS: always a full copy beside the old data, which is set aside. A replica that only fell behind, or whose
/// link broke, needs no resync: plan and apply take the lightest way that works.
#[derive(Args, Debug)]
pub struct Resync {
    /// What is planned.
    #[command(flatten)]
    pub planning: PlanningArguments,
    /// How it runs.
    #[command(flatten)]
    pub running: RunArguments,
    /// The replica: replication.NAME.replica.NAME
    #[arg(value_name = "ADDRESS")]
    pub address: String,
}

impl Command for Resync {
    fn run(mut self, context: &Context) -> Result<Exit, Failure> {
        self.planning.replaces.push(self.address);
        Apply {
            planning: self.planning,
            running: self.running,
            file: None,
        }
        .run(context)
    }
}
