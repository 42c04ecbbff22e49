//! Which product and release a server is, and which dumps it can read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The product: one protocol, two forks.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Redis.
    #[default]
    Redis,
    /// Valkey.
    Valkey,
}

impl Kind {
    /// Its name in paths, packages and units.
    pub fn word(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Valkey => "valkey",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Valkey => "Valkey",
        }
    }

    /// Reads [`Self::word`].
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Redis, Self::Valkey]
            .into_iter()
            .find(|kind| kind.word() == word)
    }

    /// The server's package on Debian.
    pub fn package(self) -> String {
        format!("{}-server", self.word())
    }

    /// The configuration of Debian's own instance.
    pub fn default_conf(self) -> String {
        format!("/etc/{0}/{0}.conf", self.word())
    }

    /// Debian's data directory.
    pub fn default_directory(self) -> String {
        format!("/var/lib/{}", self.word())
    }
}

/// Major and minor number of a full version (`7.0.15`, or a package's `5:7.0.15-1~deb12u7`).
pub(super) fn numbers(version: &str) -> Option<(u16, u16)> {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let mut parts = version.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// `7.0` of `7.0.15`.
pub(super) fn release(version: &str) -> Option<String> {
    numbers(version).map(|(major, minor)| format!("{major}.{minor}"))
}

/// The dump format that a release writes, and the newest of its own line that it reads. `None`: not known here.
///
/// Source: RDB_VERSION in rdb.h of each release; 10, 11 and 12 were tried on 7.0.15, Valkey 8.1.1 and 8.0.2 (engine page, 14).
pub(super) fn dump_format(kind: Kind, version: &str) -> Option<u32> {
    match (kind, numbers(version)?) {
        (Kind::Redis, (5 | 6, _)) => Some(9),
        (Kind::Redis, (7, 0)) => Some(10),
        (Kind::Redis, (7, 2 | 3)) | (Kind::Valkey, (7 | 8, _)) => Some(11),
        (Kind::Redis, (7, _) | (8, 0 | 2)) => Some(12),
        (Kind::Valkey, (9, _)) => Some(80),
        _ => None,
    }
}

/// Why a server of `kind` and `version` can't read what the upstream writes; `None`: it can.
pub(super) fn unreadable(
    (kind, version): (Kind, &str),
    (upstream_kind, upstream_version): (Kind, &str),
) -> Option<String> {
    let this = format!("{} {version}", kind.title());
    let upstream = format!("{} {upstream_version}", upstream_kind.title());
    if kind == upstream_kind {
        return (numbers(version) < numbers(upstream_version)).then(|| {
            format!(
                "{this} is older than its upstream's {upstream}, whose data it may not understand"
            )
        });
    }
    match (
        dump_format(kind, version),
        dump_format(upstream_kind, upstream_version),
    ) {
        (Some(reads), Some(writes)) if reads >= writes && reads < 80 => None,
        (Some(reads), Some(writes)) => Some(format!(
            "{upstream} writes dumps of format {writes}, {this} reads those up to {reads} (Redis and Valkey went different ways)"
        )),
        _ => Some(format!(
            "whether {this} reads the dumps of {upstream} isn't known to this version of replform"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_with_and_without_a_package_s_epoch() {
        assert_eq!(numbers("7.0.15"), Some((7, 0)));
        assert_eq!(numbers("5:8.0.2-3+deb13u1"), Some((8, 0)));
        assert_eq!(numbers("8.1.1+dfsg1-3"), Some((8, 1)));
        assert_eq!(numbers("unknown"), None);
    }

    #[test]
    fn a_replica_reads_what_its_upstream_writes_or_the_reason_is_told() {
        let redis_7 = (Kind::Redis, "7.0.15");
        let redis_8 = (Kind::Redis, "8.0.2");
        let valkey = (Kind::Valkey, "8.1.1");
        for (replica, upstream, readable) in [
            (redis_7, redis_7, true),
            (redis_8, redis_7, true),
            (redis_7, redis_8, false),
            (valkey, redis_7, true),
            (valkey, redis_8, false),
            (redis_8, valkey, true),
            (redis_7, valkey, false),
            ((Kind::Valkey, "9.0.0"), redis_8, false),
            ((Kind::Redis, "9.9.0"), valkey, false),
        ] {
            assert_eq!(
                unreadable(replica, upstream).is_none(),
                readable,
                "{replica:?} of {upstream:?}"
            );
        }
    }
}
