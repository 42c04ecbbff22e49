//! The tree that both HCL and its JSON form become: bodies of attributes and blocks, and
//! expressions, every node with its place. Everything after the parsers is shared.
//!
//! Data only. Made by `parse.rs` and `json.rs`, worked out by `evaluate.rs`.

use std::sync::Arc;

use super::value::Value;
use crate::diagnostics::Span;

/// What stands in a file or between a block's braces.
#[derive(Debug, Clone)]
pub struct Body {
    /// In the order of the file.
    pub attributes: Vec<Attribute>,
    /// In the order of the file.
    pub blocks: Vec<Block>,
    /// The whole body; for an empty one, where it would stand.
    pub span: Span,
}

/// `name = value`.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub name_span: Span,
    /// The right side.
    pub value: Expression,
    /// Name and value.
    pub span: Span,
}

/// `kind "label" { … }`.
#[derive(Debug, Clone)]
pub struct Block {
    /// The first word.
    pub kind: String,
    /// Where the first word stands.
    pub kind_span: Span,
    /// What stands between the first word and the brace.
    pub labels: Vec<Label>,
    /// What stands between the braces.
    pub body: Body,
    /// The whole block.
    pub span: Span,
}

/// A block's label, without quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The text.
    pub text: String,
    /// Where it stands, quotes included.
    pub span: Span,
}

impl Block {
    /// The heading, from the first word to the last label: what to mark when the whole block is meant.
    pub fn heading(&self) -> Span {
        self.labels
            .last()
            .map_or(self.kind_span, |label| self.kind_span.to(label.span))
    }
}

/// An expression with its place. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Expression {
    /// What it is.
    pub node: Arc<Node>,
    /// Where it stands.
    pub span: Span,
}

impl Expression {
    /// A node at a place.
    pub fn new(node: Node, span: Span) -> Expression {
        Expression {
            node: Arc::new(node),
            span,
        }
    }

    /// The place.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The expression as a plain reference (`stack.eu.server.db1`, `replica["a"]`), when it is one
    /// that needs no working out.
    pub fn as_traversal(&self) -> Option<Traversal> {
        match &*self.node {
            Node::Name(name) => Some(Traversal {
                root: name.clone(),
                root_span: self.span,
                steps: Vec::new(),
            }),
            Node::Traversal { base, operators } => {
                let mut traversal = base.as_traversal()?;
                for operator in operators {
                    traversal.steps.push(operator.as_static()?);
                }
                Some(traversal)
            }
            Node::Parenthesis(inner) | Node::Wrapped(inner) => inner.as_traversal(),
            Node::JsonString { template, .. } => template.as_traversal(),
            _ => None,
        }
    }

    /// The literal value, where it is one that needs no working out.
    pub fn as_literal(&self) -> Option<&Value> {
        match &*self.node {
            Node::Literal(value) => Some(value),
            Node::JsonString { template, .. } => template.as_literal(),
            _ => None,
        }
    }

    /// Every reference to something outside: the first name and the plain steps after it. Names that a
    /// `for` inside binds are left out.
    pub fn references(&self) -> Vec<Traversal> {
        let mut found = Vec::new();
        super::references::collect(self, &mut Vec::new(), &mut found);
        found
    }
}

/// A reference whose steps are all known: a name and what is taken out of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Traversal {
    /// The first name.
    pub root: String,
    /// Where the first name stands.
    pub root_span: Span,
    /// What follows.
    pub steps: Vec<Step>,
}

impl Traversal {
    /// All of it.
    pub fn span(&self) -> Span {
        self.steps
            .last()
            .map_or(self.root_span, |step| self.root_span.to(step.span))
    }

    /// The place of the root and the first `count` steps.
    pub fn span_of(&self, count: usize) -> Span {
        self.steps[..count.min(self.steps.len())]
            .last()
            .map_or(self.root_span, |step| self.root_span.to(step.span))
    }

    /// Root and steps as plain texts; `None` when a step isn't a name, string or number.
    pub fn path(&self) -> Option<Vec<String>> {
        let mut path = vec![self.root.clone()];
        for step in &self.steps {
            path.push(step.name()?);
        }
        Some(path)
    }
}

/// `.name` or `[key]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Which of the two, and the name or key.
    pub key: StepKey,
    /// Where it stands, dot or brackets left out.
    pub span: Span,
}

/// What a step takes.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKey {
    /// `.name`.
    Attribute(String),
    /// `[key]`, worked out.
    Index(Value),
}

impl Step {
    /// The step as text: the name, or the key as a string.
    pub fn name(&self) -> Option<String> {
        match &self.key {
            StepKey::Attribute(name) => Some(name.clone()),
            StepKey::Index(value) => value.to_text(),
        }
    }
}

