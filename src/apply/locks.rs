//! The locks of one apply: on every machine of its replications, held by a heartbeat over SSH, so that they free themselves
//! when this client dies. A lock that a cut link took is taken again; one that somebody else has then, or had in between,
//! stops the whole apply: what it planned may no longer fit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::context::Context;
use super::events::Event;
use super::outcome::Phase;
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
    /// It couldn't be taken again: no new work on this machine.
    Lost(String),
    /// Another apply has it, or had it in between: no new work at all.
    Overtaken(String),
}

/// Why a step may not begin on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotHeld {
    /// Where in the step that counts as.
    pub(super) phase: Phase,
    /// What happened.
    pub(super) why: String,
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
    /// Who has it, when it was lost; who came in between, on whatever machine.
    pub(super) async fn held(&self, machine: &MachineId) -> Result<(), NotHeld> {
        loop {
            if let Some(held) = stand(
                &self.states.lock().unwrap_or_else(PoisonError::into_inner),
                machine,
            ) {
                return held;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Whether work may begin on a machine; `None`: its lock is being taken again.
fn stand(states: &BTreeMap<MachineId, State>, machine: &MachineId) -> Option<Result<(), NotHeld>> {
    let not = |phase, why: &String| {
        Some(Err(NotHeld {
            phase,
            why: why.clone(),
        }))
    };
    let overtaken = states.values().find_map(|state| match state {
        State::Overtaken(why) => Some(why),
        State::Held | State::Regaining | State::Lost(_) => None,
    });
    match (overtaken, states.get(machine)) {
        (Some(why), _) => not(Phase::Overtaken, why),
        (None, None | Some(State::Held)) => Some(Ok(())),
        (None, Some(State::Lost(why) | State::Overtaken(why))) => not(Phase::Lock, why),
        (None, Some(State::Regaining)) => None,
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
        if let Some(Taken { running, .. }) = taken.remove(machine) {
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
) -> Result<BTreeMap<MachineId, Taken>, LockError> {
    match at_once(wanted, context).await {
        Err(LockError::Held { .. }) => in_order(wanted, context).await,
        other => other,
    }
}

async fn at_once(
    wanted: &WantedLocks,
    context: &Context,
) -> Result<BTreeMap<MachineId, Taken>, LockError> {
    let mut tasks = tokio::task::JoinSet::new();
    for (machine, locks) in wanted {
        let (context, machine, locks) = (context.clone(), machine.clone(), locks.clone());
        tasks.spawn(async move { (machine.clone(), take(&context, &machine, &locks, 0).await) });
    }
    let mut taken = BTreeMap::new();
    let mut failed = None;
    while let Some(joined) = tasks.join_next().await {
        match joined {
            Ok((machine, Ok(one))) => {
                taken.insert(machine, one);
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
            for one in taken.into_values() {
                free(one.running).await;
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
) -> Result<BTreeMap<MachineId, Taken>, LockError> {
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
            Ok(one) => {
                taken.insert(machine.clone(), one);
            }
            Err(error) => {
                for one in taken.into_values() {
                    free(one.running).await;
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
) -> Result<Taken, LockError> {
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
    let mut former = Vec::new();
    while let Some(line) = running.line().await {
        match said(&line) {
            Some(Said::Former(who)) => former.push(who),
            Some(Said::Locked) => return Ok(Taken { running, former }),
            Some(Said::Held(holder)) => {
                return Err(LockError::Held {
                    machine: machine.clone(),
                    holder,
                });
            }
            None => return Err(failed(format!("it answered {line:?}"))),
        }
    }
    Err(failed(match running.wait().await {
        Ok(output) if output.status == ExitStatus::Code(0) => {
            "it ended without an answer".to_owned()
        }
        Ok(output) => output.stderr_text().trim().to_owned(),
        Err(error) => error.to_string(),
    }))
}

/// One machine's locks, held.
struct Taken {
    running: Running,
    /// Who had each of them last; empty: nobody since the host started.
    former: Vec<String>,
}

/// A line of locks.sh.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Former(String),
    Held(String),
    Locked,
}

fn said(line: &str) -> Option<Said> {
    let who = || line.splitn(3, ' ').nth(2).unwrap_or_default().to_owned();
    match line.split(' ').next()? {
        "former" => Some(Said::Former(who())),
        "held" if who().is_empty() => Some(Said::Held("somebody who left no name".to_owned())),
        "held" => Some(Said::Held(who())),
        "locked" => Some(Said::Locked),
        _ => None,
    }
}

/// Who had a lock between the loss of ours and now. A host that restarted meanwhile has forgotten who held what: ours too.
fn in_between<'a>(former: &'a [String], us: &str) -> Option<&'a str> {
    former
        .iter()
        .map(String::as_str)
        .find(|who| !who.is_empty() && *who != us)
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
                Ok(Taken { running, former }) => match in_between(&former, &context.who) {
                    None => break running,
                    Some(other) => {
                        set(State::Overtaken(format!(
                            "the link to {machine} was cut, and meanwhile {other} applied there; plan again"
                        )));
                        free(running).await;
                        return;
                    }
                },
                Err(LockError::Held { holder, .. }) if holder != context.who => {
                    set(State::Overtaken(format!(
                        "the link to {machine} was cut, and meanwhile {holder} locked it; plan again when that is done"
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Child, Stdio};

    use super::*;

    /// locks.sh on a real `sh`, with the lock files in a folder of the test's.
    struct Holder(Child);

    impl Holder {
        fn start(folder: &std::path::Path, locks: &[&str], who: &str, patience: &str) -> Self {
            let files: Vec<String> = locks
                .iter()
                .map(|lock| folder.join("lock").join(lock).display().to_string())
                .collect();
            let files = files.join("\n");
            let variables = [("locks", &*files), ("holder", who), ("patience", patience)];
            let text = own(SCRIPT, &variables).unwrap();
            let child = std::process::Command::new("sh")
                .args(["-c", &text])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            Self(child)
        }

        /// Its lines up to `locked`, or all.
        fn lines(&mut self) -> Vec<String> {
            use std::io::BufRead as _;
            let mut lines = Vec::new();
            for line in std::io::BufReader::new(self.0.stdout.as_mut().unwrap()).lines() {
                lines.push(line.unwrap());
                if lines.last().is_some_and(|line| line == "locked") {
                    break;
                }
            }
            lines
        }

        fn end(mut self) -> Option<i32> {
            writeln!(self.0.stdin.take().unwrap(), "end").ok();
            self.0.wait().unwrap().code()
        }
    }

    #[test]
    fn a_lock_says_who_had_it_last() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Holder::start(folder.path(), &["a", "b"], "anna pid 1", "0");
        assert_eq!(first.lines(), ["former a ", "former b ", "locked"]);
        assert_eq!(first.end(), Some(0));
        let mut second = Holder::start(folder.path(), &["b"], "berta pid 2", "0");
        assert_eq!(second.lines(), ["former b anna pid 1", "locked"]);
        let mut refused = Holder::start(folder.path(), &["a", "b"], "anna pid 1", "0");
        assert_eq!(
            refused.lines(),
            ["former a anna pid 1", "held b berta pid 2"]
        );
        assert_eq!(refused.end(), Some(75));
        assert_eq!(second.end(), Some(0));
        let mut again = Holder::start(folder.path(), &["a", "b"], "anna pid 1", "0");
        let former: Vec<String> = again
            .lines()
            .iter()
            .filter_map(|line| match said(line) {
                Some(Said::Former(who)) => Some(who),
                _ => None,
            })
            .collect();
        assert_eq!(again.end(), Some(0));
        assert_eq!(in_between(&former, "anna pid 1"), Some("berta pid 2"));
        assert_eq!(in_between(&former[..1], "anna pid 1"), None);
        assert_eq!(in_between(&[String::new()], "anna pid 1"), None);
    }

    /// The first lock is had after a second of waiting, the second never: two seconds are left for both together.
    #[test]
    fn the_patience_is_for_all_locks_of_a_machine_together() {
        let folder = tempfile::tempdir().unwrap();
        let mut one = Holder::start(folder.path(), &["a"], "anna", "0");
        let mut other = Holder::start(folder.path(), &["b"], "berta", "0");
        assert_eq!((one.lines().len(), other.lines().len()), (2, 2));
        let began = Instant::now();
        let mut waiting = Holder::start(folder.path(), &["a", "b"], "carla", "3");
        std::thread::sleep(Duration::from_secs(2)); // the time that the first lock takes of the patience
        assert_eq!(one.end(), Some(0));
        assert_eq!(waiting.lines(), ["former a anna", "held b berta"]);
        let took = began.elapsed();
        assert!(
            took > Duration::from_millis(2900) && took < Duration::from_millis(4500),
            "{took:?}"
        );
        assert_eq!((waiting.end(), other.end()), (Some(75), Some(0)));
    }

    #[test]
    fn whoever_came_in_between_stops_the_work_on_every_machine() {
        let id = |name: &str| MachineId(name.to_owned());
        let mut states = BTreeMap::from([(id("a"), State::Held), (id("b"), State::Regaining)]);
        assert_eq!(stand(&states, &id("a")), Some(Ok(())));
        assert_eq!(stand(&states, &id("b")), None);
        states.insert(id("b"), State::Lost("gone".to_owned()));
        assert_eq!(stand(&states, &id("a")), Some(Ok(())));
        assert_eq!(
            stand(&states, &id("b")).unwrap().unwrap_err().phase,
            Phase::Lock
        );
        states.insert(id("b"), State::Overtaken("berta".to_owned()));
        assert_eq!(
            stand(&states, &id("a")).unwrap().unwrap_err().phase,
            Phase::Overtaken
        );
    }
}
