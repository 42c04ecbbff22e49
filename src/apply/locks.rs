//! The locks of one apply: on every machine of its replications, held by a heartbeat over SSH, so that they free themselves
//! when this client dies. A lock that a cut link took is taken again; one that somebody else has then stops new work there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::context::Context;
use super::events::Event;
use super::own::own;
use super::scheduler::Cancel;
use crate::plan::host_files::lock_file;
use crate::remote::{Command, ExitStatus, Running, quote};
use crate::topology::MachineId;

const SCRIPT: &str = include_str!("locks.sh");
/// One line each; locks.sh gives up after 10 s without one.
const BEAT: Duration = Duration::from_secs(3);
/// How long a lock that was lost with its connection is tried for again.
const REGAIN: Duration = Duration::from_secs(300);

/// Which locks on which machine: `topology.replication`, sorted.
pub type WantedLocks = BTreeMap<MachineId, Vec<String>>;

/// Why the locks aren't held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds one.
    #[error("{machine} is held by {holder}")]
    Held {
        /// The machine.
        machine: MachineId,
        /// Who, and since when, as that client said.
        holder: String,
    },
    /// The machine didn't take the lock.
    #[error("{machine} can't be locked: {why}")]
    Machine {
        /// The machine.
        machine: MachineId,
        /// Why.
        why: String,
    },
    /// Ctrl-C came first.
    #[error("interrupted before the locks were held; nothing was changed")]
    Interrupted,
}

/// How a lock stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Held,
    Regaining,
    Lost(String),
}

type States = Arc<Mutex<BTreeMap<MachineId, State>>>;

/// Held locks; dropping frees them.
pub struct Locks {
    states: States,
    keepers: Vec<JoinHandle<()>>,
}

impl Drop for Locks {
    fn drop(&mut self) {
        for keeper in &self.keepers {
            keeper.abort();
        }
    }
}

