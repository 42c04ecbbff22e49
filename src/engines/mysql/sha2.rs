//! The hash that MySQL keeps of a password (caching_sha2_password), so that the password itself never stands in a statement.

use openssl::sha::{Sha256, sha256};
use zeroize::Zeroizing;

use crate::engines::SALT_BYTES;
use crate::secret::Secret;

/// Rounds of the server's default, caching_sha2_password_digest_rounds; written `005`, in thousands.
const ROUNDS: usize = 5000;

/// `$A$005$`, 20 bytes of salt, 43 characters of the digest: what CREATE USER … AS takes; hexadecimal.
pub(super) fn hash(password: &Secret, salt: &[u8; SALT_BYTES]) -> Secret {
    let salt = printable(salt);
    let digest = crypt(password.expose().as_bytes(), &salt, ROUNDS);
    let mut bytes = b"$A$005$".to_vec();
    bytes.extend_from_slice(&salt);
    bytes.extend_from_slice(digest.as_bytes());
    Secret::new(
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>(),
    )
}

/// Salt of letters only: it stands between quotes in the binary log.
fn printable(salt: &[u8; SALT_BYTES]) -> [u8; SALT_BYTES] {
    salt.map(|byte| LETTERS[usize::from(byte & 63)])
}

/// The letters of crypt's own base 64, in order.
const LETTERS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// SHA-256 crypt (U. Drepper, "Unix crypt using SHA-256 and SHA-512"), with a salt of any length; its 43 characters.
fn crypt(password: &[u8], salt: &[u8], rounds: usize) -> String {
    let twice = sha256(&Zeroizing::new([password, salt, password].concat()));
    let mut first = Sha256::new();
    first.update(password);
    first.update(salt);
    first.update(&repeated(&twice, password.len()));
    let mut bits = password.len();
    while bits > 0 {
        first.update(if bits & 1 == 1 { &twice } else { password });
        bits >>= 1;
    }
    let mut digest = Zeroizing::new(first.finish());
    let password_digest = Zeroizing::new(sha256(&Zeroizing::new(password.repeat(password.len()))));
    let password_bytes = repeated(&*password_digest, password.len());
    let salt_bytes = repeated(
        &sha256(&salt.repeat(16 + usize::from(digest[0]))),
        salt.len(),
    );
    for round in 0..rounds {
        let mut next = Sha256::new();
        let odd = round % 2 == 1;
        next.update(if odd { &password_bytes } else { &*digest });
        if !round.is_multiple_of(3) {
            next.update(&salt_bytes);
        }
        if !round.is_multiple_of(7) {
            next.update(&password_bytes);
        }
        next.update(if odd { &*digest } else { &password_bytes });
        *digest = next.finish();
    }
    letters(&digest)
}

/// The digest over and over, `length` bytes of it.
fn repeated(digest: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(digest.iter().copied().cycle().take(length).collect())
}

/// crypt's own base 64: three bytes, the first highest, give four letters, the lowest six bits first.
fn letters(digest: &[u8; 32]) -> String {
    let mut text = String::with_capacity(43);
    let mut push = |group: u32, count: usize| {
        for place in 0..count {
            text.push(char::from(LETTERS[(group >> (6 * place) & 63) as usize]));
        }
    };
    let (mut a, mut b, mut c) = (0, 10, 20);
    for _ in 0..10 {
        push(
            u32::from(digest[a]) << 16 | u32::from(digest[b]) << 8 | u32::from(digest[c]),
            4,
        );
        (a, b, c) = (c + 1, a + 1, b + 1);
    }
    push(u32::from(digest[31]) << 8 | u32::from(digest[30]), 3);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference's own vector (also `openssl passwd -5 -salt saltstring 'Hello world!'`).
    #[test]
    fn the_digest_is_that_of_the_reference() {
        assert_eq!(
            crypt(b"Hello world!", b"saltstring", 5000),
            "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"
        );
    }

    #[test]
    fn a_hash_has_the_servers_form_and_no_password_in_it() {
        let hash = hash(&Secret::new("S3cretPw"), &[0; SALT_BYTES]);
        let bytes = hash.expose();
        assert_eq!(bytes.len(), 2 * (7 + SALT_BYTES + 43));
        assert!(bytes.starts_with("244124303035242e2e"), "{bytes}");
    }
}
