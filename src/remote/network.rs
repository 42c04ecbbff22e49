//! Opens and shares connections: one session for each account of each machine, bastions included.
//!
//! Bounds what is under way: handshakes to one address, through one bastion, and in all. Whoever asks for a machine that someone
//! else is just dialling gets the same answer, good or bad.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::chain::{Router, Stop, describe};
use super::connection::{Connection, Link};
use super::driver::Driver;
use super::error::{ConnectError, ConnectErrorKind, Stage};
use super::establish::{Errand, Setback, Via};
use super::login::Passphrases;
use super::shared::Shared;
use super::target::{ClientContext, Limits, Target};

/// Stack of a connection's thread: 500 of them shall not exhaust the machine.
const STACK_BYTES: usize = 256 * 1024;
/// Open files that a network may want: two for a connection, three through a bastion, and room.
const OPEN_FILES: u64 = 4096;
/// Sessions to one bastion while openings on the others are stuck.
const SESSIONS_OF_ONE_BASTION: usize = 8;

/// Every SSH connection of this process. Clones share it; when the last one and all connections are gone, the sessions end.
#[derive(Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

struct Inner {
    limits: Arc<Limits>,
    router: Router,
    passphrases: Arc<Passphrases>,
    overall: Arc<Semaphore>,
    turns: Mutex<BTreeMap<String, Arc<Semaphore>>>,
    slots: Mutex<BTreeMap<String, Arc<Slot>>>,
    warnings: Arc<Mutex<BTreeSet<String>>>,
}

type Slot = tokio::sync::Mutex<SlotState>;

#[derive(Default)]
struct SlotState {
    links: Vec<Arc<Link>>,
    failure: Option<(Instant, ConnectErrorKind)>,
}

type Opening<'a> = Pin<Box<dyn Future<Output = Result<Arc<Link>, ConnectErrorKind>> + Send + 'a>>;

