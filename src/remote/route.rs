//! What is settled before a machine is dialled: the target's attributes over what ~/.ssh/config says. Pure.
//!
//! Takes a [`Target`] and an [`Answer`] (of `ssh -G`, or OpenSSH's defaults), gives a [`Route`]. Looks at no file.

use std::path::PathBuf;

use super::target::{ClientContext, Target};

/// What ssh_config says about a host, as `ssh -G` words it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    lines: Vec<(String, String)>,
}

/// Everything needed to reach and enter one machine, but the machines on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) identities: Identities,
    pub(super) known_hosts: Vec<PathBuf>,
    pub(super) host_key_alias: Option<String>,
    pub(super) family: Family,
    pub(super) proxy: Proxy,
}

/// Where keys for the login come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identities {
    /// The key file that the configuration names: it must be there.
    pub(super) required: Option<PathBuf>,
    /// Key files of ~/.ssh/config or the usual ones: those that are there.
    pub(super) optional: Vec<PathBuf>,
    pub(super) certificates: Vec<PathBuf>,
    pub(super) agent: Option<PathBuf>,
    /// Which of the agent's keys may be tried.
    pub(super) agent_keys: AgentKeys,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AgentKeys {
    All,
    /// `IdentitiesOnly yes`: only those that are also key files here.
    Configured,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Any,
    V4,
    V6,
}

/// How bytes get to the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proxy {
    Direct,
    /// Over these, first to last.
    Jump(Vec<Hop>),
    /// Over a program's standard input and output.
    Command(String),
}

/// One machine of a ProxyJump list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) user: Option<String>,
}

/// Reads `[user@]host[:port]`, several by comma, `ssh://` and `[v6]:port` too.
pub(super) fn parse_jump(list: &str) -> Result<Vec<Hop>, String> {
    list.split(',').map(|text| parse_hop(text.trim())).collect()
}

