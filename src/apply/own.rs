//! Apply's own scripts on a host: their variables, prelude and text as one script for `sh`. Nothing is sent from here.

use zeroize::Zeroizing;

use super::compose::SecretText;
use crate::plan::scripts::PRELUDE;
use crate::remote::{QuoteError, quote};

/// Prelude, variables and script, in braces: read whole before any of it runs.
///
/// # Errors
/// When a value holds a NUL byte.
pub(super) fn own(script: &str, variables: &[(&str, &str)]) -> Result<SecretText, QuoteError> {
    let mut text = Zeroizing::new(String::with_capacity(PRELUDE.len() + script.len() + 1024));
    text.push_str("{\n");
    text.push_str(PRELUDE);
    for (name, value) in variables {
        let word = Zeroizing::new(quote(value)?);
        text.push_str(name);
        text.push('=');
        text.push_str(&word);
        text.push('\n');
    }
    text.push_str(script);
    text.push_str("\nexit\n}\n");
    Ok(text)
}
