//! `format` and `formatlist`: the verbs of Terraform, with flags, width, precision and `%[n]`.

use unicode_segmentation::UnicodeSegmentation;

use super::super::types::{self, Type};
use super::super::value::{Number, Value};
use super::call::{Arguments, Outcome, Problem};
use super::encoding::write_json;

/// The widest that one value is padded to, and the most digits after a point.
const WIDEST: usize = 10_000;

pub(super) fn format(arguments: &Arguments<'_>) -> Outcome {
    if arguments.value(0)?.is_null() {
        return Err(Problem::Argument(0, "this is null".into()));
    }
    let rest: Vec<&Value> = arguments.values.iter().skip(1).collect();
    formatted(&arguments.text(0)?, &rest).map(Value::string)
}

/// One string for each element of the lists; what is no list stands in every one.
pub(super) fn formatlist(arguments: &Arguments<'_>) -> Outcome {
    if arguments.value(0)?.is_null() {
        return Err(Problem::Argument(0, "this is null".into()));
    }
    let pattern = arguments.text(0)?;
    let rest = &arguments.values[1..];
    let mut count = None;
    for (index, value) in rest.iter().enumerate() {
        let Some(items) = value.items() else { continue };
        match count {
            Some(count) if count != items.len() => {
                let text = format!(
                    "this list has {} elements, one before it {count}",
                    items.len()
                );
                return Err(Problem::Argument(index + 1, text));
            }
            _ => count = Some(items.len()),
        }
    }
    let mut results = Vec::new();
    let mut bytes = 0usize;
    for at in 0..count.unwrap_or(1) {
        let row: Vec<&Value> = rest
            .iter()
            .map(|value| value.items().map_or(value, |items| &items[at]))
            .collect();
        let text = formatted(&pattern, &row)?;
        bytes = bytes.saturating_add(text.len() + size_of::<Value>());
        Problem::unless_room(bytes)?;
        results.push(Value::string(text));
    }
    Ok(Value::list(results))
}

/// One `%…`.
#[derive(Debug, Default)]
struct Verb {
    minus: bool,
    plus: bool,
    sharp: bool,
    zero: bool,
    space: bool,
    width: Option<usize>,
    precision: Option<usize>,
    /// From `%[n]`, counted from 1.
    argument: Option<usize>,
    letter: char,
}

fn formatted(pattern: &str, values: &[&Value]) -> Result<String, Problem> {
    let mut text = String::new();
    let mut rest = pattern;
    let mut next = 0;
    let mut used = 0;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            text.push('%');
            rest = after;
            continue;
        }
        let (verb, after) = verb(rest)?;
        rest = after;
        let index = match verb.argument {
            Some(0) => return Err(Problem::Argument(0, "arguments count from 1".into())),
            Some(number) => number - 1,
            None => next,
        };
        next = index + 1;
        used = used.max(next);
        let Some(value) = values.get(index) else {
            return Err(Problem::Argument(
                0,
                format!("there is no argument {next} for %{}", verb.letter),
            ));
        };
        text.push_str(&one(&verb, value, next)?);
        Problem::unless_room(text.len())?;
    }
    text.push_str(rest);
    if used < values.len() {
        return Err(Problem::Argument(
            used + 1,
            "the format has no verb for this argument".into(),
        ));
    }
    Ok(text)
}

/// Reads what follows a `%`.
fn verb(text: &str) -> Result<(Verb, &str), Problem> {
    let mut verb = Verb::default();
    let mut rest = text;
    loop {
        let Some(character) = rest.chars().next() else {
            return Err(Problem::Argument(
                0,
                "a % at the end; write %% for a percent sign".into(),
            ));
        };
        match character {
            '-' => verb.minus = true,
            '+' => verb.plus = true,
            '#' => verb.sharp = true,
            '0' => verb.zero = true,
            ' ' => verb.space = true,
            _ => break,
        }
        rest = &rest[1..];
    }
    (verb.width, rest) = number(rest)?;
    if let Some(after) = rest.strip_prefix('.') {
        let (precision, after) = number(after)?;
        verb.precision = Some(precision.unwrap_or(0));
        rest = after;
    }
    if let Some(after) = rest.strip_prefix('[') {
        let (argument, after) = number(after)?;
        verb.argument = argument;
        rest = after
            .strip_prefix(']')
            .ok_or_else(|| Problem::Argument(0, "a `[` in the format without its `]`".into()))?;
    }
    let Some(letter) = rest.chars().next() else {
        return Err(Problem::Argument(
            0,
            "a % at the end; write %% for a percent sign".into(),
        ));
    };
    verb.letter = letter;
    Ok((verb, &rest[letter.len_utf8()..]))
}

fn number(text: &str) -> Result<(Option<usize>, &str), Problem> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Ok((None, text));
    }
    match text[..digits]
        .parse::<usize>()
        .ok()
        .filter(|number| *number <= WIDEST)
    {
        Some(number) => Ok((Some(number), &text[digits..])),
        None => Err(Problem::Argument(
            0,
            format!("a width, precision or argument over {WIDEST}"),
        )),
    }
}

