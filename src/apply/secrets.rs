//! The secrets of one apply: made when first asked for, the same for the same name until the apply ends, kept in memory only.
//!
//! They leave this process on a remote script's standard input, never in an argument, event or error. `redact` is the
//! last net: remote words pass through it before a person sees them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::sha::sha256;
use openssl::sign::Signer;
use zeroize::Zeroizing;

use crate::plan::SecretName;
use crate::secret::{MASK, Secret};

const SECRET_BYTES: usize = 24;
const SALT_BYTES: usize = 16;
const ITERATIONS: usize = 4096;

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

    /// PostgreSQL's SCRAM-SHA-256 verifier of the secret of this name, with a salt of its own each time.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn scram_verifier(&self, name: &SecretName) -> Result<Secret, ErrorStack> {
        let mut salt = [0_u8; SALT_BYTES];
        openssl::rand::rand_bytes(&mut salt)?;
        scram_verifier(&self.get(name)?, &salt, ITERATIONS)
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

/// `SCRAM-SHA-256$ITERATIONS:SALT$StoredKey:ServerKey` (RFC 5803, RFC 7677; PostgreSQL 15 manual, 53.5 pg_authid).
/// Our passwords are ASCII, for which SASLprep changes nothing.
fn scram_verifier(password: &Secret, salt: &[u8], iterations: usize) -> Result<Secret, ErrorStack> {
    let mut salted = Zeroizing::new([0_u8; 32]);
    pbkdf2_hmac(
        password.expose().as_bytes(),
        salt,
        iterations,
        MessageDigest::sha256(),
        &mut *salted,
    )?;
    let stored_key = sha256(&hmac(&*salted, b"Client Key")?);
    let server_key = hmac(&*salted, b"Server Key")?;
    Ok(Secret::new(format!(
        "SCRAM-SHA-256${iterations}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored_key),
        STANDARD.encode(&*server_key),
    )))
}

fn hmac(key: &[u8], text: &[u8]) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let key = PKey::hmac(key)?;
    let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
    signer.update(text)?;
    Ok(Zeroizing::new(signer.sign_to_vec()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3: the exchange of user `user`, password `pencil`. Its proof and signature must follow from our keys.
    #[test]
    fn the_verifier_proves_the_exchange_of_rfc_7677() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = scram_verifier(&Secret::new("pencil"), &salt, 4096).unwrap();
        let keys = verifier.expose().rsplit('$').next().unwrap().to_owned();
        let (stored, server) = keys.split_once(':').unwrap();
        let (stored, server) = (
            STANDARD.decode(stored).unwrap(),
            STANDARD.decode(server).unwrap(),
        );
        let messages = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = hmac(&server, messages.as_bytes()).unwrap();
        assert_eq!(
            STANDARD.encode(&*signature),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
        let proof = STANDARD
            .decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
            .unwrap();
        let client_signature = hmac(&stored, messages.as_bytes()).unwrap();
        let client_key: Vec<u8> = proof
            .iter()
            .zip(client_signature.iter())
            .map(|(a, b)| a ^ b)
            .collect();
        assert_eq!(sha256(&client_key).to_vec(), stored);
        assert!(
            verifier
                .expose()
                .starts_with("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")
        );
    }

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
