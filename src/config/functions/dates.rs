//! Functions of times that are given as text: formatdate and timeadd. The clock is never read.

use jiff::{SignedDuration, Timestamp, tz::Offset};

use super::super::value::Value;
use super::call::{Arguments, Outcome, Problem};

/// A time with the offset it was written with.
fn read(arguments: &Arguments<'_>, index: usize) -> Result<(Timestamp, Offset), Problem> {
    let text = arguments.text(index)?;
    let wrong = || {
        Problem::Argument(
            index,
            "a time such as 2006-01-02T15:04:05Z (RFC 3339) is wanted".into(),
        )
    };
    let instant: Timestamp = text.parse().map_err(|_| wrong())?;
    let offset = match text.rfind(['+', '-']).filter(|at| *at > 10) {
        None => Offset::UTC,
        Some(at) => {
            let (hours, minutes) = text[at + 1..].split_once(':').ok_or_else(wrong)?;
            let seconds = hours.parse::<i32>().map_err(|_| wrong())? * 3600
                + minutes.parse::<i32>().map_err(|_| wrong())? * 60;
            Offset::from_seconds(if text[at..].starts_with('-') {
                -seconds
            } else {
                seconds
            })
            .map_err(|_| wrong())?
        }
    };
    Ok((instant, offset))
}

/// The time with a duration such as `1h30m` or `-10s` added.
pub(super) fn timeadd(arguments: &Arguments<'_>) -> Outcome {
    let (instant, offset) = read(arguments, 0)?;
    let duration = duration(&arguments.text(1)?).ok_or_else(|| {
        Problem::Argument(1, "a duration such as 1h30m, 10s or -5ms is wanted".into())
    })?;
    let sum = instant
        .checked_add(duration)
        .map_err(|_| Problem::Argument(1, "the result is outside of the years 0 to 9999".into()))?;
    let text = offset
        .to_datetime(sum)
        .strftime("%Y-%m-%dT%H:%M:%S")
        .to_string();
    Ok(Value::string(text + &zone(offset, true, ":")))
}

/// Signs, decimal numbers and units, as Go writes durations.
fn duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        seconds += number
            * match &rest[..end] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[end..];
    }
    let value = if negative { -seconds } else { seconds };
    (!text.is_empty() && value.abs() < 1e15).then(|| SignedDuration::from_secs_f64(value))
}

fn zone(offset: Offset, z: bool, colon: &str) -> String {
    let seconds = offset.seconds();
    if seconds == 0 && z {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    format!(
        "{sign}{:02}{colon}{:02}",
        seconds.abs() / 3600,
        seconds.abs() / 60 % 60
    )
}

/// A time in Terraform's notation: runs of YYYY, MM, DD, hh, mm, ss and so on, quoted text in apostrophes.
pub(super) fn formatdate(arguments: &Arguments<'_>) -> Outcome {
    let format = arguments.text(0)?;
    let (instant, offset) = read(arguments, 1)?;
    let time = offset.to_datetime(instant);
    let mut out = String::new();
    let mut rest = format.as_str();
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            rest = quoted(&rest[1..], &mut out).ok_or_else(|| {
                Problem::Argument(0, "an apostrophe opens text that isn't closed".into())
            })?;
            continue;
        }
        let end = rest.find(|c| c != first).unwrap_or(rest.len());
        let word = &rest[..end];
        rest = &rest[end..];
        if !first.is_ascii_alphabetic() {
            out.push_str(word);
            continue;
        }
        let code = match word {
            "YYYY" => "%Y",
            "YY" => "%y",
            "MMMM" => "%B",
            "MMM" => "%b",
            "MM" => "%m",
            "M" => "%-m",
            "DD" => "%d",
            "D" => "%-d",
            "EEEE" => "%A",
            "EEE" => "%a",
            "hh" => "%H",
            "h" => "%-H",
            "HH" => "%I",
            "H" => "%-I",
            "AA" => "%p",
            "aa" => "%P",
            "mm" => "%M",
            "m" => "%-M",
            "ss" => "%S",
            "s" => "%-S",
            "ZZZZZ" => {
                out.push_str(&zone(offset, false, ":"));
                continue;
            }
            "ZZZZ" => {
                out.push_str(&zone(offset, false, ""));
                continue;
            }
            "ZZZ" if offset.seconds() == 0 => {
                out.push_str("UTC");
                continue;
            }
            "ZZZ" => {
                out.push_str(&zone(offset, false, ""));
                continue;
            }
            "Z" => {
                out.push_str(&zone(offset, true, ":"));
                continue;
            }
            _ => {
                return Err(Problem::Argument(
                    0,
                    format!("\"{word}\" is no part of a time; put plain text between apostrophes"),
                ));
            }
        };
        out.push_str(&time.strftime(code).to_string());
    }
    Ok(Value::string(out))
}

/// Text up to the closing apostrophe; two of them stand for one. What follows it.
fn quoted<'a>(mut rest: &'a str, out: &mut String) -> Option<&'a str> {
    loop {
        let at = rest.find('\'')?;
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                out.push('\'');
                rest = after;
            }
            None => return Some(rest),
        }
    }
}