fn one(verb: &Verb, value: &Value, index: usize) -> Result<String, Problem> {
    match verb.letter {
        'v' => return any(verb, value, index),
        'b' | 'd' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'g' | 'G' | 's' | 'q' | 't' => {}
        letter => return Err(Problem::Argument(0, format!("there is no verb %{letter}"))),
    }
    if value.is_null() {
        return Err(Problem::Argument(
            index,
            format!("this is null; %{} can't show it, %v can", verb.letter),
        ));
    }
    let convert = |kind: &Type| {
        types::convert(value, kind)
            .map_err(|mismatch| Problem::Argument(index, mismatch.to_string()))
    };
    match verb.letter {
        't' => Ok(padded(
            verb,
            &convert(&Type::Bool)?.to_text().unwrap_or_default(),
        )),
        's' | 'q' => {
            let text = convert(&Type::String)?.to_text().unwrap_or_default();
            let text: String = match verb.precision {
                Some(precision) => text.graphemes(true).take(precision).collect(),
                None => text,
            };
            if verb.letter == 's' {
                return Ok(padded(verb, &text));
            }
            json(verb, &Value::string(text))
        }
        _ => {
            let number = convert(&Type::Number)?.as_number().unwrap_or(Number::ZERO);
            match verb.letter {
                'b' | 'd' | 'o' | 'x' | 'X' => integer(verb, number, index),
                _ => Ok(signed(verb, &float(verb, number))),
            }
        }
    }
}

/// `%v`: strings and numbers as they are, the rest as JSON; `%#v`: all as JSON.
fn any(verb: &Verb, value: &Value, index: usize) -> Result<String, Problem> {
    if verb.sharp {
        return json(verb, value);
    }
    let letter = match () {
        () if value.as_str().is_some() => 's',
        () if value.as_number().is_some() => 'g',
        () if value.as_bool().is_some() => 't',
        () => return json(verb, value),
    };
    one(&Verb { letter, ..*verb }, value, index)
}

fn json(verb: &Verb, value: &Value) -> Result<String, Problem> {
    let mut text = String::new();
    write_json(value, &mut text)?;
    Ok(padded(verb, &text))
}

fn integer(verb: &Verb, number: Number, index: usize) -> Result<String, Problem> {
    let whole = if number.is_negative() {
        number.ceil()
    } else {
        number.floor()
    };
    let Some(value) = whole.to_integer() else {
        return Err(Problem::Argument(
            index,
            "this number is too large for a whole one".into(),
        ));
    };
    let size = value.unsigned_abs();
    let (prefix, digits) = match verb.letter {
        'b' => ("0b", format!("{size:b}")),
        'o' => ("0", format!("{size:o}")),
        'x' => ("0x", format!("{size:x}")),
        'X' => ("0X", format!("{size:X}")),
        _ => ("", size.to_string()),
    };
    let prefix = if verb.sharp { prefix } else { "" };
    let digits = match verb.precision {
        Some(precision) => format!("{digits:0>precision$}"),
        None => digits,
    };
    let sign = if value < 0 { "-" } else { "" };
    Ok(signed(verb, &format!("{sign}{prefix}{digits}")))
}

fn float(verb: &Verb, number: Number) -> String {
    let value = number.to_f64();
    match verb.letter {
        'f' => match (verb.precision, number.to_integer()) {
            (precision, Some(whole)) => {
                let precision = precision.unwrap_or(6);
                let point = if precision > 0 { "." } else { "" };
                format!("{whole}{point}{}", "0".repeat(precision))
            }
            (precision, None) => format!("{value:.*}", precision.unwrap_or(6)),
        },
        'e' | 'E' => exponent(
            &format!("{value:.*e}", verb.precision.unwrap_or(6)),
            verb.letter,
        ),
        letter => general(number, value, verb.precision, letter),
    }
}

/// `%g`: plain for exponents from -4 up to the precision (shortest: 21 digits), else with an exponent.
fn general(number: Number, value: f64, precision: Option<usize>, letter: char) -> String {
    let scientific = match precision {
        Some(precision) => format!("{value:.*e}", precision.max(1) - 1),
        None => format!("{value:e}"),
    };
    let power: i32 = scientific
        .split('e')
        .nth(1)
        .and_then(|power| power.parse().ok())
        .unwrap_or(0);
    let limit = precision.map_or(21, |precision| {
        i32::try_from(precision.max(1)).unwrap_or(i32::MAX)
    });
    let letter = if letter == 'G' { 'E' } else { 'e' };
    if !(-4..limit).contains(&power) {
        let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let digits = if digits.contains('.') {
            digits.trim_end_matches('0').trim_end_matches('.')
        } else {
            digits
        };
        return exponent(&format!("{digits}e{power}"), letter);
    }
    match precision {
        None => number.to_string(),
        Some(precision) => {
            let places = i32::try_from(precision.max(1))
                .unwrap_or(i32::MAX)
                .saturating_sub(1)
                .saturating_sub(power);
            let text = format!("{value:.*}", usize::try_from(places).unwrap_or(0));
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text
            }
        }
    }
}

/// From Rust's `1.5e3` to `1.5e+03`.
fn exponent(scientific: &str, letter: char) -> String {
    let (digits, power) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let (sign, power) = match power.strip_prefix('-') {
        Some(power) => ('-', power),
        None => ('+', power),
    };
    format!("{digits}{letter}{sign}{power:0>2}")
}

/// Puts the sign and, with `0`, zeros between it and the digits.
fn signed(verb: &Verb, text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None if verb.plus => ("+", text),
        None if verb.space => (" ", text),
        None => ("", text),
    };
    let width = verb.width.unwrap_or(0).saturating_sub(sign.len());
    if verb.zero && !verb.minus {
        return format!("{sign}{digits:0>width$}");
    }
    padded(verb, &format!("{sign}{digits}"))
}

fn padded(verb: &Verb, text: &str) -> String {
    let missing = verb
        .width
        .unwrap_or(0)
        .saturating_sub(text.graphemes(true).count());
    match (verb.minus, verb.zero) {
        (true, _) => format!("{text}{}", " ".repeat(missing)),
        (false, true) => format!("{}{text}", "0".repeat(missing)),
        (false, false) => format!("{}{text}", " ".repeat(missing)),
    }
}
