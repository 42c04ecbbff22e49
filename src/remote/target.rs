//! What a caller says about a machine and about this client: plain data, no I/O but [`ClientContext::from_environment`].
//!
//! Targets come from the topology (`ssh` blocks and `server`/`app` blocks); the context is made once, at the edge.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How to reach one machine: what the configuration says. `None` leaves the answer to ~/.ssh/config and OpenSSH's defaults.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// How people call it in messages: `eu/db1` or `10.0.0.21`.
    pub name: String,
    /// Where SSH goes: a name, an address, or an alias of ~/.ssh/config.
    pub host: String,
    /// TCP port.
    pub port: Option<u16>,
    /// Login user.
    pub user: Option<String>,
    /// Private key file; `~/` is the home directory. Given, it replaces those of ~/.ssh/config.
    pub identity_file: Option<String>,
    /// known_hosts file in the place of the user's; the system's own is read besides.
    pub known_hosts: Option<String>,
    /// Jump hosts as ProxyJump writes them: `user@host:port`, several by comma, or `none`.
    pub jump: Option<String>,
    /// Run commands as root through passwordless sudo. Without effect when the login user is root.
    pub sudo: bool,
}

impl Target {
    /// A target with everything left to ~/.ssh/config, called by its host.
    pub fn new(host: impl Into<String>) -> Self {
        let host = host.into();
        Self {
            name: host.clone(),
            host,
            port: None,
            user: None,
            identity_file: None,
            known_hosts: None,
            jump: None,
            sudo: false,
        }
    }
}

/// Every bound of the SSH layer. Nothing waits for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// For the TCP connection, and again for the handshake, and again for each answer while authenticating.
    pub connect: Duration,
    /// How long a machine that owes us something may send nothing at all; it is asked for a sign of life meanwhile.
    /// Below three seconds it counts as three: libssh2 asks no oftener than every two.
    pub silence: Duration,
    /// How long one command may run when it says nothing itself.
    pub command: Duration,
    /// How much one command may print, standard output and error together, when it says nothing itself. Bytes.
    pub output_bytes: usize,
    /// Unfinished handshakes at once to one address, and through one bastion (sshd's MaxStartups drops from 10 on).
    pub handshakes_per_target: usize,
    /// Unfinished handshakes at once in all.
    pub parallel: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            silence: Duration::from_secs(30),
            command: Duration::from_secs(300),
            output_bytes: 16 * 1024 * 1024,
            handshakes_per_target: 8,
            parallel: 64,
        }
    }
}

/// Which ssh_config files count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigSource {
    /// The user's and the system's, as `ssh` finds them.
    System,
    /// This file alone (`ssh -F`).
    File(PathBuf),
    /// None: OpenSSH's defaults.
    None,
}

/// What this client is: everything that would otherwise be looked up in the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientContext {
    /// What `~` stands for in paths.
    pub home: PathBuf,
    /// Local user, the default login name.
    pub user: String,
    /// The SSH agent's socket.
    pub agent_socket: Option<PathBuf>,
    /// Someone sits at a terminal and may be asked for a passphrase.
    pub interactive: bool,
    /// Where ssh_config is read from.
    pub config: ConfigSource,
    /// known_hosts files of the whole system, read besides the user's.
    pub system_known_hosts: Vec<PathBuf>,
}

impl ClientContext {
    /// Reads the environment: `HOME`, `SSH_AUTH_SOCK`, the passwd entry of this process's user. Call it once, at the edge.
    /// `interactive` is the caller's to say: a terminal is there, and `-input=false` isn't.
    pub fn from_environment(interactive: bool) -> Self {
        let account = account_of_this_process();
        let home = std::env::home_dir()
            .filter(|home| !home.as_os_str().is_empty())
            .or_else(|| account.as_ref().map(|account| account.home.clone()))
            .unwrap_or_else(|| PathBuf::from("/"));
        let user = account
            .as_ref()
            .map(|account| account.user.clone())
            .or_else(|| std::env::var("USER").ok())
            .unwrap_or_else(|| "root".to_owned());
        let config = match &account {
            Some(account) if account.home != home => config_under(&home),
            _ => ConfigSource::System,
        };
        Self {
            home,
            user,
            agent_socket: std::env::var_os("SSH_AUTH_SOCK")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            interactive,
            config,
            system_known_hosts: vec![
                "/etc/ssh/ssh_known_hosts".into(),
                "/etc/ssh/ssh_known_hosts2".into(),
            ],
        }
    }

    /// A path as people write it in configuration: `~` and `~/x` are under the home directory.
    pub fn expand(&self, path: &str) -> PathBuf {
        match path.strip_prefix('~') {
            Some("") => self.home.clone(),
            Some(rest) if rest.starts_with('/') => self.home.join(rest.trim_start_matches('/')),
            _ => PathBuf::from(path),
        }
    }
}

/// `ssh` goes by the passwd entry, not by `HOME`. Whoever sets another `HOME` means the files there.
fn config_under(home: &Path) -> ConfigSource {
    let file = home.join(".ssh/config");
    match file.exists() {
        true => ConfigSource::File(file),
        false => ConfigSource::None,
    }
}

struct Account {
    user: String,
    home: PathBuf,
}

fn account_of_this_process() -> Option<Account> {
    let id = rustix::process::getuid().as_raw().to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.as_slice() {
            [user, _, uid, _, _, home, ..] if *uid == id => Some(Account {
                user: (*user).to_owned(),
                home: PathBuf::from(home),
            }),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_directory_only_at_the_start() {
        let context = ClientContext {
            home: "/home/anna".into(),
            user: "anna".into(),
            agent_socket: None,
            interactive: false,
            config: ConfigSource::None,
            system_known_hosts: Vec::new(),
        };
        assert_eq!(
            context.expand("~/.ssh/id"),
            PathBuf::from("/home/anna/.ssh/id")
        );
        assert_eq!(context.expand("/etc/~/id"), PathBuf::from("/etc/~/id"));
        assert_eq!(context.expand("~bob/id"), PathBuf::from("~bob/id"));
    }
}
