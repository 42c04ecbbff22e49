//! The secrets of one apply: made when first asked for, the same for the same name until the apply ends, kept in memory only.
//!
//! They leave this process on a remote script's standard input, never in an argument, event or error. `redact` is the
//! last net: remote words pass through it before a person sees them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Mutex;

use openssl::error::ErrorStack;

use crate::engines::{Engine, ProofError, SALT_BYTES};
use crate::plan::{OneTimeCertificate, SecretName};
use crate::secret::{MASK, Secret};
use crate::tls::Authority;

const SECRET_BYTES: usize = 24;
/// Connections are made within an apply, and may last for days.
const CERTIFICATE_DAYS: u32 = 7;

/// The secrets of one apply by name.
#[derive(Debug, Default)]
pub struct Secrets {
    made: Mutex<BTreeMap<SecretName, Secret>>,
    authorities: Mutex<BTreeMap<SecretName, Authority>>,
    issued: Mutex<BTreeMap<OneTimeCertificate, Secret>>,
    /// Values that the configuration calls sensitive, the longest first: one may be a part of another.
    sensitive: Vec<Secret>,
}

/// Shorter values than this are masked only where they stand alone: as a part of other words they tell nobody anything.
const ALONE_BELOW: usize = 4;

impl Secrets {
    /// None is made yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// None is made yet; these values are masked, too, in whatever hosts say.
    pub fn with_sensitive(mut sensitive: Vec<Secret>) -> Self {
        sensitive.retain(|value| !value.expose().is_empty());
        sensitive.sort_by_key(|value| std::cmp::Reverse(value.expose().len()));
        Self {
            sensitive,
            ..Self::default()
        }
    }

    /// The secret of this name, made now if it is the first time.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn get(&self, name: &SecretName) -> Result<Secret, ErrorStack> {
        let mut made = lock(&self.made);
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

    /// Takes over a secret that stands on a host already, to be handed on to another.
    pub fn keep(&self, name: SecretName, secret: Secret) {
        lock(&self.made).insert(name, secret);
    }

    /// The certificate of the authority of this name, made now if it is the first time.
    ///
    /// # Errors
    /// When the system has no randomness to give, or OpenSSL fails.
    pub fn authority(&self, name: &SecretName) -> Result<String, ErrorStack> {
        self.with_authority(name, Authority::certificate_pem)
    }

    /// A certificate of an authority and its key, PEM: the same one each time.
    ///
    /// # Errors
    /// When the system has no randomness to give, or OpenSSL fails.
    pub fn certificate(&self, wanted: &OneTimeCertificate) -> Result<Secret, ErrorStack> {
        let mut issued = lock(&self.issued);
        if let Some(earlier) = issued.get(wanted) {
            return Ok(earlier.clone());
        }
        let certificate = self.with_authority(&wanted.authority, |authority| {
            authority.issue(&wanted.common_name, CERTIFICATE_DAYS)
        })?;
        issued.insert(wanted.clone(), certificate.clone());
        Ok(certificate)
    }

    fn with_authority<T>(
        &self,
        name: &SecretName,
        make: impl FnOnce(&Authority) -> Result<T, ErrorStack>,
    ) -> Result<T, ErrorStack> {
        let mut authorities = lock(&self.authorities);
        let authority = match authorities.entry(name.clone()) {
            Entry::Occupied(made) => made.into_mut(),
            Entry::Vacant(free) => free.insert(Authority::new("replform", CERTIFICATE_DAYS)?),
        };
        make(authority)
    }

    /// The text with every secret in it masked.
    pub fn redact(&self, text: &str) -> String {
        let text = lock(&self.made).values().chain(&self.sensitive).fold(
            text.to_owned(),
            |text, secret| match secret.expose() {
                short if short.len() < ALONE_BELOW => mask_alone(&text, short),
                secret => text.replace(secret, MASK),
            },
        );
        // A key may be shown in part: line by line.
        lock(&self.issued)
            .values()
            .flat_map(|pem| pem.expose().lines())
            .filter(|line| !line.is_empty() && !line.starts_with("-----"))
            .fold(text, |text, line| text.replace(line, MASK))
    }
}

fn lock<T>(made: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic while a map is held leaves at most one entry more in it.
    made.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The text with a short word masked where no letter or digit stands beside it.
fn mask_alone(text: &str, word: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, from) = rest.split_at(at);
        let after = &from[word.len()..];
        out.push_str(before);
        let beside =
            out.ends_with(char::is_alphanumeric) || after.starts_with(char::is_alphanumeric);
        out.push_str(if beside { word } else { MASK });
        rest = after;
    }
    out + rest
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

    #[test]
    fn a_certificate_is_one_within_an_apply_and_its_key_is_masked() {
        let wanted = OneTimeCertificate {
            authority: SecretName("orders.reader.copy".to_owned()),
            common_name: "replform-donor".to_owned(),
        };
        let secrets = Secrets::new();
        let one = secrets.certificate(&wanted).unwrap();
        assert!(one == secrets.certificate(&wanted).unwrap());
        assert!(one != Secrets::new().certificate(&wanted).unwrap());
        let authority = secrets.authority(&wanted.authority).unwrap();
        assert_eq!(authority, secrets.authority(&wanted.authority).unwrap());
        let key_line = one.expose().lines().rev().nth(1).unwrap();
        assert_eq!(
            secrets.redact(&format!("at {key_line}.")),
            "at (sensitive)."
        );
    }

    #[test]
    fn sensitive_values_of_the_configuration_are_masked_too() {
        let values = ["hunter2", "hunter2-and-more", "7", ""].map(Secret::new);
        let secrets = Secrets::with_sensitive(values.to_vec());
        assert_eq!(
            secrets.redact("login hunter2-and-more, hunter2; code 7, 17 of 70; end 7"),
            "login (sensitive), (sensitive); code (sensitive), 17 of 70; end (sensitive)"
        );
    }
}
