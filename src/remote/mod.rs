//! SSH: how replform reaches machines and runs commands on them. The only user of ssh2 and socket2.
//!
//! ```text
//! Target ──config (ssh -G)──▶ Route ──dial──▶ stream ──handshake (known_hosts)──▶ session ──auth──▶ driver thread
//!                                     ▲                                                               │
//!                                     └────── a bastion's driver pumps direct-tcpip channels ◀────────┘
//! Connection::run / start ──requests──▶ driver thread ──▶ Output, chunks, errors in words
//! ```
//!
//! One thread per machine owns the libssh2 session and all its channels; nothing else touches them. Nothing here knows what a
//! database is, reads the environment (but [`ClientContext::from_environment`], for the edge), or prints.

mod chain;
mod command;
mod connection;
mod driver;
mod ear;
mod error;
mod establish;
mod exec;
mod forward;
mod gate;
mod handshake;
mod key_file;
mod known_hosts;
mod login;
mod network;
mod pulse;
mod quote;
mod route;
mod run_error;
mod running;
mod shared;
mod ssh_config;
mod stream;
mod target;

pub use command::{Command, ExitStatus, Output};
pub use connection::Connection;
pub use error::{ConnectError, ConnectErrorKind, Stage};
pub use network::Network;
pub use quote::{QuoteError, quote};
pub use run_error::{RunError, RunErrorKind};
pub use running::Running;
pub use target::{ClientContext, ConfigSource, Limits, Target};
