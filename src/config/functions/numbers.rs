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
