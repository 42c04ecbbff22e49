//! `required_version`: which versions of replform may read a configuration, in Terraform's notation.

use crate::diagnostics::{Diagnostic, Span, codes};

/// The operators, the longer ones first.
const OPERATORS: [&str; 7] = ["~>", ">=", "<=", "!=", ">", "<", "="];

/// Checks a requirement such as `>= 0.1, < 0.3` or `~> 0.1.2` against a version; a pre-release counts as its release.
///
/// # Errors
/// That the text is no requirement, or that the version doesn't fit.
pub fn check(requirement: &str, version: &str, span: Span) -> Result<(), Diagnostic> {
    let unreadable = |part: &str| {
        Diagnostic::error(codes::INVALID_VALUE, span, format!("\"{part}\" is no requirement of a version"))
            .help("write an operator and a version, as in \">= 0.1\" or \"~> 0.1.2\"; several are separated by commas")
    };
    let running = numbers(version.split(['-', '+']).next().unwrap_or(version))
        .ok_or_else(|| unreadable(version))?;
    for part in requirement.split(',').map(str::trim) {
        let operator = OPERATORS
            .iter()
            .copied()
            .find(|operator| part.starts_with(operator))
            .unwrap_or("");
        let wanted = part[operator.len()..].trim();
        let wanted_numbers = numbers(wanted).ok_or_else(|| unreadable(part))?;
        if !fits(operator, &padded(&running), &wanted_numbers) {
            return Err(Diagnostic::error(
                codes::REQUIRED_VERSION,
                span,
                format!("this is replform {version}, which doesn't fit \"{part}\""),
            )
            .help("run a version of replform that fits, or change the requirement"));
        }
    }
    Ok(())
}

/// `0.1` as its numbers; one to three.
fn numbers(text: &str) -> Option<Vec<u64>> {
    let parts: Vec<&str> = text.split('.').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(digits) {
        return None;
    }
    parts.iter().map(|part| part.parse().ok()).collect()
}

fn padded(numbers: &[u64]) -> [u64; 3] {
    let at = |index| numbers.get(index).copied().unwrap_or(0);
    [at(0), at(1), at(2)]
}

fn fits(operator: &str, running: &[u64; 3], wanted: &[u64]) -> bool {
    let full = padded(wanted);
    match operator {
        ">=" => *running >= full,
        "<=" => *running <= full,
        ">" => *running > full,
        "<" => *running < full,
        "!=" => *running != full,
        // Only the last number that is written may grow.
        "~>" => *running >= full && running[..wanted.len() - 1] == wanted[..wanted.len() - 1],
        _ => *running == full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::FileId;

    fn admits(requirement: &str, version: &str) -> bool {
        check(requirement, version, Span::new(FileId(0), 0, 0)).is_ok()
    }

    #[test]
    fn operators_mean_what_terraforms_do() {
        assert!(
            admits(">= 0.1", "0.1.0")
                && admits(">= 0.1", "0.2.0-rc.1")
                && !admits("> 0.1.0", "0.1.0")
        );
        assert!(admits("~> 0.1", "0.9.0") && !admits("~> 0.1", "1.0.0"));
        assert!(
            admits("~> 0.1.2", "0.1.9")
                && !admits("~> 0.1.2", "0.2.0")
                && !admits("~> 0.1.2", "0.1.1")
        );
        assert!(
            admits(">= 0.1, < 0.3, != 0.2.1", "0.2.0")
                && !admits(">= 0.1, < 0.3, != 0.2.1", "0.2.1")
        );
        assert!(admits("0.1.0", "0.1.0") && admits("= 0.1", "0.1.0") && !admits("0.1.1", "0.1.0"));
        assert!(admits("~> 1", "1.4.0"));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", ">=", "=> 1", "1.x", "~> 1.2.3.4", ">= 0.1,"] {
            assert!(!admits(text, "0.1.0"), "{text}");
        }
    }
}
