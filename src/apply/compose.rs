//! From a [`Call`] to the text that a host's `sh` gets on standard input, and to the same text as it may be shown.
//!
//! The text: `{`, prelude, frame, arguments, script, what to do, `exit; }` — in braces, so that the shell has read all of it
//! before any of it runs. Arguments pass through [`crate::remote::quote`], the one quoting function. Pure but for the randomness
//! of secrets; nothing is sent from here.

use zeroize::Zeroizing;

use super::secrets::Secrets;
use crate::engines::{Engine, ProofError, engine};
use crate::plan::scripts::{FRAME, PRELUDE, script};
use crate::plan::{Argument, Call};
use crate::remote::{QuoteError, quote};
use crate::secret::{MASK, Secret};

/// What stands in the place of a secret that is only made when the plan is applied.
pub const MADE_AT_APPLY: &str = "(made at apply time)";

/// Why a call can't be written as a script.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The plan names a script that this replform doesn't have.
    #[error("this replform has no script \"{0}\"; the plan was made by another version")]
    UnknownScript(String),
    /// A name that is no shell variable of a script's.
    #[error("the script {script} can't have an argument called {name:?}")]
    Name {
        /// The script.
        script: String,
        /// The argument.
        name: String,
    },
    /// A value that no command can take.
    #[error("argument {name} of {script}")]
    Value {
        /// The script.
        script: String,
        /// The argument.
        name: String,
        /// Why.
        source: QuoteError,
    },
    /// OpenSSL has no randomness.
    #[error("no secret can be made on this machine")]
    Secret(#[from] openssl::error::ErrorStack),
    /// The script's engine makes no proof of a secret.
    #[error("no proof of a secret can be made for {script}")]
    Proof {
        /// The script.
        script: String,
        /// Why.
        source: ProofError,
    },
}

/// A text for a remote shell that may hold secrets: wiped when dropped, never shown.
pub type SecretText = Zeroizing<String>;

/// The call's script after prelude and arguments, then `ending` (shell lines of ours), whole in braces.
///
/// # Errors
/// When the script isn't known, or an argument can't be written.
pub fn compose(
    call: &Call,
    variables: &[(&str, &str)],
    ending: &str,
    secrets: &Secrets,
) -> Result<SecretText, ComposeError> {
    let mut text = Zeroizing::new(String::with_capacity(32 * 1024));
    text.push_str("{\n");
    text.push_str(PRELUDE);
    text.push_str(FRAME);
    for (name, value) in variables {
        assign(&mut text, call, name, value)?;
    }
    write_call(&mut text, call, |argument| resolve(call, argument, secrets))?;
    text.push_str(ending);
    text.push_str("\nexit\n}\n");
    Ok(text)
}

/// What `show -scripts` prints: arguments with secrets masked, the script, the phases. Without prelude and frame, which
/// are the same for every step: [`preamble`].
///
/// # Errors
/// When the script isn't known, or an argument can't be written.
pub fn masked(call: &Call, phases: &str) -> Result<String, ComposeError> {
    let mut text = String::new();
    write_call(&mut text, call, |argument| {
        Ok(Secret::new(match argument {
            Argument::Secret(_)
            | Argument::Proof(_)
            | Argument::Authority(_)
            | Argument::Certificate(_) => MADE_AT_APPLY.to_owned(),
            Argument::Sensitive(_) => MASK.to_owned(),
            shown => plain(shown),
        }))
    })?;
    text.push_str(&format!("replform_main {phases}\n"));
    Ok(text)
}

/// The functions that stand before every step's script.
pub fn preamble() -> &'static str {
    PRELUDE
}

fn write_call(
    text: &mut String,
    call: &Call,
    value: impl Fn(&Argument) -> Result<Secret, ComposeError>,
) -> Result<(), ComposeError> {
    let script = text_of(call)?;
    for (name, argument) in &call.arguments {
        if name.starts_with("replform_") || name == "job" {
            return Err(bad_name(call, name));
        }
        assign(text, call, name, value(argument)?.expose())?;
    }
    text.push_str(script);
    if !script.ends_with('\n') {
        text.push('\n');
    }
    Ok(())
}

fn text_of(call: &Call) -> Result<&'static str, ComposeError> {
    script(&call.script).ok_or_else(|| ComposeError::UnknownScript(call.script.clone()))
}

/// Appends `name=value`. Names with capitals would reach into the shell's own (PATH, IFS).
fn assign(text: &mut String, call: &Call, name: &str, value: &str) -> Result<(), ComposeError> {
    let mut bytes = name.bytes();
    let fits = bytes
        .next()
        .is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !fits {
        return Err(bad_name(call, name));
    }
    let word = Zeroizing::new(quote(value).map_err(|source| ComposeError::Value {
        script: call.script.clone(),
        name: name.to_owned(),
        source,
    })?);
    text.push_str(name);
    text.push('=');
    text.push_str(&word);
    text.push('\n');
    Ok(())
}

fn bad_name(call: &Call, name: &str) -> ComposeError {
    ComposeError::Name {
        script: call.script.clone(),
        name: name.to_owned(),
    }
}

fn resolve(call: &Call, argument: &Argument, secrets: &Secrets) -> Result<Secret, ComposeError> {
    Ok(match argument {
        Argument::Secret(name) => secrets.get(name)?,
        Argument::Proof(name) => {
            let proof = |source| ComposeError::Proof {
                script: call.script.clone(),
                source,
            };
            secrets.proof(name, engine_of(call)?).map_err(proof)?
        }
        Argument::Authority(name) => Secret::new(secrets.authority(name)?),
        Argument::Certificate(one) => secrets.certificate(one)?,
        Argument::Sensitive(sensitive) => sensitive.text.clone(),
        shown => Secret::new(plain(shown)),
    })
}

/// The engine whose folder the script stands in.
fn engine_of(call: &Call) -> Result<&'static dyn Engine, ComposeError> {
    call.script
        .split_once('/')
        .and_then(|(folder, _)| engine(folder))
        .ok_or_else(|| ComposeError::UnknownScript(call.script.clone()))
}

/// The value of an argument that may be shown; empty for the others.
fn plain(argument: &Argument) -> String {
    match argument {
        Argument::Text(text) => text.to_string(),
        Argument::Pace(text) | Argument::Volatile(text) => text.clone(),
        Argument::Number(number) => number.to_string(),
        Argument::Lines(lines) => lines.join("\n"),
        Argument::Secret(_)
        | Argument::Proof(_)
        | Argument::Authority(_)
        | Argument::Certificate(_)
        | Argument::Sensitive(_) => String::new(),
    }
}