/// What an expression is.
#[derive(Debug, Clone)]
pub enum Node {
    /// `null`, `true`, `1.5`, `"text"`.
    Literal(Value),
    /// A string or heredoc with something to work out in it; markers that strip are already applied.
    Template(Vec<Part>),
    /// `"${x}"`: exactly `x`, of whatever type.
    Wrapped(Expression),
    /// A string of the JSON form: its template, and its text, which where the language wants a type is
    /// one (`"type": "list(string)"`).
    JsonString {
        /// The text, without quotes and escapes.
        text: Arc<str>,
        /// What it comes to as a value.
        template: Expression,
    },
    /// `(x)`.
    Parenthesis(Expression),
    /// `[a, b]`.
    List(Vec<Expression>),
    /// `{ a = b }`.
    Object(Vec<Item>),
    /// A bare name.
    Name(String),
    /// `base.name[key][*]`.
    Traversal {
        /// What it starts from.
        base: Expression,
        /// At least one.
        operators: Vec<Operator>,
    },
    /// `name(arguments…)`.
    Call {
        /// The function's name, with namespaces as written (`a::b`).
        name: String,
        /// Where the name stands.
        name_span: Span,
        /// As written.
        arguments: Vec<Expression>,
        /// The last argument is a list of further arguments (`...`).
        expand: bool,
    },
    /// `condition ? yes : no`.
    Conditional {
        /// What decides.
        condition: Expression,
        /// The result when true.
        yes: Expression,
        /// The result when false.
        no: Expression,
    },
    /// `!x` and `-x`.
    Unary {
        /// Which.
        operator: UnaryOperator,
        /// On what.
        operand: Expression,
    },
    /// `a + b` and so on.
    Binary {
        /// Which.
        operator: BinaryOperator,
        /// Where the operator stands.
        operator_span: Span,
        /// The left side.
        left: Expression,
        /// The right side.
        right: Expression,
    },
    /// `[for …]` and `{for …}`.
    For(Box<For>),
}

/// One entry of an object: keys that are bare names have become literals.
#[derive(Debug, Clone)]
pub struct Item {
    /// The key.
    pub key: Expression,
    /// The value.
    pub value: Expression,
}

/// One operator of a traversal.
#[derive(Debug, Clone)]
pub enum Operator {
    /// `.name`.
    Attribute(String, Span),
    /// `.0`, the old way to write `[0]`.
    DottedIndex(Expression, Span),
    /// `[key]`.
    Index(Expression, Span),
    /// `.*`: what follows by dots applies to each element.
    AttributeSplat(Span),
    /// `[*]`: all that follows applies to each element.
    FullSplat(Span),
}

impl Operator {
    pub(super) fn as_static(&self) -> Option<Step> {
        match self {
            Operator::Attribute(name, span) => Some(Step {
                key: StepKey::Attribute(name.clone()),
                span: *span,
            }),
            Operator::Index(key, span) | Operator::DottedIndex(key, span) => Some(Step {
                key: StepKey::Index(key.as_literal()?.clone()),
                span: *span,
            }),
            Operator::AttributeSplat(_) | Operator::FullSplat(_) => None,
        }
    }

    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Operator::Attribute(_, span)
            | Operator::Index(_, span)
            | Operator::DottedIndex(_, span)
            | Operator::AttributeSplat(span)
            | Operator::FullSplat(span) => *span,
        }
    }
}

/// Operators before one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `!`.
    Not,
    /// `-`.
    Negate,
}

/// Operators between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum BinaryOperator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    And,
    Or,
}

/// A `for` expression.
#[derive(Debug, Clone)]
pub struct For {
    /// The name for the key or index, if wanted.
    pub key_name: Option<String>,
    /// The name for the value.
    pub value_name: String,
    /// What it goes over.
    pub collection: Expression,
    /// The result's key: with one the result is an object.
    pub key: Option<Expression>,
    /// The result's value.
    pub value: Expression,
    /// Values of equal keys are collected in lists (`...`).
    pub grouped: bool,
    /// Only elements for which this is true.
    pub condition: Option<Expression>,
}

/// One part of a template.
#[derive(Debug, Clone)]
pub enum Part {
    /// Text.
    Literal(String),
    /// `${x}`.
    Interpolation(Expression),
    /// `%{if x}…%{else}…%{endif}`.
    If {
        /// What decides.
        condition: Expression,
        /// The parts when true.
        yes: Vec<Part>,
        /// The parts when false.
        no: Vec<Part>,
    },
    /// `%{for x in y}…%{endfor}`.
    For {
        /// The name for the key or index, if wanted.
        key_name: Option<String>,
        /// The name for the value.
        value_name: String,
        /// What it goes over.
        collection: Expression,
        /// What is repeated.
        body: Vec<Part>,
    },
}