fn parse_hop(text: &str) -> Result<Hop, String> {
    let bad = |why: &str| format!("the jump host {text:?} {why}; write user@host:port");
    let rest = text
        .strip_prefix("ssh://")
        .unwrap_or(text)
        .trim_end_matches('/');
    let (user, rest) = match rest.rsplit_once('@') {
        Some(("", _)) => return Err(bad("has an empty user")),
        Some((user, rest)) => (Some(user.to_owned()), rest),
        None => (None, rest),
    };
    let (host, port) = match rest
        .strip_prefix('[')
        .and_then(|inner| inner.split_once(']'))
    {
        Some((host, "")) => (host, None),
        Some((host, port)) => (
            host,
            Some(
                port.strip_prefix(':')
                    .ok_or_else(|| bad("has something odd after the bracket"))?,
            ),
        ),
        None if rest.matches(':').count() > 1 => (rest, None),
        None => rest
            .split_once(':')
            .map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || host.starts_with('-') || host.contains(char::is_whitespace) {
        return Err(bad("has no usable host"));
    }
    let port = port
        .map(|port| {
            port.parse::<u16>()
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(|| bad("has no usable port"))
        })
        .transpose()?;
    Ok(Hop {
        host: host.to_owned(),
        port,
        user,
    })
}

impl Answer {
    /// Reads what `ssh -G` printed.
    pub(super) fn parse(text: &str) -> Self {
        let lines = text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(key, value)| (key.to_ascii_lowercase(), value.trim().to_owned()));
        Self {
            lines: lines.collect(),
        }
    }

    /// What OpenSSH does where no file says anything.
    pub(super) fn defaults(context: &ClientContext) -> Self {
        let mut lines = vec![
            ("user".to_owned(), context.user.clone()),
            ("port".to_owned(), "22".to_owned()),
        ];
        for kind in ["ed25519", "ecdsa", "rsa"] {
            lines.push(("identityfile".to_owned(), format!("~/.ssh/id_{kind}")));
        }
        lines.push((
            "userknownhostsfile".to_owned(),
            "~/.ssh/known_hosts ~/.ssh/known_hosts2".to_owned(),
        ));
        Self { lines }
    }

    fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.lines
            .iter()
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    fn one<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.all(key)
            .next()
            .filter(|value| !value.eq_ignore_ascii_case("none"))
    }

    /// Settles how `target` is reached. `warn` gets what of ssh_config is not honoured.
    pub(super) fn settle(
        &self,
        target: &Target,
        context: &ClientContext,
        warn: &mut dyn FnMut(String),
    ) -> Result<Route, String> {
        let host = self
            .one("hostname")
            .unwrap_or(&target.host)
            .to_ascii_lowercase();
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&host)
            .to_owned();
        let configured_port = self.one("port").and_then(|port| port.parse().ok());
        let port = target.port.or(configured_port).unwrap_or(22);
        let user = target
            .user
            .clone()
            .or_else(|| self.one("user").map(str::to_owned))
            .unwrap_or_else(|| context.user.clone());
        let tokens = Tokens {
            context,
            original: &target.host,
            host: &host,
            port,
            user: &user,
        };
        let proxy = self.proxy(target, &tokens)?;
        let identities = self.identities(target, &tokens, warn)?;
        let known_hosts = self.known_hosts(target, context);
        let family = match self.one("addressfamily") {
            Some("inet") => Family::V4,
            Some("inet6") => Family::V6,
            _ => Family::Any,
        };
        let host_key_alias = self.one("hostkeyalias").map(str::to_owned);
        Ok(Route {
            identities,
            known_hosts,
            host_key_alias,
            family,
            proxy,
            host: host.clone(),
            port,
            user: user.clone(),
        })
    }

    fn proxy(&self, target: &Target, tokens: &Tokens<'_>) -> Result<Proxy, String> {
        if let Some(jump) = &target.jump {
            return match jump.trim() {
                "none" => Ok(Proxy::Direct),
                list => parse_jump(list).map(Proxy::Jump),
            };
        }
        if let Some(list) = self.one("proxyjump") {
            return parse_jump(list).map(Proxy::Jump);
        }
        match self.one("proxycommand") {
            Some(command) => tokens.expand(command).map(Proxy::Command),
            None => Ok(Proxy::Direct),
        }
    }

    fn identities(
        &self,
        target: &Target,
        tokens: &Tokens<'_>,
        warn: &mut dyn FnMut(String),
    ) -> Result<Identities, String> {
        let expand = |path: &str| tokens.expand(path).map(|path| tokens.context.expand(&path));
        let required = target
            .identity_file
            .as_deref()
            .map(|path| tokens.context.expand(path));
        let optional = match required {
            Some(_) => Vec::new(),
            None => self
                .all("identityfile")
                .filter(|path| *path != "none")
                .map(expand)
                .collect::<Result<_, _>>()?,
        };
        let certificates = self
            .all("certificatefile")
            .filter(|path| *path != "none")
            .map(expand)
            .collect::<Result<_, _>>()?;
        let agent = match self.all("identityagent").next() {
            None | Some("SSH_AUTH_SOCK" | "$SSH_AUTH_SOCK" | "${SSH_AUTH_SOCK}") => {
                tokens.context.agent_socket.clone()
            }
            Some("none") => None,
            Some(name) if name.starts_with('$') => {
                warn(format!(
                    "IdentityAgent {name} of ~/.ssh/config is not honoured: write a path, or SSH_AUTH_SOCK"
                ));
                None
            }
            Some(path) => Some(expand(path)?),
        };
        let agent_keys = match self.one("identitiesonly") {
            Some("yes") => AgentKeys::Configured,
            _ => AgentKeys::All,
        };
        Ok(Identities {
            required,
            optional,
            certificates,
            agent,
            agent_keys,
        })
    }

    fn known_hosts(&self, target: &Target, context: &ClientContext) -> Vec<PathBuf> {
        let users = match &target.known_hosts {
            Some(file) => vec![context.expand(file)],
            None => self
                .one("userknownhostsfile")
                .map(|list| split_paths(list, context))
                .unwrap_or_default(),
        };
        let system = match self.all("globalknownhostsfile").next() {
            None => context.system_known_hosts.clone(),
            Some("none") => Vec::new(),
            Some(list) => split_paths(list, context),
        };
        users.into_iter().chain(system).collect()
    }
}

/// `ssh -G` prints paths side by side and quotes nothing; each begins with `/` or `~`, which tells them apart from blanks inside.
fn split_paths(list: &str, context: &ClientContext) -> Vec<PathBuf> {
    let mut paths: Vec<String> = Vec::new();
    for word in list.split(' ') {
        match paths.last_mut() {
            Some(last) if !word.starts_with(['/', '~']) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => paths.push(word.to_owned()),
        }
    }
    paths
        .iter()
        .filter(|path| !path.is_empty())
        .map(|path| context.expand(path))
        .collect()
}

/// What ssh_config's `%` tokens stand for (ssh_config(5), TOKENS).
struct Tokens<'a> {
    context: &'a ClientContext,
    original: &'a str,
    host: &'a str,
    port: u16,
    user: &'a str,
}

impl Tokens<'_> {
    fn expand(&self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                out.push(character);
                continue;
            }
            match characters.next() {
                Some('%') => out.push('%'),
                Some('h') => out.push_str(self.host),
                Some('n') => out.push_str(self.original),
                Some('p') => out.push_str(&self.port.to_string()),
                Some('r') => out.push_str(self.user),
                Some('u') => out.push_str(&self.context.user),
                Some('d') => out.push_str(&self.context.home.to_string_lossy()),
                other => {
                    return Err(format!(
                        "{text:?} has the token %{}, which replform doesn't know",
                        other.map(String::from).unwrap_or_default()
                    ));
                }
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
