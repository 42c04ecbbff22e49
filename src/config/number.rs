//! Numbers of the language: exact decimals where they fit (so that 0.1 + 0.2 is 0.3, and large
//! integers stay what they are), floating point beyond. Pure; never infinite, never NaN.

use std::cmp::Ordering;
use std::fmt;

/// A number: `mantissa / 10^scale` exactly, or the nearest floating point number.
#[derive(Debug, Clone, Copy)]
pub struct Number(Form);

#[derive(Debug, Clone, Copy)]
enum Form {
    /// No trailing zeros in the mantissa unless the scale is 0.
    Decimal { mantissa: i128, scale: u32 },
    /// Finite, and not an integer that a decimal holds.
    Float(f64),
}

impl Number {
    /// Zero.
    pub const ZERO: Number = Number(Form::Decimal {
        mantissa: 0,
        scale: 0,
    });

    fn decimal(mut mantissa: i128, mut scale: u32) -> Number {
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Number(Form::Decimal { mantissa, scale })
    }

    /// A floating point number; `None` for infinity and NaN.
    pub fn from_f64(value: f64) -> Option<Number> {
        if !value.is_finite() {
            return None;
        }
        // Integers up to 2^100 are exact in both forms.
        if value.fract() == 0.0 && value.abs() < 1.2e30 {
            return Some(Number::decimal(value as i128, 0));
        }
        Some(Number(Form::Float(value)))
    }

