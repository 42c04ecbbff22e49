//! What a step runs: a script of the crate with typed arguments, on one machine, under one lock.
//!
//! Apply knows scripts, phases and jobs; it knows no engine. A script is POSIX sh that defines functions
//! `check` (the world is still as the plan saw it), `run`, `verify`, and for jobs `progress`; its arguments are
//! shell variables of the same names, set by replform before the script's text.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use openssl::sha::Sha256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Arguments;
use super::scripts::script_digest;
use crate::secret::Secret;
use crate::topology::{Bytes, MachineId};

/// One piece of work on one machine; a step has one or several, done in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Action {
    /// Where it runs.
    pub machine: MachineId,
    /// The instance (`postgresql:5432`) or file lock that it holds while it runs.
    pub lock: String,
    /// What it runs.
    pub work: Work,
}

/// How a script runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "as", rename_all = "snake_case")]
pub enum Work {
    /// check, run and verify in one command over SSH.
    Script(Call),
    /// check over SSH; run and verify in a detached unit on the host, which outlives the client.
    Job(JobCall),
}

/// A script and its arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// The script's name in the crate: `postgresql/account.sh`.
    pub script: String,
    /// Shell variables that are set before it.
    pub arguments: Arguments,
    /// Limit of the whole command, seconds.
    pub timeout_seconds: u64,
}

/// A script that runs detached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobCall {
    /// `<topology>.<replication>.<replica>.<step>`: its folder's and unit's name, but for a random end.
    pub name: String,
    /// The script.
    pub call: Call,
    /// Bytes that it is expected to move, for the progress bar until the job says better.
    pub expected: Option<Bytes>,
}

/// The value of a script's variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", content = "value", rename_all = "snake_case")]
pub enum Argument {
    /// A text.
    // Shared by the calls that are made from one another.
    Text(Arc<str>),
    /// A whole number.
    Number(i64),
    /// Texts, one a line.
    Lines(Vec<String>),
    /// A secret made anew at every apply; the same name is the same secret within one apply.
    Secret(SecretName),
    /// What proves a secret to the server without being it, made by the engine whose script it goes to: a verifier, a hash.
    Proof(SecretName),
    /// The certificate (PEM) of an authority that lives for one apply: no secret, but another at every apply.
    Authority(SecretName),
    /// A certificate that such an authority signs, and its key (PEM).
    // Boxed, as `Sensitive` is: they are rare, and twice as large as the others.
    Certificate(Box<OneTimeCertificate>),
    /// A text that holds values the configuration calls sensitive.
    Sensitive(Box<Sensitive>),
    /// How fast, not what: part of the plan's identity, but a job that runs with another pace makes the same.
    Pace(String),
    /// A size or estimate that doesn't belong to the plan's identity: it may differ at apply time.
    Volatile(String),
}

/// The name of a secret of one apply: `orders.reader.password`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SecretName(pub String);

/// A certificate made anew at every apply, for one end of one connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct OneTimeCertificate {
    /// Its authority's name: the same for both ends.
    pub authority: SecretName,
    /// Whom it names: the end that must prove to be it.
    pub common_name: String,
}

/// A sensitive text: in memory as it is, saved only as a salted hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sensitive {
    /// The text.
    #[serde(skip, default = "Secret::forgotten")]
    #[schemars(skip)]
    pub text: Secret,
    /// SHA-256 of salt and text, hexadecimal.
    pub hash: String,
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Work {
    /// What it runs, over SSH or detached.
    pub fn call(&self) -> &Call {
        match self {
            Self::Script(call) | Self::Job(JobCall { call, .. }) => call,
        }
    }
}

impl Call {
    /// A call of `script` with no arguments yet and a limit of `timeout_seconds`.
    pub fn new(script: &str, timeout_seconds: u64) -> Self {
        Self {
            script: script.to_owned(),
            arguments: Arguments::default(),
            timeout_seconds,
        }
    }

    /// A call of another script with the same arguments.
    #[must_use]
    pub fn of(&self, script: &str, timeout_seconds: u64) -> Self {
        Self {
            arguments: self.arguments.clone(),
            ..Self::new(script, timeout_seconds)
        }
    }

    /// The same call with one more argument.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, argument: Argument) -> Self {
        self.arguments.insert(name, argument);
        self
    }

    /// The same call with one more text argument.
    #[must_use]
    pub fn text(self, name: impl Into<Cow<'static, str>>, value: impl AsRef<str>) -> Self {
        self.with(name, Argument::Text(value.as_ref().into()))
    }

    /// The same call with one more number.
    #[must_use]
    pub fn number(self, name: impl Into<Cow<'static, str>>, value: impl Into<i64>) -> Self {
        self.with(name, Argument::Number(value.into()))
    }

    /// SHA-256, hexadecimal, over what makes this call's work this work: the script's text and the arguments, without the
    /// values of secrets, of its pace, and of what may differ from one observation to the next. `None`: no such script here.
    pub fn identity(&self) -> Option<String> {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update(&(text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        part(&self.script);
        part(&script_digest(&self.script)?);
        for (name, argument) in &self.arguments {
            part(name);
            match argument {
                Argument::Text(text) => part(text),
                Argument::Number(number) => part(&number.to_string()),
                Argument::Lines(lines) => part(&lines.join("\n")),
                Argument::Secret(secret)
                | Argument::Proof(secret)
                | Argument::Authority(secret) => {
                    part(&secret.0);
                }
                Argument::Certificate(one) => {
                    part(&one.authority.0);
                    part(&one.common_name);
                }
                Argument::Sensitive(sensitive) => part(&sensitive.hash),
                Argument::Pace(_) | Argument::Volatile(_) => part(""),
            }
        }
        Some(hash.finish().iter().map(|b| format!("{b:02x}")).collect())
    }
}
