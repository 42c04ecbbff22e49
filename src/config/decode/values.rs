//! From worked-out values to what the language wants: ports, sizes, names, references.
//!
//! Each problem is told at the value's own place, with what was wanted.

use std::collections::BTreeMap;

use super::structure::invalid_name;
use crate::config::language::{Kind, Target, nearest_word};
use crate::config::types::{self, Type};
use crate::config::value::{Kind as ValueKind, Value};
use crate::diagnostics::{Diagnostic, Span, codes};
use crate::secret::Secret;
use crate::topology::{Bytes, Lag, QuantityError, Rate};

/// A value as the language's table wants it.
#[derive(Clone, Debug)]
pub enum Typed {
    /// Text, names, paths, words.
    Text(String),
    /// Text that may be secret, and whether it is.
    Secret(Secret),
    /// A port.
    Port(u16),
    /// Yes or no.
    Bool(bool),
    /// A size.
    Size(Bytes),
    /// A rate.
    Rate(Rate),
    /// A time or a size.
    Lag(Lag),
    /// Texts, each with its place.
    List(Vec<(String, Span)>),
    /// The address of a block.
    Reference(Vec<String>),
    /// The addresses of blocks, each with its place.
    References(Vec<(Vec<String>, Span)>),
}

/// A value where it stands: the place is its own, or that of the expression that gave it.
struct At<'a> {
    value: &'a Value,
    span: Span,
}

type Problem = Diagnostic;

/// Converts a value to what `kind` wants; `span` is the whole expression.
///
/// # Errors
/// What doesn't fit, each at its place.
pub fn convert(kind: Kind, value: &Value, span: Span) -> Result<Typed, Vec<Diagnostic>> {
    let at = At { value, span };
    if value.is_sensitive() && !kind.takes_secrets() {
        return Err(vec![
            Diagnostic::error(
                codes::SENSITIVE_VALUE,
                span,
                "this is sensitive, and plans would show it",
            )
            .help("sensitive values may stand in admin { password = … } and env { variables = … }"),
        ]);
    }
    match kind {
        Kind::Hosts => at
            .items(kind)
            .and_then(|items| each(items, host))
            .map(Typed::List),
        Kind::Words(words) => at
            .items(kind)
            .and_then(|items| each(items, |at| word(at, words)))
            .map(Typed::List),
        Kind::References(target) => at
            .items(kind)
            .and_then(|items| each(items, |at| reference(at, target)))
            .map(Typed::References),
        _ => single(kind, &at).map_err(|problem| vec![problem]),
    }
}

fn single(kind: Kind, at: &At<'_>) -> Result<Typed, Problem> {
    Ok(match kind {
        Kind::Text => Typed::Text(at.text(kind).and_then(|text| plain_text(text, at))?),
        Kind::Secret => Typed::Secret(Secret::new(
            at.text(kind).and_then(|text| plain_text(text, at))?,
        )),
        Kind::Name => Typed::Text(at.checked(kind, |text| invalid_name(text).map_or(Ok(()), Err))?),
        Kind::Host => Typed::Text(host(at)?),
        Kind::AbsolutePath => Typed::Text(at.checked(kind, absolute_path)?),
        Kind::VariableName => Typed::Text(at.checked(kind, variable_name)?),
        Kind::MajorVersion => Typed::Text(at.checked(kind, major_version)?),
        Kind::VersionRequirement => Typed::Text(at.text(kind)?),
        Kind::Word(words) => Typed::Text(word(at, words)?),
        Kind::Port => Typed::Port(port(at)?),
        Kind::Bool => match types::convert(at.value, &Type::Bool)
            .ok()
            .and_then(|value| value.as_bool())
        {
            Some(value) => Typed::Bool(value),
            None => return Err(at.unfit(kind)),
        },
        Kind::Size => Typed::Size(at.quantity(kind, Bytes::parse)?),
        Kind::Rate => Typed::Rate(at.quantity(kind, Rate::parse)?),
        Kind::Lag => Typed::Lag(at.quantity(kind, Lag::parse)?),
        Kind::Reference(target) => Typed::Reference(reference(at, target)?),
        // These are read as they are written, and lists above.
        Kind::Any
        | Kind::Variables
        | Kind::Type
        | Kind::Hosts
        | Kind::Words(_)
        | Kind::References(_) => {
            return Err(at.unfit(kind));
        }
    })
}

