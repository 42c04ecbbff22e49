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

mod command;
mod error;
mod network;
mod quote;
mod target;

pub use command::{Command, ExitStatus, Output, Running};
pub use error::{ConnectError, ConnectErrorKind, RunError, RunErrorKind, Stage};
pub use network::{Connection, Network};
pub use quote::{QuoteError, quote};
pub use target::{ClientContext, ConfigSource, Limits, Target};
