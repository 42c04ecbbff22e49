//! Sizes, rates and times as people write and read them: `16GB`, `50MB/s`, `1.5 s`.
//!
//! kB, MB, GB, TB are powers of 1000; KiB, MiB, GiB, TiB of 1024 (DESIGN, "The language").

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number of bytes.
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
#[serde(transparent)]
pub struct Bytes(pub u64);

/// Bytes per second, never zero.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Rate(pub u64);

/// The most that a replica may lag behind: a time or a size.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Lag {
    /// Milliseconds.
    Time(u64),
    /// Bytes of log not yet replayed.
    Size(Bytes),
}

/// Why a text is no size, rate or time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// No number at the start.
    #[error("a number with a unit is expected, as in {0}")]
    NoNumber(&'static str),
    /// The unit is missing.
    #[error("a unit is missing; write one of {0} after the number")]
    NoUnit(&'static str),
    /// The unit is unknown.
    #[error("unit \"{0}\" isn't known; use one of {1}")]
    Unit(String, &'static str),
    /// More than 2^63.
    #[error("the number is too large")]
    TooLarge,
    /// Zero or negative where that makes no sense.
    #[error("it must be above 0")]
    NotPositive,
}

const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];
const UNIT_NAMES: &str = "B, kB, MB, GB, TB, KiB, MiB, GiB, TiB";
const TIME_UNITS: [(&str, f64); 5] = [
    ("ms", 1.0),
    ("s", 1e3),
    ("m", 6e4),
    ("h", 3.6e6),
    ("d", 8.64e7),
];

fn split<'a>(text: &'a str, example: &'static str) -> Result<(f64, &'a str), QuantityError> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let number = text[..end]
        .parse()
        .map_err(|_| QuantityError::NoNumber(example))?;
    Ok((number, text[end..].trim()))
}

fn unknown_unit(unit: &str, known: &'static str) -> QuantityError {
    if unit.is_empty() {
        QuantityError::NoUnit(known)
    } else {
        QuantityError::Unit(unit.to_owned(), known)
    }
}

impl Bytes {
    /// Reads `16GB`, `1.5 GiB`.
    ///
    /// # Errors
    /// When the text isn't a number with one of the known units.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let (number, unit) = split(text, "\"16GB\"")?;
        let factor = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(|| unknown_unit(unit, UNIT_NAMES))?
            .1;
        let bytes = number * factor as f64;
        if bytes >= 9.2e18 {
            Err(QuantityError::TooLarge)
        } else {
            Ok(Self(bytes.round() as u64))
        }
    }
}

impl Rate {
    /// Reads `50MB/s`.
    ///
    /// # Errors
    /// When the text has no `/s`, isn't a size, or is zero.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let size = text
            .trim()
            .strip_suffix("/s")
            .ok_or(QuantityError::NoNumber("\"50MB/s\" (a rate ends in /s)"))?;
        match Bytes::parse(size)? {
            Bytes(0) => Err(QuantityError::NotPositive),
            Bytes(n) => Ok(Self(n)),
        }
    }
}

impl Lag {
    /// Reads a time (`30s`) or a size (`64MB`).
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        match parse_duration(text) {
            Ok(time) => Ok(Self::Time(
                u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            )),
            Err(time_error) => Bytes::parse(text).map(Self::Size).map_err(|_| time_error),
        }
    }
}

/// Reads `250ms`, `30s`, `5m`, `2h`, `1d`.
///
/// # Errors
/// When the text isn't a number with one of these units.
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    let (number, unit) = split(text, "\"30s\"")?;
    let factor = TIME_UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(|| unknown_unit(unit, "ms, s, m, h, d"))?
        .1;
    let milliseconds = number * factor;
    if milliseconds > 1e15 {
        Err(QuantityError::TooLarge)
    } else {
        Ok(Duration::from_secs_f64(milliseconds / 1e3))
    }
}

/// A duration as a person reads it: `0.4 s`, `13 s`, `2 min 5 s`, `1 h 20 min`.
pub fn format_duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 if whole.is_multiple_of(60) => format!("{} min", whole / 60),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ if (whole % 3600) / 60 == 0 => format!("{} h", whole / 3600),
        _ => format!("{} h {} min", whole / 3600, (whole % 3600) / 60),
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0 as f64;
        match self.0 {
            0..1_000 => write!(f, "{} B", self.0),
            1_000..1_000_000 => write!(f, "{:.0} kB", n / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{:.0} MB", n / 1e6),
            1_000_000_000..1_000_000_000_000 => write!(f, "{:.1} GB", n / 1e9),
            _ => write!(f, "{:.1} TB", n / 1e12),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", Bytes(self.0))
    }
}

impl fmt::Display for Lag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(ms) => f.write_str(&format_duration(Duration::from_millis(*ms))),
            Self::Size(bytes) => bytes.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_decimal_and_binary_units() {
        assert_eq!(Bytes::parse("16GB"), Ok(Bytes(16_000_000_000)));
        assert_eq!(Bytes::parse("1.5 GiB"), Ok(Bytes(1_610_612_736)));
        assert_eq!(Rate::parse("50MB/s"), Ok(Rate(50_000_000)));
        assert_eq!(Rate::parse("0MB/s"), Err(QuantityError::NotPositive));
        assert!(matches!(Bytes::parse("16gb"), Err(QuantityError::Unit(..))));
        assert!(matches!(
            Rate::parse("50MB"),
            Err(QuantityError::NoNumber(_))
        ));
    }

    #[test]
    fn a_lag_is_a_time_or_a_size() {
        assert_eq!(Lag::parse("30s"), Ok(Lag::Time(30_000)));
        assert_eq!(Lag::parse("64MB"), Ok(Lag::Size(Bytes(64_000_000))));
        assert!(Lag::parse("many").is_err());
    }

    #[test]
    fn durations_read_as_people_say_them() {
        let say = |seconds: f64| format_duration(Duration::from_secs_f64(seconds));
        assert_eq!(
            [
                say(0.42),
                say(13.2),
                say(125.0),
                say(120.0),
                say(4800.0),
                say(7200.0)
            ],
            ["0.4 s", "13 s", "2 min 5 s", "2 min", "1 h 20 min", "2 h"]
        );
    }
}
