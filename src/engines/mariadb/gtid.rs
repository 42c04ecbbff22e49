//! MariaDB's global transaction ids: `domain-server-sequence`, and the lists of them that the server shows.
//!
//! A list says of each domain (in a binlog's state: of each domain and server) the last transaction only: there is no set of
//! what was executed (engine page, section 1).

use std::fmt;
use std::str::FromStr;

/// One transaction: `0-21-9207`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gtid {
    /// Its domain; transactions of one domain have one order.
    pub domain: u32,
    /// The server that wrote it first.
    pub server: u32,
    /// Its place in the domain.
    pub sequence: u64,
}

/// A list of them, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gtids(pub Vec<Gtid>);

/// A text that isn't a GTID or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" isn't a GTID, as in 0-1-100")]
pub struct GtidError(String);

impl FromStr for Gtid {
    type Err = GtidError;

    fn from_str(text: &str) -> Result<Self, GtidError> {
        let error = || GtidError(text.to_owned());
        let mut parts = text.trim().splitn(3, '-');
        let mut part = || parts.next().ok_or_else(error);
        let (domain, server, sequence) = (part()?, part()?, part()?);
        Ok(Self {
            domain: domain.parse().map_err(|_| error())?,
            server: server.parse().map_err(|_| error())?,
            sequence: sequence.parse().map_err(|_| error())?,
        })
    }
}

impl FromStr for Gtids {
    type Err = GtidError;

    /// A list by commas, in brackets or not (`[0-1-5]`, as a binlog's first event shows it); empty for none.
    fn from_str(text: &str) -> Result<Self, GtidError> {
        let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
        let mut list = inner
            .split(',')
            .filter(|one| !one.trim().is_empty())
            .map(str::parse)
            .collect::<Result<Vec<Gtid>, _>>()?;
        list.sort_unstable();
        Ok(Self(list))
    }
}

impl fmt::Display for Gtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.domain, self.server, self.sequence)
    }
}

impl fmt::Display for Gtids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, gtid) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{gtid}")?;
        }
        Ok(())
    }
}

impl Gtids {
    /// The last sequence number of a domain, whoever wrote it.
    pub fn last(&self, domain: u32) -> Option<u64> {
        let of_domain = self.0.iter().filter(|gtid| gtid.domain == domain);
        of_domain.map(|gtid| gtid.sequence).max()
    }

    /// Whether the history has this transaction: its server wrote that far there.
    pub fn has(&self, wanted: &Gtid) -> bool {
        self.0.iter().any(|gtid| {
            (gtid.domain, gtid.server) == (wanted.domain, wanted.server)
                && gtid.sequence >= wanted.sequence
        })
    }

    /// What one server wrote.
    pub fn by(&self, server: u32) -> impl Iterator<Item = &Gtid> {
        self.0.iter().filter(move |gtid| gtid.server == server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_the_server_shows_them() {
        let list: Gtids = "1-5-7,0-22-8350,0-21-9207".parse().unwrap();
        assert_eq!(list.to_string(), "0-21-9207,0-22-8350,1-5-7");
        assert_eq!(list.last(0), Some(9207));
        assert_eq!(list.last(2), None);
        assert_eq!("[0-1-5]".parse::<Gtids>().unwrap().last(0), Some(5));
        assert_eq!("".parse::<Gtids>().unwrap(), Gtids::default());
        assert_eq!("[]".parse::<Gtids>().unwrap(), Gtids::default());
        for wrong in [
            "0-1",
            "a-1-2",
            "0-1-2-3",
            "0--1-2",
            "0-1-99999999999999999999",
        ] {
            assert!(wrong.parse::<Gtids>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_transaction_belongs_to_the_history_of_its_writer() {
        let state: Gtids = "0-21-9207,0-22-8350".parse().unwrap();
        assert!(state.has(&"0-22-8350".parse().unwrap()));
        assert!(state.has(&"0-22-8000".parse().unwrap()));
        assert!(!state.has(&"0-22-8555".parse().unwrap()));
        assert!(!state.has(&"0-23-1".parse().unwrap()));
        assert_eq!(state.by(22).count(), 1);
    }
}
