//! The secrets of one apply: made when first asked for, the same for the same name until the apply ends, kept in memory only.
//!
//! They leave this process on a remote script's standard input, never in an argument, event or error. `redact` is the
//! last net: remote words pass through it before a person sees them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use openssl::error::ErrorStack;

use crate::engines::{Engine, ProofError, SALT_BYTES};
use crate::plan::SecretName;
use crate::secret::{MASK, Secret};

const SECRET_BYTES: usize = 24;

/// The secrets of one apply by name.
#[derive(Debug, Default)]
pub struct Secrets {
    made: Mutex<BTreeMap<SecretName, Secret>>,
}

impl Secrets {
    /// None is made yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The secret of this name, made now if it is the first time.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn get(&self, name: &SecretName) -> Result<Secret, ErrorStack> {
        let mut made = self.lock();
        if let Some(secret) = made.get(name) {
            return Ok(secret.clone());
        }
        let secret = Secret::random(SECRET_BYTES)?;
        made.insert(name.clone(), secret.clone());
        Ok(secret)
    }

    /// What proves the secret of this name to an engine's server, with a salt of its own each time.
    ///
    /// # Errors
    /// When the engine has no such thing, or the system has no randomness to give.
    pub fn proof(&self, name: &SecretName, engine: &dyn Engine) -> Result<Secret, ProofError> {
        let mut salt = [0_u8; SALT_BYTES];
        openssl::rand::rand_bytes(&mut salt)?;
        engine.proof(&self.get(name)?, &salt)
    }

    /// The text with every secret in it masked.
    pub fn redact(&self, text: &str) -> String {
        self.lock().values().fold(text.to_owned(), |text, secret| {
            text.replace(secret.expose(), MASK)
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<SecretName, Secret>> {
        // A panic while the map is held leaves at most one secret more in it.
        self.made
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_secret_within_an_apply_and_another_in_the_next() {
        let name = SecretName("orders.reader.password".to_owned());
        let secrets = Secrets::new();
        let one = secrets.get(&name).unwrap();
        assert!(one == secrets.get(&name).unwrap());
        assert!(one != Secrets::new().get(&name).unwrap());
        assert!(one != secrets.get(&SecretName("other".to_owned())).unwrap());
    }

    #[test]
    fn remote_words_lose_secrets_before_they_are_shown() {
        let secrets = Secrets::new();
        let secret = secrets.get(&SecretName("a".to_owned())).unwrap();
        let text = secrets.redact(&format!("bad password {} here", secret.expose()));
        assert_eq!(text, "bad password (sensitive) here");
    }
}
