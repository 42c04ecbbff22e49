//! The host's own section of a probe: system, memory, clock. Pure.

use super::decode::{ProbeError, RoundTrip, Section};
use super::{Disk, HostFacts};
use crate::topology::Bytes;

/// What is known of a machine's clock: two readings of it, between two of ours.
pub(super) struct Clock<'a> {
    /// At the probe's start.
    pub(super) begin: Option<&'a str>,
    /// At its end.
    pub(super) end: Option<&'a str>,
    /// Ours around it.
    pub(super) trip: RoundTrip,
}

/// The rest of the first line that begins with `key` and a blank.
pub(super) fn value<'a>(section: &Section<'a>, key: &str) -> Option<&'a str> {
    section
        .lines
        .iter()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
}

/// Decodes the section `host`.
///
/// # Errors
/// When a line that everything rests on is missing.
pub(super) fn host(section: &Section<'_>, clock: &Clock<'_>) -> Result<HostFacts, ProbeError> {
    let text = |key: &str| value(section, key).unwrap_or_default().trim().to_owned();
    let memory = |key: &str| {
        value(section, &format!("memory {key}:"))
            .and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok())
            .map(|kibibytes| Bytes(kibibytes.saturating_mul(1024)))
            .ok_or_else(|| section.error(format!("no {key}")))
    };
    if value(section, "uid").is_none() {
        return Err(section.error("no user id"));
    }
    let (clock_offset_ms, clock_doubt_ms, probe_ms) = clock.offset();
    Ok(HostFacts {
        os: text("os"),
        architecture: text("architecture"),
        libc: text("libc").trim_start_matches("glibc ").to_owned(),
        hostname: text("hostname"),
        memory_total: memory("MemTotal")?,
        memory_available: memory("MemAvailable")?,
        clock_offset_ms,
        clock_doubt_ms,
        boot_id: text("boot"),
        systemd: value(section, "systemd") == Some("yes"),
        root: value(section, "uid") == Some("0"),
        probe_ms,
        disks: section.lines.iter().filter_map(|line| disk(line)).collect(),
        addresses: text("addresses")
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    })
}

/// `disk FREE SIZE MOUNT`.
fn disk(line: &str) -> Option<(String, Disk)> {
    let mut words = line.strip_prefix("disk ")?.splitn(3, ' ');
    let mut bytes = || words.next()?.parse().ok().map(Bytes);
    let (free, size) = (bytes()?, bytes()?);
    Some((words.next()?.to_owned(), Disk { free, size }))
}

impl Clock<'_> {
    /// Offset, doubt and the probe's duration, milliseconds. As NTP does: what the round trip took beyond the probe itself
    /// is shared out evenly between there and back; the doubt is half of it.
    fn offset(&self) -> (Option<i64>, u64, u64) {
        let seconds =
            |text: Option<&str>| text?.trim().parse::<f64>().ok().filter(|s| s.is_finite());
        let (Some(begin), Some(end)) = (seconds(self.begin), seconds(self.end)) else {
            return (None, 0, 0);
        };
        let probe = (end - begin).max(0.0);
        let there_and_back = (self.trip.answered - self.trip.asked - probe).max(0.0);
        let offset = ((begin - self.trip.asked) + (end - self.trip.answered)) / 2.0;
        // Casts of floats saturate.
        (
            Some((offset * 1e3).round() as i64),
            (there_and_back / 2.0 * 1e3).ceil() as u64,
            (probe * 1e3).round() as u64,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_compared_at_the_middle_of_the_round_trip() {
        // The host is 5 s ahead; 40 ms there, 60 ms back, 200 ms of probe.
        let clock = Clock {
            begin: Some("1005.040"),
            end: Some("1005.240"),
            trip: RoundTrip {
                asked: 1000.0,
                answered: 1000.3,
            },
        };
        let (offset, doubt, probe) = clock.offset();
        assert_eq!(probe, 200);
        assert_eq!(offset, Some(4990));
        assert!((50..=51).contains(&doubt), "{doubt}");
    }

    #[test]
    fn a_directory_is_on_the_file_system_mounted_nearest_to_it() {
        let lines = [
            "disk 10 100 /",
            "disk 20 200 /var/lib/postgresql",
            "disk x y /odd",
        ];
        let disks: std::collections::BTreeMap<_, _> =
            lines.iter().filter_map(|line| disk(line)).collect();
        assert_eq!(disks.len(), 2);
        let facts = HostFacts {
            os: String::new(),
            architecture: String::new(),
            libc: String::new(),
            hostname: String::new(),
            memory_total: Bytes(0),
            memory_available: Bytes(0),
            clock_offset_ms: None,
            clock_doubt_ms: 0,
            boot_id: String::new(),
            systemd: true,
            root: true,
            probe_ms: 0,
            disks,
            addresses: Vec::new(),
        };
        assert_eq!(
            facts
                .disk_of("/var/lib/postgresql/15/main")
                .map(|disk| disk.free),
            Some(Bytes(20))
        );
        assert_eq!(
            facts.disk_of("/var/lib/postgresql2").map(|disk| disk.free),
            Some(Bytes(10))
        );
    }
}
