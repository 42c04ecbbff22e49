//! A place in PostgreSQL's write-ahead log, as a number and as the server writes it (`0/153F898`). Pure.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A log sequence number: bytes of log since the cluster was made. Saved as the server writes it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Lsn(pub u64);

/// The text is no log sequence number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no log sequence number, which looks like 0/153F898")]
pub struct LsnError(String);

impl Lsn {
    /// Where the log file begins whose name ends in `name` (16 hexadecimal digits: log, segment).
    pub fn of_segment(name: &str, segment_bytes: u64) -> Option<Self> {
        let (log, segment) = name.split_at_checked(8)?;
        let log = u64::from_str_radix(log, 16).ok()?;
        let segment = u64::from_str_radix(segment, 16).ok()?;
        log.checked_shl(32)?
            .checked_add(segment.checked_mul(segment_bytes)?)
            .map(Self)
    }

    /// Where the log file that holds this place begins.
    #[must_use]
    pub fn segment_start(self, segment_bytes: u64) -> Self {
        Self(self.0 - self.0.checked_rem(segment_bytes).unwrap_or(0))
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

impl FromStr for Lsn {
    type Err = LsnError;

    fn from_str(text: &str) -> Result<Self, LsnError> {
        let error = || LsnError(text.chars().take(40).collect());
        let (high, low) = text.split_once('/').ok_or_else(error)?;
        let high = u32::from_str_radix(high, 16).map_err(|_| error())?;
        let low = u32::from_str_radix(low, 16).map_err(|_| error())?;
        Ok(Self(u64::from(high) << 32 | u64::from(low)))
    }
}

impl TryFrom<String> for Lsn {
    type Error = LsnError;

    fn try_from(text: String) -> Result<Self, LsnError> {
        text.parse()
    }
}

impl From<Lsn> for String {
    fn from(lsn: Lsn) -> Self {
        lsn.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_what_the_server_writes() {
        for text in ["0/0", "0/153F898", "5/A500FFD0", "FFFFFFFF/FFFFFFFF"] {
            assert_eq!(text.parse::<Lsn>().unwrap().to_string(), text);
        }
        assert!("1".parse::<Lsn>().is_err());
        assert!("1/2/3".parse::<Lsn>().is_err());
    }

    #[test]
    fn a_segment_starts_where_its_name_says() {
        let lsn = Lsn::of_segment("000000000000004A", 16 << 20).unwrap();
        assert_eq!(lsn.to_string(), "0/4A000000");
        assert_eq!(
            "0/4A0000FF".parse::<Lsn>().unwrap().segment_start(16 << 20),
            lsn
        );
        assert_eq!(Lsn::of_segment("zz", 16), None);
    }
}
