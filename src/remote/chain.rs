//! From a target to the machines on the way to it: jump hosts first, the target last, each with its route.
//!
//! ssh_config is asked once for each host, user and port. Opens nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OnceCell, Semaphore};

use super::route::{Answer, Hop, Proxy, Route};
use super::ssh_config::{Asked, ask};
use super::target::{ClientContext, Target};

/// `ssh -G` at once: each is a process of some 20 ms.
const ASKED_AT_ONCE: usize = 4;
/// Jump hosts of jump hosts: more than this is a circle.
const DEPTH: usize = 8;

/// One machine on the way.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    pub(super) route: Route,
}

impl Stop {
    /// `user@host:port`.
    pub(super) fn endpoint(&self) -> String {
        let Route {
            user, host, port, ..
        } = &self.route;
        match host.contains(':') {
            true => format!("{user}@[{host}]:{port}"),
            false => format!("{user}@{host}:{port}"),
        }
    }

    /// Two stops with the same key may share a session.
    pub(super) fn key(&self) -> String {
        format!("{:?}", self.route)
    }
}

/// The way as people read it: `root@db1:22 via root@bastion:22`.
pub(super) fn describe(chain: &[Stop]) -> String {
    let mut endpoints: Vec<String> = chain.iter().map(Stop::endpoint).collect();
    let last = endpoints.pop().unwrap_or_default();
    match endpoints.is_empty() {
        true => last,
        false => format!("{last} via {}", endpoints.join(", ")),
    }
}

type Question = (String, Option<String>, Option<u16>);
type Answered = Arc<OnceCell<Result<Answer, String>>>;

/// Asks ssh_config, and remembers.
pub(super) struct Router {
    context: Arc<ClientContext>,
    answers: Mutex<BTreeMap<Question, Answered>>,
    turns: Semaphore,
}

impl Router {
    pub(super) fn new(context: Arc<ClientContext>) -> Self {
        Self {
            context,
            answers: Mutex::new(BTreeMap::new()),
            turns: Semaphore::new(ASKED_AT_ONCE),
        }
    }

    /// The machines on the way to `target`, the target last.
    pub(super) async fn chain(
        &self,
        target: &Target,
        warn: &(dyn Fn(String) + Sync),
    ) -> Result<Vec<Stop>, String> {
        let route = self.route(target, warn).await?;
        let mut chain = vec![Stop {
            route: route.clone(),
        }];
        let mut next = route;
        for _ in 0..DEPTH {
            let Proxy::Jump(hops) = next.proxy.clone() else {
                return Ok(chain);
            };
            let mut before = Vec::new();
            for hop in &hops {
                before.push(Stop {
                    route: self.hop_route(hop, target, warn).await?,
                });
            }
            let (front, this) = (before[0].route.clone(), &chain[0].route);
            if (&front.host, front.port) == (&this.host, this.port) {
                // A jump host that is set for every machine is set for itself, too.
                return Ok(chain);
            }
            chain.splice(0..0, before);
            next = front;
        }
        Err(format!(
            "the jump hosts of {} lead in a circle",
            target.host
        ))
    }

    async fn route(
        &self,
        target: &Target,
        warn: &(dyn Fn(String) + Sync),
    ) -> Result<Route, String> {
        let answer = self.answer(target, warn).await?;
        answer.settle(target, &self.context, &mut |warning| warn(warning))
    }

    /// As with `ssh -J`, a jump host has its own user and keys from ~/.ssh/config. Where that says nothing of the user, it is the
    /// target's; the target's key file is tried first, and its known_hosts file counts.
    async fn hop_route(
        &self,
        hop: &Hop,
        target: &Target,
        warn: &(dyn Fn(String) + Sync),
    ) -> Result<Route, String> {
        let wanted = Target {
            port: hop.port,
            user: hop.user.clone(),
            known_hosts: target.known_hosts.clone(),
            ..Target::new(hop.host.clone())
        };
        let mut route = self.route(&wanted, warn).await?;
        if let (None, Some(user), true) = (&hop.user, &target.user, route.user == self.context.user)
        {
            route.user.clone_from(user);
        }
        if let Some(file) = &target.identity_file {
            route
                .identities
                .optional
                .insert(0, self.context.expand(file));
        }
        Ok(route)
    }

    async fn answer(
        &self,
        target: &Target,
        warn: &(dyn Fn(String) + Sync),
    ) -> Result<Answer, String> {
        let question = (target.host.clone(), target.user.clone(), target.port);
        let cell = self
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(question)
            .or_default()
            .clone();
        cell.get_or_init(|| self.ask(target, warn)).await.clone()
    }

    async fn ask(&self, target: &Target, warn: &(dyn Fn(String) + Sync)) -> Result<Answer, String> {
        let _turn = self
            .turns
            .acquire()
            .await
            .map_err(|error| error.to_string())?;
        let (target, context) = (target.clone(), self.context.clone());
        let asked = tokio::task::spawn_blocking(move || ask(&target, &context))
            .await
            .map_err(|error| error.to_string())?;
        let Asked { answer, warning } = asked?;
        warning.into_iter().for_each(warn);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::target::ConfigSource;
    use super::*;

    fn chain(config: &str, target: &Target) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, config).unwrap();
        let context = ClientContext {
            home: folder.path().to_owned(),
            user: "anna".into(),
            agent_socket: None,
            interactive: false,
            config: if config.is_empty() {
                ConfigSource::None
            } else {
                ConfigSource::File(file)
            },
            system_known_hosts: Vec::new(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let router = Router::new(Arc::new(context));
        runtime
            .block_on(router.chain(target, &|_| {}))
            .map(|chain| describe(&chain))
    }

    #[test]
    fn hops_of_the_configuration_come_first_to_last() {
        let target = Target {
            jump: Some("one,bob@two:2222".into()),
            user: Some("deploy".into()),
            ..Target::new("db1")
        };
        assert_eq!(
            chain("", &target).unwrap(),
            "deploy@db1:22 via deploy@one:22, bob@two:2222"
        );
    }

    #[test]
    fn without_a_jump_the_chain_is_the_target() {
        assert_eq!(
            chain("", &Target::new("2001:DB8::1")).unwrap(),
            "anna@[2001:db8::1]:22"
        );
    }

    #[test]
    fn a_jump_host_for_every_machine_is_none_for_itself() {
        let bastion = Target {
            jump: Some("bastion".into()),
            ..Target::new("bastion")
        };
        assert_eq!(chain("", &bastion).unwrap(), "anna@bastion:22");
    }

    #[test]
    fn jump_hosts_have_jump_hosts_of_their_own() {
        if std::process::Command::new("ssh")
            .arg("-V")
            .output()
            .is_err()
        {
            return;
        }
        let config = "Host inner\n ProxyJump middle\nHost middle\n ProxyJump outer\n User m\nHost *\n User x\n";
        assert_eq!(
            chain(config, &Target::new("inner")).unwrap(),
            "x@inner:22 via x@outer:22, m@middle:22"
        );
        let circle = "Host a\n ProxyJump b\nHost b\n ProxyJump a\n";
        assert!(
            chain(circle, &Target::new("a"))
                .unwrap_err()
                .contains("circle")
        );
    }
}
