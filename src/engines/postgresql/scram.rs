//! SCRAM-SHA-256 verifiers: what the server keeps of a password, so that the password itself never reaches it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::sha::sha256;
use openssl::sign::Signer;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Bytes of a salt, as PostgreSQL makes them.
pub(super) const SALT: usize = 16;
/// PostgreSQL's own count.
const ITERATIONS: usize = 4096;

/// The verifier of a password; `salt` is never used twice.
pub(super) fn verifier(password: &Secret, salt: &[u8]) -> Result<Secret, ErrorStack> {
    scram_verifier(password, salt, ITERATIONS)
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
}
