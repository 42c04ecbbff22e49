//! Functions that hash: md5, sha1, sha256, sha512 and their base64 and file forms, and uuidv5. For names and comparisons, not
//! for passwords.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::{MessageDigest, hash};

use super::super::evaluate::Evaluator;
use super::super::value::Value;
use super::call::{Arguments, Outcome, Problem};
use super::files::bytes_of_file;

fn digest(kind: MessageDigest, bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    hash(kind, bytes)
        .map(|digest| digest.to_vec())
        .map_err(|error| {
            Problem::Call(format!("this machine's OpenSSL refuses this hash: {error}"))
        })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

macro_rules! digests {
    ($($kind:ident: $hex:ident $($base64:ident)?, $file:ident $($file_base64:ident)?;)+) => {$(
        pub(super) fn $hex(arguments: &Arguments<'_>) -> Outcome {
            Ok(Value::string(hexadecimal(&digest(MessageDigest::$kind(), arguments.text(0)?.as_bytes())?)))
        }

        pub(super) fn $file(evaluator: &mut Evaluator<'_>, arguments: &Arguments<'_>) -> Outcome {
            let bytes = bytes_of_file(evaluator, arguments)?;
            Ok(Value::string(hexadecimal(&digest(MessageDigest::$kind(), &bytes)?)))
        }

        $(pub(super) fn $base64(arguments: &Arguments<'_>) -> Outcome {
            Ok(Value::string(STANDARD.encode(digest(MessageDigest::$kind(), arguments.text(0)?.as_bytes())?)))
        })?

        $(pub(super) fn $file_base64(evaluator: &mut Evaluator<'_>, arguments: &Arguments<'_>) -> Outcome {
            let bytes = bytes_of_file(evaluator, arguments)?;
            Ok(Value::string(STANDARD.encode(digest(MessageDigest::$kind(), &bytes)?)))
        })?
    )+};
}

digests! {
    md5: md5, filemd5;
    sha1: sha1, filesha1;
    sha256: sha256 base64sha256, filesha256 filebase64sha256;
    sha512: sha512 base64sha512, filesha512 filebase64sha512;
}

/// A UUID of version 5 (RFC 9562): the first 16 bytes of SHA-1 over namespace and name.
pub(super) fn uuidv5(arguments: &Arguments<'_>) -> Outcome {
    let namespace = arguments.text(0)?;
    // The namespaces of RFC 9562, section 6.6.
    let namespace = match namespace.as_str() {
        "dns" => "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "url" => "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
        "oid" => "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
        "x500" => "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
        other => other,
    };
    let mut bytes = uuid_bytes(namespace).ok_or_else(|| {
        Problem::Argument(0, "a UUID, or one of dns, url, oid, x500 is wanted".into())
    })?;
    bytes.extend_from_slice(arguments.text(1)?.as_bytes());
    let mut id = digest(MessageDigest::sha1(), &bytes)?;
    id.truncate(16);
    id[6] = id[6] & 0x0f | 0x50;
    id[8] = id[8] & 0x3f | 0x80;
    let text = hexadecimal(&id);
    Ok(Value::string(format!(
        "{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )))
}

fn uuid_bytes(text: &str) -> Option<Vec<u8>> {
    let dashes = [8, 13, 18, 23];
    if text.len() != 36 || !text.is_ascii() || dashes.iter().any(|at| text.as_bytes()[*at] != b'-')
    {
        return None;
    }
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    // Rust's reader of numbers takes a sign, a UUID doesn't.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    (0..16)
        .map(|index| u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok())
        .collect()
}
