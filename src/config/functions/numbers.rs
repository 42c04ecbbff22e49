//! Functions of numbers: abs, ceil, floor, max, min, range, sum.

use super::super::types::{self, Type};
use super::super::value::{Number, Value};
use super::call::{Arguments, Outcome, Problem};

/// The most elements that `range` gives; Terraform's limit.
const LONGEST_RANGE: usize = 1024;

pub(super) fn abs(arguments: &Arguments<'_>) -> Outcome {
    let number = arguments.number(0)?;
    Ok(Value::number(if number.is_negative() {
        number.negate()
    } else {
        number
    }))
}

pub(super) fn ceil(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::number(arguments.number(0)?.ceil()))
}

pub(super) fn floor(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::number(arguments.number(0)?.floor()))
}

pub(super) fn max(arguments: &Arguments<'_>) -> Outcome {
    extreme(arguments, Number::max)
}

pub(super) fn min(arguments: &Arguments<'_>) -> Outcome {
    extreme(arguments, Number::min)
}

fn extreme(arguments: &Arguments<'_>, better: fn(Number, Number) -> Number) -> Outcome {
    let mut best = arguments.number(0)?;
    for index in 1..arguments.count() {
        best = better(best, arguments.number(index)?);
    }
    Ok(Value::number(best))
}

pub(super) fn range(arguments: &Arguments<'_>) -> Outcome {
    let (start, limit, limit_at) = match arguments.count() {
        1 => (Number::ZERO, arguments.number(0)?, 0),
        _ => (arguments.number(0)?, arguments.number(1)?, 1),
    };
    let step = match arguments.count() {
        3 => arguments.number(2)?,
        _ if limit < start => Number::from(-1i64),
        _ => Number::from(1i64),
    };
    if step.is_zero() {
        return Err(Problem::Argument(2, "the step can't be zero".into()));
    }
    if (limit > start) == step.is_negative() && limit != start {
        return Err(Problem::Argument(
            2,
            "the step leads away from the limit".into(),
        ));
    }
    let mut values = Vec::new();
    let mut next = start;
    while if step.is_negative() {
        next > limit
    } else {
        next < limit
    } {
        if values.len() == LONGEST_RANGE {
            return Err(Problem::Argument(
                limit_at,
                format!("more than {LONGEST_RANGE} elements"),
            ));
        }
        values.push(Value::number(next));
        next = next
            .plus(step)
            .ok_or_else(|| Problem::Argument(limit_at, "the numbers get too large".into()))?;
    }
    Ok(Value::list(values))
}

pub(super) fn sum(arguments: &Arguments<'_>) -> Outcome {
    let items = arguments.items(0)?;
    if items.is_empty() {
        return Err(Problem::Argument(0, "an empty list has no sum".into()));
    }
    let mut total = Number::ZERO;
    for (index, item) in items.iter().enumerate() {
        let number = types::convert(item, &Type::Number)
            .map_err(|mismatch| Problem::Argument(0, format!("element {index}: {mismatch}")))?
            .as_number()
            .ok_or_else(|| Problem::Argument(0, format!("element {index} is null")))?;
        total = total
            .plus(number)
            .ok_or_else(|| Problem::Call("the sum is too large".into()))?;
    }
    Ok(Value::number(total))
}

pub(super) fn signum(arguments: &Arguments<'_>) -> Outcome {
    let number = arguments.number(0)?;
    Ok(Value::number(Number::from(
        match (number.is_zero(), number.is_negative()) {
            (true, _) => 0i64,
            (false, true) => -1,
            (false, false) => 1,
        },
    )))
}

/// A logarithm to any base.
pub(super) fn log(arguments: &Arguments<'_>) -> Outcome {
    let (number, base) = (arguments.number(0)?.to_f64(), arguments.number(1)?.to_f64());
    finite(number.ln() / base.ln())
}

pub(super) fn pow(arguments: &Arguments<'_>) -> Outcome {
    finite(
        arguments
            .number(0)?
            .to_f64()
            .powf(arguments.number(1)?.to_f64()),
    )
}

fn finite(value: f64) -> Outcome {
    Number::from_f64(value)
        .map(Value::number)
        .ok_or_else(|| Problem::Call("the result is no number".into()))
}

/// A whole number written to a base from 2 to 62.
pub(super) fn parseint(arguments: &Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    let base = arguments.integer(1)?;
    if !(2..=62).contains(&base) {
        return Err(Problem::Argument(1, "a base from 2 to 62 is wanted".into()));
    }
    let wrong = || Problem::Argument(0, format!("\"{text}\" is no whole number to base {base}"));
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.as_str()),
    };
    if digits.is_empty() {
        return Err(wrong());
    }
    let mut value: i128 = 0;
    for digit in digits.bytes() {
        let worth = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'z' => digit - b'a' + 10,
            b'A'..=b'Z' if base <= 36 => digit - b'A' + 10,
            b'A'..=b'Z' => digit - b'A' + 36,
            _ => return Err(wrong()),
        };
        if i128::from(worth) >= base {
            return Err(wrong());
        }
        value = value
            .checked_mul(base)
            .and_then(|value| value.checked_add(worth.into()))
            .ok_or_else(|| Problem::Argument(0, "the number is too large".into()))?;
    }
    Ok(Value::number(Number::from(if negative {
        -value
    } else {
        value
    })))
}
