//! Sets of global transaction identifiers: what a server has executed, what its binary log no longer holds. Pure.
//!
//! Written `uuid:1-5:9,uuid:tag:1-3` (MySQL 9 manual, "GTID Sets"): per server a list of intervals, those after a tag under it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A set of transactions. Intervals of one source are sorted, apart from each other, both ends included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GtidSet(BTreeMap<String, Vec<(u64, u64)>>);

/// A text that is no set of transactions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no GTID set")]
pub struct GtidError(String);

impl GtidSet {
    /// Whether there is no transaction in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many transactions are in it.
    pub fn count(&self) -> u64 {
        let intervals = self.0.values().flatten();
        intervals.map(|(from, to)| to - from + 1).sum()
    }

    /// The transactions that aren't in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let rest = self.0.iter().filter_map(|(source, intervals)| {
            let taken = other.0.get(source).map_or(&[][..], Vec::as_slice);
            let left = subtract(intervals, taken);
            (!left.is_empty()).then(|| (source.clone(), left))
        });
        Self(rest.collect())
    }

    /// The transactions of other servers than this one.
    #[must_use]
    pub fn not_of(&self, server_uuid: &str) -> Self {
        let foreign = |source: &str| source.split(':').next() != Some(server_uuid);
        let rest = self.0.iter().filter(|(source, _)| foreign(source));
        Self(rest.map(|(s, i)| (s.clone(), i.clone())).collect())
    }

    fn add(&mut self, source: String, interval: (u64, u64)) {
        let intervals = self.0.entry(source).or_default();
        intervals.push(interval);
        intervals.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(intervals.len());
        for (from, to) in intervals.iter().copied() {
            match merged.last_mut() {
                Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        *intervals = merged;
    }
}

fn subtract(intervals: &[(u64, u64)], taken: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut left = Vec::new();
    for (mut from, to) in intervals.iter().copied() {
        let mut rest = true;
        for (begin, end) in taken.iter().copied() {
            if end < from || begin > to {
                continue;
            }
            if begin > from {
                left.push((from, begin - 1));
            }
            if end >= to {
                rest = false;
                break;
            }
            from = end + 1;
        }
        if rest {
            left.push((from, to));
        }
    }
    left
}

impl FromStr for GtidSet {
    type Err = GtidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || GtidError(text.chars().take(80).collect());
        let mut set = Self::default();
        for group in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let mut parts = group.split(':').map(str::trim);
            let uuid = parts.next().unwrap_or_default().to_ascii_lowercase();
            let is_uuid =
                uuid.len() == 36 && uuid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
            if !is_uuid {
                return Err(error());
            }
            let mut source = uuid.clone();
            let mut any = false;
            for part in parts {
                if part.starts_with(|c: char| c.is_ascii_digit()) {
                    let (from, to) = part.split_once('-').unwrap_or((part, part));
                    let (Ok(from), Ok(to)) = (from.parse(), to.parse()) else {
                        return Err(error());
                    };
                    if from == 0 || from > to {
                        return Err(error());
                    }
                    set.add(source.clone(), (from, to));
                    any = true;
                } else if part.is_empty() {
                    return Err(error());
                } else {
                    source = format!("{uuid}:{}", part.to_ascii_lowercase());
                }
            }
            if !any {
                return Err(error());
            }
        }
        Ok(set)
    }
}

impl fmt::Display for GtidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (source, intervals)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(source)?;
            for (from, to) in intervals {
                if from == to {
                    write!(f, ":{from}")?;
                } else {
                    write!(f, ":{from}-{to}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: &str = "2b44cbe8-e7fa-11f1-9096-000000000001";
    const B: &str = "96ff26e4-e7fa-11f1-9096-000000000002";

    fn set(text: &str) -> GtidSet {
        text.parse().unwrap()
    }

    #[test]
    fn what_one_has_and_the_other_lacks() {
        let own = set(&format!("{A}:1-10:20,{B}:1-3"));
        let other = set(&format!("{A}:1-4:7-8,{B}:1-9"));
        assert_eq!(own.without(&other), set(&format!("{A}:5-6:9-10:20")));
        assert!(set(&format!("{B}:2")).without(&own).is_empty());
        assert_eq!(own.without(&other).count(), 5);
        assert_eq!(own.not_of(A), set(&format!("{B}:1-3")));
    }

    #[test]
    fn tagged_transactions_are_apart() {
        let tagged = set(&format!("{A}:1-5:app:1-3"));
        assert_eq!(
            tagged.without(&set(&format!("{A}:1-5"))),
            set(&format!("{A}:app:1-3"))
        );
        assert!(tagged.not_of(A).is_empty());
    }

    #[test]
    fn neighbours_become_one_interval() {
        assert_eq!(
            set(&format!("{A}:3-4:1-2:5")).to_string(),
            format!("{A}:1-5")
        );
        assert_eq!(set(""), GtidSet::default());
    }

    #[test]
    fn texts_that_are_no_set_are_refused() {
        for text in [
            "x",
            "1-2",
            A,
            &format!("{A}:0"),
            &format!("{A}:5-3"),
            &format!("{A}:"),
            &format!("{A}:tag"),
        ] {
            assert!(text.parse::<GtidSet>().is_err(), "{text}");
        }
    }

    fn intervals() -> impl Strategy<Value = Vec<(u64, u64)>> {
        proptest::collection::vec((1_u64..60, 0_u64..9), 0..6).prop_map(|all| {
            all.into_iter()
                .map(|(from, more)| (from, from + more))
                .collect()
        })
    }

    fn of(intervals: &[(u64, u64)]) -> GtidSet {
        let mut set = GtidSet::default();
        for interval in intervals {
            set.add(A.to_owned(), *interval);
        }
        set
    }

    proptest! {
        #[test]
        fn subtracting_agrees_with_counting_one_by_one(own in intervals(), other in intervals()) {
            let has = |all: &[(u64, u64)], n: u64| all.iter().any(|(from, to)| *from <= n && n <= *to);
            let rest = of(&own).without(&of(&other));
            let expected = (1..80).filter(|n| has(&own, *n) && !has(&other, *n)).count() as u64;
            prop_assert_eq!(rest.count(), expected);
            prop_assert_eq!(rest.to_string().parse::<GtidSet>().unwrap(), rest);
        }

        #[test]
        fn survives_any_text(text in ".{0,80}") {
            let _ = text.parse::<GtidSet>();
        }
    }
}
