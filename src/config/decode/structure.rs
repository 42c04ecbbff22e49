//! Holds a tree against the language's table: unknown, missing, repeated and mislabelled blocks and attributes.
//!
//! Works nothing out. What passes here can be decoded by name; what doesn't has been told, so that decoding
//! keeps silent about it.

use std::collections::BTreeMap;

use crate::config::language::{BlockRow, Count, Label};
use crate::config::lazy::MOST_SHOWN;
use crate::config::tree::{Attribute, Block, Body};
use crate::diagnostics::{Diagnostic, Span, codes, did_you_mean, nearest};

/// The attributes that the language itself gives a meaning, in blocks that may be repeated.
pub const FOR_EACH: &str = "for_each";

/// Checks a body and everything in it.
///
/// `heading` is what to point at where something is missing.
pub fn check(bodies: &[&Body], row: &'static BlockRow, heading: Span, out: &mut Vec<Diagnostic>) {
    for body in bodies {
        for attribute in &body.attributes {
            check_attribute(attribute, row, out);
        }
    }
    for wanted in row.attributes.iter().filter(|wanted| wanted.required) {
        let written = bodies.iter().any(|body| {
            body.attributes
                .iter()
                .any(|attribute| attribute.name == wanted.name)
        });
        // A block in its place has been told already.
        let as_block = bodies
            .iter()
            .any(|body| body.blocks.iter().any(|block| block.kind == wanted.name));
        // A slip in the name has been told, with the right one.
        let slipped = |name: &str| {
            row.attribute(name).is_none()
                && nearest(name, attribute_names(row)) == Some(wanted.name)
        };
        let as_slip = bodies.iter().any(|body| {
            body.attributes
                .iter()
                .any(|attribute| slipped(&attribute.name))
        });
        if !written && !as_block && !as_slip {
            out.push(
                Diagnostic::error(
                    codes::MISSING_ATTRIBUTE,
                    heading,
                    format!("`{}` is missing", wanted.name),
                )
                .help(format!(
                    "write {} = {}: {}",
                    wanted.name,
                    example(wanted.kind),
                    first_small(wanted.help)
                )),
            );
        }
    }
    let blocks: Vec<&Block> = bodies.iter().flat_map(|body| &body.blocks).collect();
    check_blocks(&blocks, row, out);
}

/// Whether the root's required blocks are there; asked only of a configuration without syntax errors.
pub fn check_required_blocks(
    bodies: &[&Body],
    row: &'static BlockRow,
    heading: Span,
    out: &mut Vec<Diagnostic>,
) {
    for wanted in row
        .blocks
        .iter()
        .filter(|wanted| wanted.count == Count::Required)
    {
        if !bodies
            .iter()
            .any(|body| body.blocks.iter().any(|block| block.kind == wanted.name))
        {
            out.push(
                Diagnostic::error(
                    codes::MISSING_BLOCK,
                    heading,
                    format!("no file here has a {} block", wanted.name),
                )
                .help("write replform { topology = \"NAME\" }"),
            );
        }
    }
}

fn check_attribute(attribute: &Attribute, row: &'static BlockRow, out: &mut Vec<Diagnostic>) {
    let known = row.open
        || row.attribute(&attribute.name).is_some()
        || (row.for_each && attribute.name == FOR_EACH);
    if known {
        return;
    }
    if let Some(block) = row.block(&attribute.name) {
        out.push(
            Diagnostic::error(
                codes::BLOCK_OR_ATTRIBUTE,
                attribute.name_span,
                format!("`{}` is a block", block.name),
            )
            .help(format!("write {}, without \"=\"", shape(block))),
        );
        return;
    }
    let names: Vec<&str> = attribute_names(row).collect();
    let label = match row.name {
        "" => "no attribute may stand outside a block".to_owned(),
        name => format!(
            "{} block has no attribute `{}`",
            with_article(name),
            attribute.name
        ),
    };
    let mut diagnostic = Diagnostic::error(codes::UNKNOWN_ATTRIBUTE, attribute.name_span, label);
    if attribute.name == FOR_EACH {
        diagnostic =
            diagnostic.detail("for_each may stand in server, app, replication and replica");
    } else if !names.is_empty() {
        diagnostic = diagnostic.detail(format!("it has {}", names.join(", ")));
    }
    let help = did_you_mean(&attribute.name, names.iter().copied());
    let help = help.or_else(|| {
        (row.name.is_empty()).then(|| "values of your own go into locals { … }".to_owned())
    });
    out.push(diagnostic.maybe_help(help));
}

fn attribute_names(row: &'static BlockRow) -> impl Iterator<Item = &'static str> {
    row.attributes
        .iter()
        .map(|attribute| attribute.name)
        .chain(row.for_each.then_some(FOR_EACH))
}

fn check_blocks(blocks: &[&Block], row: &'static BlockRow, out: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<(&str, Option<&str>), &Block> = BTreeMap::new();
    for block in blocks {
        if out.len() > MOST_SHOWN {
            return;
        }
        let Some(inner) = row.block(&block.kind) else {
            out.push(unknown_block(block, row));
            continue;
        };
        check_labels(block, inner, out);
        let label = block.labels.first().map(|label| label.text.as_str());
        if inner.label.is_some() || inner.count != Count::Many {
            match seen.entry((inner.name, label.filter(|_| inner.label.is_some()))) {
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(block);
                }
                std::collections::btree_map::Entry::Occupied(entry) => {
                    out.push(twice(entry.get(), block, inner))
                }
            }
        }
        check(&[&block.body], inner, block.heading(), out);
    }
}

