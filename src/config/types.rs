//! Type constraints and how they are written, as Terraform's. How values convert to them stands in
//! `conversion.rs`. Pure.

use std::collections::BTreeMap;
use std::fmt;

pub use super::conversion::{Mismatch, convert, describe, type_of, unify, unify_all};
use super::evaluate::{Budget, NoScope, evaluate};
use super::parse::expression_in_string;
use super::tree::{Expression, Item, Node};
use super::value::Value;
use crate::diagnostics::{Diagnostic, Span, codes, did_you_mean};

/// What values a place takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Anything.
    Any,
    /// Text.
    String,
    /// A number.
    Number,
    /// `true`, `false`.
    Bool,
    /// Elements of one type, in order.
    List(Box<Type>),
    /// Elements of one type, each once.
    Set(Box<Type>),
    /// Values of one type by names.
    Map(Box<Type>),
    /// Values by known names.
    Object(BTreeMap<String, Field>),
    /// Elements of known types.
    Tuple(Vec<Type>),
}

/// An attribute of an object type.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its type.
    pub kind: Type,
    /// Whether it must be there.
    pub presence: Presence,
}

/// Whether an attribute of an object must be there.
#[derive(Debug, Clone, PartialEq)]
pub enum Presence {
    /// It must.
    Required,
    /// It may be absent; then it is this value, or null.
    Optional(Option<Value>),
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Any => formatter.write_str("any"),
            Type::String => formatter.write_str("string"),
            Type::Number => formatter.write_str("number"),
            Type::Bool => formatter.write_str("bool"),
            Type::List(of) => write!(formatter, "list({of})"),
            Type::Set(of) => write!(formatter, "set({of})"),
            Type::Map(of) => write!(formatter, "map({of})"),
            Type::Tuple(of) => {
                let of: Vec<String> = of.iter().map(Type::to_string).collect();
                write!(formatter, "tuple([{}])", of.join(", "))
            }
            Type::Object(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, field)| match field.presence {
                        Presence::Required => format!("{name} = {}", field.kind),
                        Presence::Optional(_) => format!("{name} = optional({})", field.kind),
                    })
                    .collect();
                write!(formatter, "object({{ {} }})", fields.join(", "))
            }
        }
    }
}

/// Reads a type as it is written: `list(string)`, `object({ port = optional(number, 22) })`.
///
/// # Errors
/// What is wrong with it, at its place.
pub fn parse_type(expression: &Expression) -> Result<Type, Vec<Diagnostic>> {
    match &*expression.node {
        Node::Parenthesis(inner) => parse_type(inner),
        Node::JsonString { text, .. } => parse_type(&expression_in_string(text, expression.span)?),
        Node::Name(name) => match name.as_str() {
            "any" => Ok(Type::Any),
            "string" => Ok(Type::String),
            "number" => Ok(Type::Number),
            "bool" => Ok(Type::Bool),
            "list" => Ok(Type::List(Box::new(Type::Any))),
            "set" => Ok(Type::Set(Box::new(Type::Any))),
            "map" => Ok(Type::Map(Box::new(Type::Any))),
            "object" | "tuple" => Err(invalid(
                expression.span,
                "its attributes or elements are missing",
            )
            .map_help("write object({ name = string }) or tuple([string, number])")),
            _ => Err(unknown(name, expression.span)),
        },
        Node::Literal(value) if value.as_str().is_some() => {
            Err(invalid(expression.span, "a type is written without quotes")
                .map_help("take the quotes away"))
        }
        Node::Call {
            name,
            name_span,
            arguments,
            ..
        } => constructed(name, *name_span, arguments, expression.span),
        _ => Err(invalid(expression.span, "this is not a type").into_vec()),
    }
}

trait Wrap {
    fn map_help(self, help: &str) -> Vec<Diagnostic>;
    fn into_vec(self) -> Vec<Diagnostic>;
}

impl Wrap for Diagnostic {
    fn map_help(self, help: &str) -> Vec<Diagnostic> {
        vec![self.help(help)]
    }

    fn into_vec(self) -> Vec<Diagnostic> {
        vec![self]
    }
}

fn invalid(span: Span, label: impl Into<String>) -> Diagnostic {
    Diagnostic::error(codes::INVALID_TYPE, span, label)
}

fn unknown(name: &str, span: Span) -> Vec<Diagnostic> {
    const NAMES: [&str; 9] = [
        "any", "string", "number", "bool", "list", "set", "map", "object", "tuple",
    ];
    vec![invalid(span, format!("there is no type `{name}`")).maybe_help(did_you_mean(name, NAMES))]
}

fn constructed(
    name: &str,
    name_span: Span,
    arguments: &[Expression],
    span: Span,
) -> Result<Type, Vec<Diagnostic>> {
    if name == "optional" {
        return Err(invalid(name_span, "optional(…) stands only inside object({ … })").into_vec());
    }
    if !matches!(name, "list" | "set" | "map" | "object" | "tuple") {
        return Err(unknown(name, name_span));
    }
    let [argument] = arguments else {
        return Err(invalid(span, format!("{name} takes exactly one argument")).into_vec());
    };
    match name {
        "list" => Ok(Type::List(Box::new(parse_type(argument)?))),
        "set" => Ok(Type::Set(Box::new(parse_type(argument)?))),
        "map" => Ok(Type::Map(Box::new(parse_type(argument)?))),
        "tuple" => match &*argument.node {
            Node::List(items) => Ok(Type::Tuple(
                items.iter().map(parse_type).collect::<Result<_, _>>()?,
            )),
            _ => Err(invalid(argument.span, "tuple takes a list of types")
                .map_help("write tuple([string, number])")),
        },
        _ => match &*argument.node {
            Node::Object(items) => object_type(items),
            _ => Err(invalid(argument.span, "object takes names and types")
                .map_help("write object({ name = string })")),
        },
    }
}

fn object_type(items: &[Item]) -> Result<Type, Vec<Diagnostic>> {
    let mut fields = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for item in items {
        let Some(name) = item.key.as_literal().and_then(Value::as_str) else {
            diagnostics.push(invalid(
                item.key.span,
                "an attribute's name must be a plain word",
            ));
            continue;
        };
        match field(&item.value) {
            Ok(field) => {
                fields.insert(name.to_owned(), field);
            }
            Err(more) => diagnostics.extend(more),
        }
    }
    if diagnostics.is_empty() {
        Ok(Type::Object(fields))
    } else {
        Err(diagnostics)
    }
}

fn field(expression: &Expression) -> Result<Field, Vec<Diagnostic>> {
    let Node::Call {
        name, arguments, ..
    } = &*expression.node
    else {
        return Ok(Field {
            kind: parse_type(expression)?,
            presence: Presence::Required,
        });
    };
    if name != "optional" {
        return Ok(Field {
            kind: parse_type(expression)?,
            presence: Presence::Required,
        });
    }
    let (kind, default) = match arguments.as_slice() {
        [kind] => (parse_type(kind)?, None),
        [kind, default] => {
            let kind = parse_type(kind)?;
            let value = evaluate(default, &NoScope, &mut Budget::new())?;
            let value = convert(&value, &kind).map_err(|problem| {
                invalid(
                    default.span,
                    format!("the default doesn't fit the type: {problem}"),
                )
                .into_vec()
            })?;
            (kind, Some(value))
        }
        _ => {
            return Err(invalid(
                expression.span,
                "optional takes a type and, if you like, a default",
            )
            .into_vec());
        }
    };
    Ok(Field {
        kind,
        presence: Presence::Optional(default),
    })
}
