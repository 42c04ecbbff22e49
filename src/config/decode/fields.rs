//! The attributes of a block, worked out and converted as the language's table says.

use std::collections::BTreeMap;

use super::values::{Typed, convert};
use crate::config::evaluate::{Budget, Scope, evaluate};
use crate::config::language::{BlockRow, Kind, Target};
use crate::config::tree::{Attribute, Body};
use crate::diagnostics::{Diagnostic, Span, codes};
use crate::secret::Secret;
use crate::topology::{Bytes, Lag, Rate};

/// Attributes by name. What is absent is either not written (or null), or was wrong and has been told.
#[derive(Debug, Default)]
pub struct Fields {
    fields: BTreeMap<&'static str, (Typed, Span)>,
    /// Something was wrong.
    pub failed: bool,
}

/// Kinds that are read where they are used, as they are written.
fn is_raw(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Type | Kind::Variables | Kind::Any | Kind::Reference(Target::Member)
    )
}

/// Works out and converts the attributes of a body.
pub fn fields(
    row: &'static BlockRow,
    body: &Body,
    scope: &dyn Scope,
    budget: &mut Budget,
    out: &mut Vec<Diagnostic>,
) -> Fields {
    let mut fields = Fields::default();
    for attribute in &body.attributes {
        let Some(known) = row
            .attribute(&attribute.name)
            .filter(|known| !is_raw(known.kind))
        else {
            continue;
        };
        let span = attribute.value.span;
        let result = evaluate(&attribute.value, scope, budget).and_then(|value| {
            if !value.is_null() {
                return convert(known.kind, &value, span).map(Some);
            }
            if known.required {
                return Err(vec![
                    Diagnostic::error(
                        codes::MISSING_ATTRIBUTE,
                        span,
                        format!("`{}` can't be null", known.name),
                    )
                    .help(format!("give it {}", known.kind.wanted())),
                ]);
            }
            Ok(None)
        });
        match result {
            Ok(Some(typed)) => {
                fields.fields.insert(known.name, (typed, span));
            }
            Ok(None) => {}
            Err(problems) => {
                fields.failed = true;
                out.extend(problems);
            }
        }
    }
    fields
}

/// An attribute as it is written.
pub fn raw<'a>(body: &'a Body, name: &str) -> Option<&'a Attribute> {
    body.attributes
        .iter()
        .find(|attribute| attribute.name == name)
}

macro_rules! accessors {
    ($($(#[$doc:meta])* $name:ident: $variant:ident($type:ty);)+) => {
        impl Fields {
            $($(#[$doc])*
            pub fn $name(&self, name: &str) -> Option<$type> {
                match self.fields.get(name) {
                    Some((Typed::$variant(value), _)) => Some(value.clone()),
                    _ => None,
                }
            })+
        }
    };
}

accessors! {
    /// Text, a name, a path or a word.
    text: Text(String);
    /// Text that may be secret.
    secret: Secret(Secret);
    /// A port.
    port: Port(u16);
    /// Yes or no.
    bool: Bool(bool);
    /// A size.
    size: Size(Bytes);
    /// A rate.
    rate: Rate(Rate);
    /// A time or a size.
    lag: Lag(Lag);
    /// Texts with their places.
    list: List(Vec<(String, Span)>);
    /// A block's address.
    reference: Reference(Vec<String>);
    /// Blocks' addresses with their places.
    references: References(Vec<(Vec<String>, Span)>);
}

impl Fields {
    /// Where the value of an attribute stands, if it is written.
    pub fn span(&self, name: &str) -> Option<Span> {
        self.fields.get(name).map(|(_, span)| *span)
    }
}