fn twice(first: &Block, second: &Block, row: &'static BlockRow) -> Diagnostic {
    match second.labels.first() {
        Some(label) if row.label.is_some() => Diagnostic::error(
            codes::DUPLICATE_LABEL,
            label.span,
            format!("another {} is called so", row.name),
        )
        .note(first.heading(), "the first one")
        .help("give one of them another name"),
        _ => Diagnostic::error(
            codes::BLOCK_TWICE,
            second.heading(),
            format!("`{}` may stand once", row.name),
        )
        .note(first.heading(), "the first one")
        .help("merge the two blocks"),
    }
}

fn unknown_block(block: &Block, row: &'static BlockRow) -> Diagnostic {
    if row.attribute(&block.kind).is_some() {
        return Diagnostic::error(
            codes::BLOCK_OR_ATTRIBUTE,
            block.kind_span,
            format!("`{}` is an attribute", block.kind),
        )
        .help(format!("write {} = …", block.kind));
    }
    let place = match row.name {
        "" => "at the top level".to_owned(),
        name => format!("in {} block", with_article(name)),
    };
    let names: Vec<&str> = row.blocks.iter().map(|inner| inner.name).collect();
    let detail = match names.len() {
        0 => "no block may stand there".to_owned(),
        _ => format!("there may stand {}", names.join(", ")),
    };
    Diagnostic::error(
        codes::NO_SUCH_BLOCK,
        block.kind_span,
        format!("there is no `{}` block {place}", block.kind),
    )
    .detail(detail)
    .maybe_help(did_you_mean(&block.kind, names).or_else(|| elsewhere(&block.kind)))
}

/// Where a block of this name may stand instead.
fn elsewhere(kind: &str) -> Option<String> {
    fn find(row: &'static BlockRow, kind: &str) -> Option<&'static str> {
        if row.block(kind).is_some() {
            return Some(row.name);
        }
        row.blocks.iter().find_map(|inner| find(inner, kind))
    }
    match find(&crate::config::language::ROOT, kind)? {
        "" => Some(format!(
            "`{kind}` stands at the top level, outside any block"
        )),
        name => Some(format!("`{kind}` stands in {} block", with_article(name))),
    }
}

fn check_labels(block: &Block, row: &'static BlockRow, out: &mut Vec<Diagnostic>) {
    let wanted = usize::from(row.label.is_some());
    if block.labels.len() != wanted {
        let label = match (row.label, block.labels.is_empty()) {
            (Some(_), true) => format!("{} block needs a label, its name", with_article(row.name)),
            (Some(_), false) => format!("{} block has one label, its name", with_article(row.name)),
            (None, _) => format!("{} block has no label", with_article(row.name)),
        };
        out.push(
            Diagnostic::error(codes::WRONG_LABELS, block.heading(), label)
                .help(format!("write {}", shape(row))),
        );
        return;
    }
    let (Some(kind), Some(label)) = (row.label, block.labels.first()) else {
        return;
    };
    let problem = match kind {
        Label::Name => invalid_name(&label.text),
        Label::Identifier if is_identifier(&label.text) => None,
        Label::Identifier => Some("a variable's name has letters, digits, \"_\" and \"-\", and begins with a letter or \"_\"".to_owned()),
    };
    if let Some(problem) = problem {
        out.push(Diagnostic::error(codes::INVALID_NAME, label.span, problem));
    }
}

/// `a server`, `an app`.
fn with_article(name: &str) -> String {
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {name}")
}

/// How a block is written.
fn shape(row: &BlockRow) -> String {
    match row.label {
        Some(_) => format!("{} \"NAME\" {{ … }}", row.name),
        None => format!("{} {{ … }}", row.name),
    }
}

/// Why a text can't be a name of the language (`[A-Za-z0-9][A-Za-z0-9_-]{0,31}`).
pub fn invalid_name(text: &str) -> Option<String> {
    let bad = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if text.is_empty() {
        Some("a name can't be empty".to_owned())
    } else if let Some(c) = text.chars().find(|c| bad(*c)) {
        Some(format!(
            "a name has letters, digits, \"_\" and \"-\", so {c:?} can't stand in it"
        ))
    } else if text.starts_with(['_', '-']) {
        Some("a name begins with a letter or a digit".to_owned())
    } else if text.len() > 32 {
        Some(format!(
            "a name has at most 32 characters, this one {}",
            text.len()
        ))
    } else {
        None
    }
}

/// Whether a text is an identifier of HCL.
pub fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

fn example(kind: crate::config::language::Kind) -> String {
    use crate::config::language::{Kind, Target};
    let example = match kind {
        Kind::Host => "\"10.0.0.11\"",
        Kind::Hosts => "[\"10.0.0.21\"]",
        Kind::AbsolutePath => "\"/etc/…\"",
        Kind::Word([first, ..]) => return format!("\"{first}\""),
        Kind::Reference(Target::Server) => "stack.eu.server.db1",
        Kind::Reference(Target::Replica) => "replica.reader",
        Kind::Reference(_) => "replication.orders.replica.reader",
        Kind::References(_) => "[stack.eu.app.web]",
        _ => "\"…\"",
    };
    example.to_owned()
}

/// A line of help as the end of a sentence.
fn first_small(help: &str) -> String {
    let mut characters = help.trim_end_matches('.').chars();
    characters
        .next()
        .map(|first| first.to_lowercase().chain(characters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for good in ["a", "db1", "1a", "A_b-c", &"x".repeat(32)] {
            assert_eq!(invalid_name(good), None, "{good}");
        }
        for bad in ["", "_a", "-a", "a b", "a/b", "ä", "a.b", &"x".repeat(33)] {
            assert!(invalid_name(bad).is_some(), "{bad}");
        }
    }
}
