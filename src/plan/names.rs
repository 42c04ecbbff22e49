//! Names of what replform makes on servers, and digests: the same wish gives the same names everywhere.

use openssl::sha::sha256;

/// Hexadecimal SHA-256 of a text.
pub fn digest(text: &[u8]) -> String {
    sha256(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
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

/// The account's and slot's name of a replica: `replform_<replication>_<replica>` in lower case, other characters as
/// `_`; where that changed or cut anything, `_` and 8 hex digits of the original's hash follow. At most `limit` bytes.
pub fn account(replication: &str, replica: &str, limit: usize) -> String {
    let original = format!("replform_{replication}_{replica}");
    let plain: String = original
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let lower: String = original
        .to_ascii_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect();
    if plain == original && original.len() <= limit {
        return original;
    }
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
