//! replform: declarative database replication.
//!
//! Data flows one way, and the modules are named after the stations on that way:
//!
//! ```text
//! *.rf.hcl ──config──▶ topology ─┐
//!                                ├──▶ plan (pure) ──▶ Plan: a DAG of steps ──▶ render
//! hosts ──remote─▶ observe ──────┘                        │
//!                                                         ▼
//!                             apply: run the steps over SSH, verify each, observe again
//! ```
//!
//! - [`config`] reads files, parses HCL with places, evaluates it; the only reader of the user's files.
//! - [`topology`] is what is wanted, typed and validated. Pure.
//! - [`observe`] asks the hosts what is there: one probe, one round trip a host; its decoding is pure.
//! - [`plan`] compares both and makes a DAG of steps. Pure: no I/O, no clock.
//! - [`engines`] holds one folder per database engine: probe, decoding, relation, steps and their `.sh` files.
//! - [`apply`] runs a plan: locks, scheduler, detached jobs, events. It runs scripts and knows no engine.
//! - [`remote`] is SSH: sessions, host keys, jump hosts, quoting.
//! - [`render`] turns plans and reports into text, JSON and graphs. Pure.
//! - [`json`] is how values are saved and printed.
//! - [`ui`] is the terminal: prompts and progress bars.
//! - [`cli`] is one file per command.

pub mod apply;
pub mod cli;
pub mod config;
pub mod diagnostics;
pub mod engines;
pub mod json;
pub mod observe;
pub mod plan;
pub mod remote;
pub mod render;
pub mod secret;
pub mod tls;
pub mod topology;
pub mod ui;