    /// Reads `12`, `-1.50`, `3e8`. `None` when it isn't a number or is out of range.
    pub fn parse(text: &str) -> Option<Number> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (digits, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], rest[at + 1..].parse::<i32>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !plain(whole) || !plain(fraction) {
            return None;
        }
        let sign = if negative { "-" } else { "" };
        let fraction = fraction.trim_end_matches('0');
        let exact = format!("{sign}{whole}{fraction}").parse::<i128>().ok();
        let shift = exponent - i32::try_from(fraction.len()).ok()?;
        let decimal = exact.and_then(|mantissa| match u32::try_from(shift) {
            Ok(up) => 10i128
                .checked_pow(up)?
                .checked_mul(mantissa)
                .map(|mantissa| Number::decimal(mantissa, 0)),
            Err(_) if shift >= -38 => Some(Number::decimal(mantissa, shift.unsigned_abs())),
            Err(_) => None,
        });
        decimal.or_else(|| Number::from_f64(text.parse().ok()?))
    }

    /// The nearest floating point number.
    pub fn to_f64(self) -> f64 {
        match self.0 {
            Form::Decimal { mantissa, scale: 0 } => mantissa as f64,
            // Through text: dividing would round twice.
            Form::Decimal { .. } => self.to_string().parse().unwrap_or(f64::NAN),
            Form::Float(value) => value,
        }
    }

    /// The integer that it is; `None` for fractions and beyond 128 bits.
    pub fn to_integer(self) -> Option<i128> {
        match self.0 {
            Form::Decimal { mantissa, scale: 0 } => Some(mantissa),
            _ => None,
        }
    }

    /// Below zero.
    pub fn is_negative(self) -> bool {
        self < Number::ZERO
    }

    /// Exactly zero.
    pub fn is_zero(self) -> bool {
        self == Number::ZERO
    }

    /// Two mantissas under one scale.
    fn aligned(self, other: Number) -> Option<(i128, i128, u32)> {
        let (
            Form::Decimal {
                mantissa: a,
                scale: s,
            },
            Form::Decimal {
                mantissa: b,
                scale: t,
            },
        ) = (self.0, other.0)
        else {
            return None;
        };
        let scale = s.max(t);
        let a = 10i128.checked_pow(scale - s)?.checked_mul(a)?;
        let b = 10i128.checked_pow(scale - t)?.checked_mul(b)?;
        Some((a, b, scale))
    }

    /// The sum; `None` when out of range.
    pub fn plus(self, other: Number) -> Option<Number> {
        let exact = self
            .aligned(other)
            .and_then(|(a, b, scale)| Some(Number::decimal(a.checked_add(b)?, scale)));
        exact.or_else(|| Number::from_f64(self.to_f64() + other.to_f64()))
    }

    /// The difference; `None` when out of range.
    pub fn minus(self, other: Number) -> Option<Number> {
        self.plus(other.negate())
    }

    /// The product; `None` when out of range.
    pub fn times(self, other: Number) -> Option<Number> {
        if let (
            Form::Decimal {
                mantissa: a,
                scale: s,
            },
            Form::Decimal {
                mantissa: b,
                scale: t,
            },
        ) = (self.0, other.0)
            && let Some(mantissa) = a.checked_mul(b)
            && s + t <= 38
        {
            return Some(Number::decimal(mantissa, s + t));
        }
        Number::from_f64(self.to_f64() * other.to_f64())
    }

    /// The quotient, exact where it has at most 30 digits after the point; `None` for a divisor of zero.
    pub fn divided_by(self, other: Number) -> Option<Number> {
        if other.is_zero() {
            return None;
        }
        if let Some((a, b, _)) = self.aligned(other) {
            let mut numerator = a;
            for scale in 0..=30 {
                if numerator % b == 0 {
                    return Some(Number::decimal(numerator / b, scale));
                }
                let Some(next) = numerator.checked_mul(10) else {
                    break;
                };
                numerator = next;
            }
        }
        Number::from_f64(self.to_f64() / other.to_f64())
    }

    /// The remainder, with the sign of the left side; `None` for a divisor of zero.
    pub fn remainder(self, other: Number) -> Option<Number> {
        if other.is_zero() {
            return None;
        }
        match self.aligned(other) {
            Some((a, b, scale)) => Some(Number::decimal(a.checked_rem(b)?, scale)),
            None => Number::from_f64(self.to_f64() % other.to_f64()),
        }
    }

    /// With the other sign.
    pub fn negate(self) -> Number {
        match self.0 {
            Form::Decimal {
                mantissa: i128::MIN,
                scale,
            } => Number(Form::Float(-(i128::MIN as f64) / 10f64.powi(scale as i32))),
            Form::Decimal { mantissa, scale } => Number(Form::Decimal {
                mantissa: -mantissa,
                scale,
            }),
            Form::Float(value) => Number(Form::Float(-value)),
        }
    }

    /// The largest integer not above it.
    pub fn floor(self) -> Number {
        match self.0 {
            // The scale of a decimal is at most 38, so the power fits.
            Form::Decimal { mantissa, scale } => {
                Number::decimal(mantissa.div_euclid(10i128.pow(scale)), 0)
            }
            Form::Float(value) => Number::from_f64(value.floor()).unwrap_or(self),
        }
    }

    /// The smallest integer not below it.
    pub fn ceil(self) -> Number {
        self.negate().floor().negate()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Form::Decimal { mantissa, scale: 0 } => write!(formatter, "{mantissa}"),
            Form::Decimal { mantissa, scale } => {
                let sign = if mantissa < 0 { "-" } else { "" };
                let digits = format!(
                    "{:0>width$}",
                    mantissa.unsigned_abs(),
                    width = scale as usize + 1
                );
                let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
                write!(formatter, "{sign}{whole}.{fraction}")
            }
            Form::Float(value) => write!(formatter, "{value}"),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        match self.aligned(*other) {
            Some((a, b, _)) => a.cmp(&b),
            None => self.to_f64().total_cmp(&other.to_f64()),
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Number {
        Number::decimal(value.into(), 0)
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Number {
        Number::decimal(value as i128, 0)
    }
}

impl From<i128> for Number {
    fn from(value: i128) -> Number {
        Number::decimal(value, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(
            number("0.1").plus(number("0.2")).unwrap().to_string(),
            "0.3"
        );
        assert_eq!(
            number("1").divided_by(number("8")).unwrap().to_string(),
            "0.125"
        );
        assert_eq!(
            number("9007199254740993")
                .plus(number("1"))
                .unwrap()
                .to_string(),
            "9007199254740994"
        );
        assert_eq!(number("1.50e3").to_string(), "1500");
        assert_eq!(number("-0.05").to_string(), "-0.05");
        assert_eq!(number("1.5e-3").to_string(), "0.0015");
    }

    #[test]
    fn what_does_not_fit_is_floating_point_and_never_infinite() {
        assert_eq!(number("1e40").times(number("1e40")).unwrap().to_f64(), 1e80);
        assert!(number("1e300").times(number("1e300")).is_none());
        assert!(Number::parse("1e999").is_none());
        assert_eq!(number("1e-60").to_f64(), 1e-60);
        assert!(number("1e-60") < number("1e-59"));
        assert_eq!(
            Number::from(i128::MIN).negate().to_f64(),
            -(i128::MIN as f64)
        );
    }

    #[test]
    fn division_by_zero_is_none() {
        assert!(number("1").divided_by(Number::ZERO).is_none());
        assert!(number("1").remainder(number("0.0")).is_none());
        assert!(
            Number::from(i128::MIN)
                .remainder(number("-1"))
                .is_none_or(Number::is_zero)
        );
    }

    #[test]
    fn rounding_goes_the_right_way_below_zero() {
        assert_eq!(number("-1.5").floor(), number("-2"));
        assert_eq!(number("-1.5").ceil(), number("-1"));
        assert_eq!(number("1.2").ceil(), number("2"));
    }

    #[test]
    fn nonsense_is_no_number() {
        for text in ["", "-", ".", "1e", "0x10", "1_000", " 1", "inf", "NaN"] {
            assert!(Number::parse(text).is_none(), "{text}");
        }
    }
}
