//! The nearest valid name: what somebody most likely meant. Pure.

/// The most candidates that are looked at: a hint isn't worth minutes.
const MOST_CANDIDATES: usize = 5_000;

/// The candidate with the fewest slips from `name`, if that is at most one and a quarter of its
/// length; of equals the first in order.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 1 + name.chars().count() / 4;
    candidates
        .into_iter()
        .take(MOST_CANDIDATES)
        .filter(|candidate| *candidate != name && candidate.len().abs_diff(name.len()) <= 4 * limit)
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| {
            *distance <= limit && *distance < candidate.chars().count().max(2)
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// The same as a sentence for [`super::Diagnostic::maybe_help`].
pub fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(name, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_swapped_letter_is_one_slip() {
        assert_eq!(nearest("bd1", ["web", "db1", "db2"]), Some("db1"));
        assert_eq!(nearest("primray", ["primary", "replica"]), Some("primary"));
        assert_eq!(nearest("zebra", ["primary", "replica"]), None);
    }
}
