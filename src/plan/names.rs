//! Names of what replform makes on servers, and digests: the same wish gives the same names everywhere.

use openssl::sha::sha256;

/// Hexadecimal SHA-256 of a text.
pub fn digest(text: &[u8]) -> String {
    hexadecimal(&sha256(text))
}

/// Bytes as hexadecimal digits, two each.
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)].into());
        text.push(DIGITS[usize::from(byte & 15)].into());
    }
    text
}

/// The first 12 digits of a hash: enough for people and journals.
pub fn short(hash: &str) -> &str {
    &hash[..hash.len().min(12)]
}

/// A label as it stands in file and unit names: `reader["a"]` becomes `reader.a`. Labels and keys hold no dot, so no two
/// labels share a name.
pub fn in_files(label: &str) -> String {
    label.replace("[\"", ".").replace("\"]", "")
}

/// What the names of all accounts and slots of ours begin with.
pub const ACCOUNTS: &str = "replform_";

/// The account's and slot's name of a replica: `replform_<replication>_<replica>` in lower case, other characters as
/// `_`; where that changed or cut anything, `_` and 8 hex digits of the original's hash follow. At most `limit` bytes.
pub fn account(replication: &str, replica: &str, limit: usize) -> String {
    let original = format!("{ACCOUNTS}{replication}_{replica}");
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if original.len() <= limit && original.chars().all(plain) {
        return original;
    }
    let lower: String = original
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    let keep = limit.saturating_sub(9).min(lower.len());
    format!(
        "{}_{}",
        &lower[..keep],
        &digest(format!("{replication}\0{replica}").as_bytes())[..8]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_stay_readable() {
        assert_eq!(account("orders", "reader", 63), "replform_orders_reader");
    }

    #[test]
    fn digests_are_sha256_in_hexadecimal() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            digest(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn labels_with_a_key_become_file_names() {
        assert_eq!(in_files("reader[\"a\"]"), "reader.a");
        assert_eq!(in_files("reader"), "reader");
    }

    #[test]
    fn changed_or_cut_names_carry_a_hash() {
        let upper = account("Orders", "reader", 63);
        assert!(
            upper.starts_with("replform_orders_reader_") && upper.len() == 31,
            "{upper}"
        );
        assert_ne!(
            account("Orders", "reader", 63),
            account("ORDERS", "reader", 63)
        );
        let long = account(&"x".repeat(32), &"y".repeat(32), 63);
        assert_eq!(long.len(), 63);
        assert!(account("orders", "eu-1", 32).len() <= 32);
    }
}