/// Converts every item, collecting all problems.
fn each<'a, T>(
    items: Vec<At<'a>>,
    convert: impl Fn(&At<'a>) -> Result<T, Problem>,
) -> Result<Vec<(T, Span)>, Vec<Diagnostic>> {
    let mut converted = Vec::new();
    let mut problems = Vec::new();
    for item in items {
        match convert(&item) {
            Ok(value) => converted.push((value, item.span)),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(converted)
    } else {
        Err(problems)
    }
}

impl<'a> At<'a> {
    fn error(&self, label: impl Into<String>) -> Problem {
        Diagnostic::error(codes::INVALID_VALUE, self.span, label)
    }

    /// The value is of another type.
    fn unfit(&self, kind: Kind) -> Problem {
        self.error(format!(
            "{} is wanted, not {}",
            kind.wanted(),
            self.value.describe()
        ))
    }

    fn text(&self, kind: Kind) -> Result<String, Problem> {
        self.value.to_text().ok_or_else(|| self.unfit(kind))
    }

    fn checked(
        &self,
        kind: Kind,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<String, Problem> {
        let text = self.text(kind)?;
        check(&text).map_err(|problem| self.error(problem))?;
        Ok(text)
    }

    fn quantity<T>(
        &self,
        kind: Kind,
        parse: impl Fn(&str) -> Result<T, QuantityError>,
    ) -> Result<T, Problem> {
        let text = self.text(kind)?;
        parse(&text).map_err(|problem| self.error(problem.to_string()))
    }

    fn items(&self, kind: Kind) -> Result<Vec<At<'a>>, Vec<Problem>> {
        let Some(items) = self.value.items() else {
            let help = self
                .value
                .as_str()
                .map(|text| format!("put it in brackets: [\"{text}\"]"));
            return Err(vec![self.unfit(kind).maybe_help(help)]);
        };
        if items.is_empty() && !matches!(kind, Kind::Words(_)) {
            return Err(vec![
                self.error("at least one is wanted, this list is empty"),
            ]);
        }
        Ok(items
            .iter()
            .map(|value| At {
                value,
                span: value.span.unwrap_or(self.span),
            })
            .collect())
    }
}

fn plain_text(text: String, at: &At<'_>) -> Result<String, Problem> {
    if text.trim().is_empty() {
        Err(at.error("it can't be empty"))
    } else if text.chars().any(char::is_control) {
        Err(at.error("it can't hold a line end or another control character"))
    } else {
        Ok(text)
    }
}

/// A host name or an address: what can be handed to SSH and written into a database's files without surprise.
fn host(at: &At<'_>) -> Result<String, Problem> {
    let text = at.text(Kind::Host)?;
    let bad = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%'));
    if text.is_empty() {
        return Err(at.error("it can't be empty"));
    }
    if let Some((user, host)) = text.split_once('@') {
        return Err(at
            .error("a host without a user is wanted")
            .help(format!("write \"{host}\", and ssh {{ user = \"{user}\" }}")));
    }
    if let Some((name, port)) = text
        .split_once(':')
        .filter(|(_, port)| port.parse::<u16>().is_ok())
    {
        return Err(at
            .error("a host without a port is wanted")
            .help(format!("write \"{name}\", and port = {port} beside it")));
    }
    if text.starts_with('-') {
        return Err(at.error("a host name can't begin with \"-\""));
    }
    if let Some(c) = text.chars().find(|c| bad(*c)) {
        return Err(at.error(format!("a host name or an address can't hold {c:?}")));
    }
    let is_address = text.contains(':') || text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let address = text.split('%').next().unwrap_or_default();
    if is_address && address.parse::<std::net::IpAddr>().is_err() {
        return Err(at.error("this isn't a valid address"));
    }
    Ok(text)
}

fn absolute_path(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err("a path on the host is wanted, beginning with \"/\"".to_owned());
    }
    if path.ends_with('/') {
        return Err("a path to a file or directory is wanted, without \"/\" at its end".to_owned());
    }
    if path.chars().any(char::is_control) {
        return Err("a path can't hold a line end or another control character".to_owned());
    }
    if path.split('/').any(|part| part == "..") {
        return Err("a path without \"..\" is wanted".to_owned());
    }
    Ok(())
}