impl Locks {
    /// Waits until the machine's lock is held, where it is being taken again.
    ///
    /// # Errors
    /// Who has it, when it was lost.
    pub(super) async fn held(&self, machine: &MachineId) -> Result<(), String> {
        loop {
            match self
                .states
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(machine)
            {
                None | Some(State::Held) => return Ok(()),
                Some(State::Lost(why)) => return Err(why.clone()),
                Some(State::Regaining) => {}
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Takes all locks: all machines at once where nobody holds any, else one after the other in sorted order, so that two
/// applies never wait for each other.
///
/// # Errors
/// The first that can't be had.
pub async fn lock_all(wanted: &WantedLocks, context: &Context) -> Result<Locks, LockError> {
    let mut cancel = context.cancel.clone();
    let mut taken = tokio::select! {
        taken = take_all(wanted, context) => taken?,
        Ok(_) = cancel.wait_for(|cancel| *cancel > Cancel::No) => return Err(LockError::Interrupted),
    };
    let states: States = Arc::new(Mutex::new(
        wanted.keys().map(|id| (id.clone(), State::Held)).collect(),
    ));
    let mut keepers = Vec::new();
    for (machine, locks) in wanted {
        if let Some(running) = taken.remove(machine) {
            let (context, states) = (context.clone(), Arc::clone(&states));
            keepers.push(tokio::spawn(keep(
                context,
                machine.clone(),
                locks.clone(),
                running,
                states,
            )));
        }
    }
    Ok(Locks { states, keepers })
}

async fn take_all(
    wanted: &WantedLocks,
    context: &Context,
) -> Result<BTreeMap<MachineId, Running>, LockError> {
    match at_once(wanted, context).await {
        Err(LockError::Held { .. }) => in_order(wanted, context).await,
        other => other,
    }
}

async fn at_once(
    wanted: &WantedLocks,
    context: &Context,
) -> Result<BTreeMap<MachineId, Running>, LockError> {
    let mut tasks = tokio::task::JoinSet::new();
    for (machine, locks) in wanted {
        let (context, machine, locks) = (context.clone(), machine.clone(), locks.clone());
        tasks.spawn(async move { (machine.clone(), take(&context, &machine, &locks, 0).await) });
    }
    let mut taken = BTreeMap::new();
    let mut failed = None;
    while let Some(joined) = tasks.join_next().await {
        match joined {
            Ok((machine, Ok(running))) => {
                taken.insert(machine, running);
            }
            Ok((_, Err(error))) => failed = Some(worse(failed, error)),
            Err(error) => {
                failed = Some(LockError::Machine {
                    machine: MachineId(String::new()),
                    why: error.to_string(),
                });
            }
        }
    }
    match failed {
        None => Ok(taken),
        Some(error) => {
            for running in taken.into_values() {
                free(running).await;
            }
            Err(error)
        }
    }
}

/// A machine that can't be locked at all matters more than one that somebody holds.
fn worse(before: Option<LockError>, now: LockError) -> LockError {
    match before {
        Some(error @ LockError::Machine { .. }) => error,
        _ => now,
    }
}

async fn in_order(
    wanted: &WantedLocks,
    context: &Context,
) -> Result<BTreeMap<MachineId, Running>, LockError> {
    let deadline = Instant::now() + context.lock_timeout;
    let mut taken = BTreeMap::new();
    for (machine, locks) in wanted {
        let got = match take(context, machine, locks, 0).await {
            Err(LockError::Held {
                machine: at,
                holder,
            }) if !context.lock_timeout.is_zero() => {
                context.events.send(Event::LockWaiting {
                    machine: at,
                    holder,
                });
                let left = deadline.saturating_duration_since(Instant::now());
                take(context, machine, locks, left.as_secs()).await
            }
            other => other,
        };
        match got {
            Ok(running) => {
                taken.insert(machine.clone(), running);
            }
            Err(error) => {
                for running in taken.into_values() {
                    free(running).await;
                }
                return Err(error);
            }
        }
    }
    Ok(taken)
}

async fn take(
    context: &Context,
    machine: &MachineId,
    locks: &[String],
    patience: u64,
) -> Result<Running, LockError> {
    let failed = |why: String| LockError::Machine {
        machine: machine.clone(),
        why,
    };
    let files: Vec<String> = locks.iter().map(|lock| lock_file(lock)).collect();
    let (files, patience_text) = (files.join("\n"), patience.to_string());
    let variables = [
        ("locks", files.as_str()),
        ("holder", context.who.as_str()),
        ("patience", patience_text.as_str()),
    ];
    let text = own(SCRIPT, &variables).map_err(|error| failed(error.to_string()))?;
    let program = format!(
        "sh -c {}",
        quote(&text).map_err(|error| failed(error.to_string()))?
    );
    let connection = context
        .connect(machine)
        .await
        .map_err(|error| failed(error.to_string()))?;
    let mut running = connection.start(Command::new(program).heartbeat(BEAT));
    match running.line().await.as_deref() {
        Some("locked") => Ok(running),
        Some(line) if line.starts_with("held ") => {
            let holder = line.splitn(3, ' ').nth(2).unwrap_or_default();
            let holder = if holder.is_empty() {
                "somebody who left no name"
            } else {
                holder
            };
            Err(LockError::Held {
                machine: machine.clone(),
                holder: holder.to_owned(),
            })
        }
        Some(line) => Err(failed(format!("it answered {line:?}"))),
        None => Err(failed(match running.wait().await {
            Ok(output) if output.status == ExitStatus::Code(0) => {
                "it ended without an answer".to_owned()
            }
            Ok(output) => output.stderr_text().trim().to_owned(),
            Err(error) => error.to_string(),
        })),
    }
}

/// Ends the heartbeat and waits a moment for the host to let go.
async fn free(running: Running) {
    running.end_input();
    // The lock frees itself anyway; this only makes it sooner.
    let _ = tokio::time::timeout(Duration::from_secs(5), running.wait()).await;
}

/// Watches one lock until the apply ends.
async fn keep(
    context: Context,
    machine: MachineId,
    locks: Vec<String>,
    mut running: Running,
    states: States,
) {
    let set = |state: State| {
        states
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(machine.clone(), state);
    };
    loop {
        while running.line().await.is_some() {}
        set(State::Regaining);
        let deadline = Instant::now() + REGAIN;
        running = loop {
            match take(&context, &machine, &locks, 5).await {
                Ok(again) => break again,
                Err(LockError::Held { holder, .. }) if !holder.starts_with(&context.who) => {
                    set(State::Lost(format!(
                        "the link was cut, and meanwhile {holder} locked {machine}"
                    )));
                    return;
                }
                Err(error) if Instant::now() > deadline => {
                    set(State::Lost(format!(
                        "the link was cut, and the lock couldn't be taken again: {error}"
                    )));
                    return;
                }
                Err(_) => tokio::time::sleep(Duration::from_secs(2)).await,
            }
        };
        set(State::Held);
    }
}