impl Network {
    /// No connection is opened yet. Raises this process's soft limit of open files where the hard one allows it.
    pub fn new(limits: Limits, client: ClientContext) -> Self {
        raise_open_files();
        let inner = Inner {
            passphrases: Arc::new(Passphrases::new(client.interactive)),
            router: Router::new(Arc::new(client)),
            overall: Arc::new(Semaphore::new(limits.parallel.max(1))),
            turns: Mutex::new(BTreeMap::new()),
            slots: Mutex::new(BTreeMap::new()),
            warnings: Arc::new(Mutex::new(BTreeSet::new())),
            limits: Arc::new(limits),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// A connection to the target: the live one if there is one, else a new one. Needs a tokio runtime with time.
    ///
    /// # Errors
    /// Why the machine can't be reached.
    pub async fn connect(&self, target: &Target) -> Result<Connection, ConnectError> {
        let failed = |endpoint: String, kind| ConnectError {
            target: target.name.clone(),
            endpoint,
            kind,
        };
        let warn = |warning| self.inner.warn(warning);
        let chain = self.inner.router.chain(target, &warn).await;
        let chain = chain.map_err(|text| {
            failed(
                target.host.clone(),
                ConnectErrorKind::Configuration { text },
            )
        })?;
        let link = self
            .inner
            .link(&chain)
            .await
            .map_err(|kind| failed(describe(&chain), kind))?;
        let is_root = chain.last().is_some_and(|stop| stop.route.user == "root");
        Ok(Connection {
            name: target.name.as_str().into(),
            link,
            limits: self.inner.limits.clone(),
            sudo: target.sudo && !is_root,
        })
    }

    /// What of known_hosts and ssh_config could not be honoured so far, sorted, each once.
    pub fn warnings(&self) -> Vec<String> {
        self.inner
            .warnings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}

impl Inner {
    fn warn(&self, warning: String) {
        self.warnings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(warning);
    }

    /// The live session to the last stop of the chain, or a new one.
    fn link<'a>(&'a self, chain: &'a [Stop]) -> Opening<'a> {
        Box::pin(async move {
            let key = chain.iter().map(Stop::key).collect::<Vec<_>>().join(" > ");
            let slot = self
                .slots
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(key)
                .or_default()
                .clone();
            let asked = Instant::now();
            let mut state = slot.lock().await;
            loop {
                state.links.retain(|link| link.is_alive());
                if let Some(link) = state.links.iter().find(|link| !link.is_stalled()) {
                    return Ok(link.clone());
                }
                if let Some((_, kind)) = state.failure.as_ref().filter(|(when, _)| *when >= asked) {
                    return Err(kind.clone());
                }
                if state.links.len() < SESSIONS_OF_ONE_BASTION {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            match self.open(chain).await {
                Ok(link) => {
                    state.failure = None;
                    state.links.push(link.clone());
                    Ok(link)
                }
                Err(kind) => {
                    state.failure = Some((Instant::now(), kind.clone()));
                    Err(kind)
                }
            }
        })
    }

    async fn open(&self, chain: &[Stop]) -> Result<Arc<Link>, ConnectErrorKind> {
        let Some((stop, before)) = chain.split_last() else {
            return Err(ConnectErrorKind::Configuration {
                text: "there is no machine to reach".to_owned(),
            });
        };
        let give_up = Instant::now() + self.limits.connect * 4;
        loop {
            let via = self.via(before).await?;
            let setback = {
                let _turns = self.turns(stop, before).await?;
                match self.attempt(stop, via.clone()).await {
                    Ok(link) => return Ok(link),
                    Err(setback) => setback,
                }
            };
            let hop = via.map(|via| via.hop).unwrap_or_default();
            match setback {
                Setback::Failed(kind) => return Err(kind),
                Setback::ViaStalled | Setback::ViaLost(_) if Instant::now() < give_up => {}
                Setback::ViaStalled => {
                    let text = "it is stuck opening other connections".to_owned();
                    return Err(ConnectErrorKind::JumpRefused { hop, text });
                }
                Setback::ViaLost(text) => return Err(ConnectErrorKind::JumpRefused { hop, text }),
            }
        }
    }

    /// The bastion's session; a failure names the machine on the way that failed.
    async fn via(&self, before: &[Stop]) -> Result<Option<Via>, ConnectErrorKind> {
        let Some(last) = before.last() else {
            return Ok(None);
        };
        let hop = last.endpoint();
        match self.link(before).await {
            Ok(link) => Ok(Some(Via { link, hop })),
            Err(kind @ ConnectErrorKind::JumpFailed { .. }) => Err(kind),
            Err(kind) => {
                let error = ConnectError {
                    target: hop.clone(),
                    endpoint: describe(before),
                    kind,
                };
                Err(ConnectErrorKind::JumpFailed {
                    hop,
                    error: Box::new(error),
                })
            }
        }
    }

    /// Leave to shake hands: with this address, through this bastion, and at all.
    async fn turns(
        &self,
        stop: &Stop,
        before: &[Stop],
    ) -> Result<Vec<OwnedSemaphorePermit>, ConnectErrorKind> {
        let way = describe(before);
        let address = format!("{}:{} via {way}", stop.route.host, stop.route.port);
        let mut wanted = vec![self.turn(address)];
        if !before.is_empty() {
            wanted.push(self.turn(format!("through {way}")));
        }
        wanted.push(self.overall.clone());
        let mut turns = Vec::new();
        for semaphore in wanted {
            let turn = semaphore.acquire_owned().await;
            turns.push(turn.map_err(|error| ConnectErrorKind::Client {
                text: error.to_string(),
            })?);
        }
        Ok(turns)
    }

    fn turn(&self, key: String) -> Arc<Semaphore> {
        let at_once = self.limits.handshakes_per_target.max(1);
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns
            .entry(key)
            .or_insert_with(|| Arc::new(Semaphore::new(at_once)))
            .clone()
    }

    /// Starts the machine's thread and waits until it is logged in.
    async fn attempt(&self, stop: &Stop, via: Option<Via>) -> Result<Arc<Link>, Setback> {
        let (done, result) = oneshot::channel();
        let errand = Errand {
            route: stop.route.clone(),
            via,
            connect: self.limits.connect,
            passphrases: self.passphrases.clone(),
        };
        let (silence, warnings) = (self.limits.silence, self.warnings.clone());
        std::thread::Builder::new()
            .name(format!("ssh {}", stop.route.host))
            .stack_size(STACK_BYTES)
            .spawn(move || live(&errand, silence, &warnings, done))
            .map_err(|error| ConnectErrorKind::Client {
                text: format!("no thread: {error}"),
            })?;
        let vanished = || ConnectErrorKind::Client {
            text: "the connection's thread ended unexpectedly".to_owned(),
        };
        if self.passphrases.may_ask() {
            return result.await.map_err(|_| Setback::Failed(vanished()))?;
        }
        // Each wait inside has its own limit; this one is for what has none: the resolver, the agent.
        let patience = self.limits.connect * 12;
        match tokio::time::timeout(patience, result).await {
            Ok(answer) => answer.map_err(|_| Setback::Failed(vanished()))?,
            Err(_) => Err(ConnectErrorKind::TimedOut {
                stage: Stage::Authentication,
                after: patience,
            }
            .into()),
        }
    }
}

type Done = oneshot::Sender<Result<Arc<Link>, Setback>>;

/// The life of a connection's thread.
fn live(errand: &Errand, silence: Duration, warnings: &Mutex<BTreeSet<String>>, done: Done) {
    let mut warn = |warning: &str| {
        warnings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(warning.to_owned());
    };
    let (session, stream) = match errand.run(&mut warn, &|| !done.is_closed()) {
        Ok(entered) => entered,
        Err(setback) => {
            // Whoever has stopped waiting needs no answer.
            let _ = done.send(Err(setback));
            return;
        }
    };
    let shared = match Shared::new() {
        Ok(shared) => Arc::new(shared),
        Err(error) => {
            let _ = done.send(Err(ConnectErrorKind::Client {
                text: error.to_string(),
            }
            .into()));
            return;
        }
    };
    let (sender, requests) = channel();
    let via = errand.via.as_ref().map(|via| via.link.clone());
    let link = Link::new(sender, shared.clone(), via);
    // Where nobody waits any more the link is dropped here, and the driver ends at once.
    let _ = done.send(Ok(Arc::new(link)));
    Driver::new(session, stream, requests, shared, silence).serve();
}

/// A soft limit of 1024 files would end at some 340 machines behind a bastion. Where it can't be raised, the error says so later.
fn raise_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(OPEN_FILES).min(OPEN_FILES);
    if current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(wanted),
                maximum,
            },
        );
    }
}