/// `[A-Za-z_][A-Za-z0-9_]*`: what a shell takes for a variable.
pub fn variable_name(name: &str) -> Result<(), String> {
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if good {
        Ok(())
    } else {
        Err("an environment variable's name has letters, digits and \"_\", and doesn't begin with a digit".to_owned())
    }
}

fn major_version(version: &str) -> Result<(), String> {
    let good = version.split('.').all(|part| {
        !part.is_empty() && part.len() <= 4 && part.chars().all(|c| c.is_ascii_digit())
    });
    if good && version.split('.').count() <= 2 {
        Ok(())
    } else {
        Err("a major version is wanted, as in \"15\" or \"8.0\"".to_owned())
    }
}

fn word(at: &At<'_>, words: &'static [&'static str]) -> Result<String, Problem> {
    let text = at.text(Kind::Word(words))?;
    if words.contains(&text.as_str()) {
        return Ok(text);
    }
    Err(at
        .error(format!("{} is wanted", Kind::Word(words).wanted()))
        .maybe_help(nearest_word(&text, words)))
}

fn port(at: &At<'_>) -> Result<u16, Problem> {
    let number = types::convert(at.value, &Type::Number)
        .ok()
        .and_then(|value| value.as_number());
    let integer = number.ok_or_else(|| at.unfit(Kind::Port))?.to_integer();
    match integer.and_then(|port| u16::try_from(port).ok()) {
        Some(port) if port > 0 => Ok(port),
        _ => Err(at.error(format!("{} is wanted", Kind::Port.wanted()))),
    }
}

/// Which block a value leads to, if it is one that `target` means.
fn reference(at: &At<'_>, target: Target) -> Result<Vec<String>, Problem> {
    let wrong = |label: String| Diagnostic::error(codes::WRONG_REFERENCE, at.span, label);
    match &at.value.kind {
        ValueKind::Reference(reference) => {
            let fits = match target {
                Target::Server => reference
                    .address
                    .get(2)
                    .is_some_and(|kind| kind == "server"),
                Target::App => reference.address.get(2).is_some_and(|kind| kind == "app"),
                Target::Replica => reference
                    .address
                    .first()
                    .is_some_and(|kind| kind == "replica"),
                Target::Member => false,
            };
            if fits {
                return Ok(reference.address.clone());
            }
            let found = format!(
                "{} is wanted here, and {} is another kind of block",
                target.noun(),
                reference.address_text()
            );
            Err(wrong(found).help(format!("write a reference such as {}", target.example())))
        }
        ValueKind::Object(entries) => match several(entries) {
            Some(first) => Err(Diagnostic::error(
                codes::NEEDS_KEY,
                at.span,
                "this block has for_each, so it stands for several",
            )
            .help(format!("name one of them, such as {first}"))),
            None => Err(wrong(format!("{} is wanted, not an object", target.noun()))
                .help(format!("write a reference such as {}", target.example()))),
        },
        ValueKind::String(text) if !at.value.is_sensitive() => {
            let label = format!("{} is wanted, not a string", target.noun());
            let help = if looks_like_reference(text) {
                format!("take the quotes away: {text}; in JSON write \"${{{text}}}\"")
            } else {
                format!("write a reference such as {}", target.example())
            };
            Err(wrong(label).help(help))
        }
        _ => Err(wrong(format!(
            "{} is wanted, not {}",
            target.noun(),
            at.value.describe()
        ))
        .help(format!("write a reference such as {}", target.example()))),
    }
}

/// The first address of the blocks of a `for_each`.
fn several(entries: &BTreeMap<String, Value>) -> Option<String> {
    let first = entries.values().next()?.as_reference()?;
    entries
        .values()
        .all(|value| value.as_reference().is_some())
        .then(|| first.address_text())
}

fn looks_like_reference(text: &str) -> bool {
    ["stack.", "replica.", "stack["]
        .iter()
        .any(|start| text.starts_with(start))
}
