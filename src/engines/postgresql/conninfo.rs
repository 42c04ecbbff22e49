//! Reads PostgreSQL connection strings (`host=… port=…`, also as a URI) as far as the planner needs them. Pure.
//!
//! Only for reading what a server has; strings that replform writes are made by the steps. Never a place for passwords:
//! the probe masks them before this sees anything.

use std::collections::BTreeMap;

/// The parameters of a connection string; what can't be understood is left out.
pub fn parse(text: &str) -> BTreeMap<String, String> {
    let text = text.trim();
    for scheme in ["postgresql://", "postgres://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return parse_uri(rest);
        }
    }
    parse_words(text)
}

/// The host and port that a connection string names; hosts separated by commas stay as they are written.
pub fn host_and_port(text: &str) -> Option<(String, u16)> {
    let parameters = parse(text);
    let host = parameters
        .get("host")
        .or_else(|| parameters.get("hostaddr"))
        .filter(|host| !host.is_empty())?;
    let port = match parameters.get("port").map(String::as_str) {
        None | Some("") => 5432,
        Some(port) => port.split(',').next()?.parse().ok()?,
    };
    Some((host.clone(), port))
}

/// `name = value`, values in quotes where they hold blanks, with a backslash before quotes and backslashes.
fn parse_words(text: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    let mut rest = text.chars().peekable();
    loop {
        let name: String = std::iter::from_fn(|| rest.next_if(|c| *c != '=')).collect();
        if rest.next().is_none() {
            return parameters;
        }
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = rest.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        while let Some(c) = rest.next() {
            match c {
                '\\' => value.extend(rest.next()),
                '\'' if quoted => break,
                c if !quoted && c.is_whitespace() => break,
                c => value.push(c),
            }
        }
        parameters.insert(name.trim().to_owned(), value);
    }
}

/// What follows the scheme: `user@host:port/database?parameters`.
fn parse_uri(rest: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (place, ""),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    for (name, value) in [
        ("user", user),
        ("host", host),
        ("port", port),
        ("dbname", database),
    ] {
        if !value.is_empty() {
            parameters.insert(name.to_owned(), value.to_owned());
        }
    }
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        parameters.insert(name.to_owned(), value.to_owned());
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_words_quotes_and_uris() {
        for (text, expected) in [
            ("host=10.0.0.1 port=5433 user=x", Some(("10.0.0.1", 5433))),
            ("user = 'a b' host = db1", Some(("db1", 5432))),
            (
                r"application_name='it\'s host=no' host=db2 port=''",
                Some(("db2", 5432)),
            ),
            (
                "postgresql://r@db3:6000/postgres?sslmode=require",
                Some(("db3", 6000)),
            ),
            ("postgres://[fd00::1]:5432/", Some(("fd00::1", 5432))),
            ("user=x", None),
            ("", None),
        ] {
            let expected = expected.map(|(host, port): (&str, u16)| (host.to_owned(), port));
            assert_eq!(host_and_port(text), expected, "{text}");
        }
    }
}
