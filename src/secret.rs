//! `Secret`: the one type a password, key or token may live in.
//!
//! Everything that prints or saves it sees `(sensitive)`; memory is wiped when it goes. It must never be put into a remote
//! command line, a log or a plan: `expose` is for standard input of a remote script and for hashing only. Values come from
//! variables, from files the user names, or from `Secret::random`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

/// What stands in the place of a secret wherever it would be shown.
pub const MASK: &str = "(sensitive)";

/// A text that must never be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text over as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Give it to a remote script's standard input or to a hash, to nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What stands where a saved plan's sensitive text was: nothing, since it was never saved.
    pub fn forgotten() -> Self {
        Self::new("")
    }

    /// A new secret of `bytes` random bytes from OpenSSL's generator, written as base64url without padding.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random(bytes: usize) -> Result<Self, openssl::error::ErrorStack> {
        let mut raw = Zeroizing::new(vec![0_u8; bytes]);
        openssl::rand::rand_bytes(&mut raw)?;
        Ok(Self::new(URL_SAFE_NO_PAD.encode(&*raw)))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_shows_its_text() {
        let secret = Secret::new("canary");
        assert_eq!(
            format!(
                "{secret} {secret:?} {}",
                serde_json::to_string(&secret).unwrap()
            ),
            "(sensitive) (sensitive) \"(sensitive)\""
        );
        assert_eq!(secret.expose(), "canary");
    }

    #[test]
    fn random_secrets_are_long_differ_and_need_no_quoting() {
        let one = Secret::random(24).unwrap();
        assert_eq!(one.expose().len(), 32);
        assert!(
            one.expose()
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        );
        assert!(one != Secret::random(24).unwrap());
    }
}
