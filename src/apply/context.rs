//! What an apply runs with: the network, who asks, how patient it is, where its events go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::errand::Unreached;
use super::events::Events;
use super::scheduler::Cancel;
use super::secrets::Secrets;
use crate::remote::{Connection, Network, Target};
use crate::topology::MachineId;

/// The surroundings of one apply.
#[derive(Clone)]
pub struct Context {
    /// Connections.
    pub network: Arc<Network>,
    /// How each machine is reached.
    pub targets: BTreeMap<MachineId, Target>,
    /// Who applies: `user@host pid 123`.
    pub who: String,
    /// The plan's hash, for the hosts' journals.
    pub plan: String,
    /// Steps at once.
    pub parallelism: usize,
    /// How long to wait for a lock that another apply holds.
    pub lock_timeout: Duration,
    /// Where events go.
    pub events: Events,
    /// What Ctrl-C wants.
    pub cancel: watch::Receiver<Cancel>,
    /// The secrets of this apply.
    pub secrets: Arc<Secrets>,
}

impl Context {
    /// A connection to a machine, or why there is none.
    pub(super) async fn connect(&self, machine: &MachineId) -> Result<Connection, Unreached> {
        let target = self
            .targets
            .get(machine)
            .ok_or_else(|| Unreached::Unknown(machine.clone()))?;
        Ok(self.network.connect(target).await?)
    }
}
