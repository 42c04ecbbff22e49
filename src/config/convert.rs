//! Turns the parser's tree into ours: takes the places along, keeps numbers exact, applies the markers
//! that strip white space. Pure.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr as hcl;
use hcl_edit::structure as hcl_structure;
use hcl_edit::template as hcl_template;

use super::number::Number;
use super::tree::{
    Attribute, BinaryOperator, Block, Body, Expression, For, Item, Label, Node, Operator,
    UnaryOperator,
};
use super::value::Value;
use crate::diagnostics::{Diagnostic, FileId, Span, codes};

/// Where the parsed text lies inside its file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin {
    /// The parser's offsets count from this byte.
    Shift(isize),
    /// The text had escapes: every place is the whole of it.
    Whole(usize, usize),
}

/// Converts the trees of one text, collecting what is wrong on the way.
pub(super) struct Converter {
    pub(super) file: FileId,
    pub(super) origin: Origin,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Converter {
    pub(super) fn new(file: FileId, origin: Origin) -> Converter {
        Converter {
            file,
            origin,
            diagnostics: Vec::new(),
        }
    }

    /// The place of a parsed range; an absent one is the start.
    pub(super) fn place(&self, range: Option<Range<usize>>) -> Span {
        match self.origin {
            Origin::Shift(shift) => {
                let range = range.unwrap_or(0..0);
                Span::new(
                    self.file,
                    range.start.saturating_add_signed(shift),
                    range.end.saturating_add_signed(shift),
                )
            }
            Origin::Whole(start, end) => Span::new(self.file, start, end),
        }
    }

    pub(super) fn body(&mut self, body: &hcl_structure::Body, around: Span) -> Body {
        let mut attributes = Vec::new();
        let mut blocks = Vec::new();
        for structure in body {
            match structure {
                hcl_structure::Structure::Attribute(attribute) => {
                    attributes.push(self.attribute(attribute))
                }
                hcl_structure::Structure::Block(block) => blocks.push(self.block(block)),
            }
        }
        let span = body.span().map_or(around, |range| self.place(Some(range)));
        Body {
            attributes,
            blocks,
            span,
        }
    }

    fn attribute(&mut self, attribute: &hcl_structure::Attribute) -> Attribute {
        let name_span = self.place(attribute.key.span());
        let value = self.expression(&attribute.value);
        let span = name_span.to(value.span);
        Attribute {
            name: attribute.key.as_str().to_owned(),
            name_span,
            value,
            span,
        }
    }

    fn block(&mut self, block: &hcl_structure::Block) -> Block {
        let kind_span = self.place(block.ident.span());
        let span = block
            .span()
            .map_or(kind_span, |range| self.place(Some(range)));
        let labels = block
            .labels
            .iter()
            .map(|label| Label {
                text: label.as_str().to_owned(),
                span: self.place(label.span()),
            })
            .collect();
        let body = self.body(&block.body, span);
        Block {
            kind: block.ident.as_str().to_owned(),
            kind_span,
            labels,
            body,
            span,
        }
    }

    pub(super) fn expression(&mut self, expression: &hcl::Expression) -> Expression {
        let span = self.place(expression.span());
        let node = match expression {
            hcl::Expression::Null(_) => literal(Value::null(), span),
            hcl::Expression::Bool(value) => literal(Value::bool(*value.value()), span),
            hcl::Expression::Number(number) => self.number(number, span),
            hcl::Expression::String(text) => literal(Value::string(text.as_str()), span),
            hcl::Expression::Array(array) => {
                Node::List(array.iter().map(|item| self.expression(item)).collect())
            }
            hcl::Expression::Object(object) => self.object(object),
            hcl::Expression::StringTemplate(template) => self.template(template, span),
            hcl::Expression::HeredocTemplate(heredoc) => self.template(&heredoc.template, span),
            hcl::Expression::Parenthesis(inner) => {
                Node::Parenthesis(self.expression(inner.inner()))
            }
            hcl::Expression::Variable(name) => Node::Name(name.as_str().to_owned()),
            hcl::Expression::Conditional(conditional) => Node::Conditional {
                condition: self.expression(&conditional.cond_expr),
                yes: self.expression(&conditional.true_expr),
                no: self.expression(&conditional.false_expr),
            },
            hcl::Expression::FuncCall(call) => self.call(call),
            hcl::Expression::Traversal(traversal) => Node::Traversal {
                base: self.expression(&traversal.expr),
                operators: self.operators(&traversal.operators),
            },
            hcl::Expression::UnaryOp(operation) => Node::Unary {
                operator: match operation.operator.value() {
                    hcl::UnaryOperator::Neg => UnaryOperator::Negate,
                    hcl::UnaryOperator::Not => UnaryOperator::Not,
                },
                operand: self.expression(&operation.expr),
            },
            hcl::Expression::BinaryOp(operation) => Node::Binary {
                operator: binary_operator(*operation.operator.value()),
                operator_span: self.place(operation.operator.span()),
                left: self.expression(&operation.lhs_expr),
                right: self.expression(&operation.rhs_expr),
            },
            hcl::Expression::ForExpr(each) => self.for_expression(each),
        };
        Expression::new(node, span)
    }

    fn number(&mut self, number: &hcl_edit::Formatted<hcl_edit::Number>, span: Span) -> Node {
        // The parser's number is rounded to 64 bits; its text isn't.
        let text: Option<String> = number.as_repr().map(|repr| {
            repr.chars()
                .filter(|character| !character.is_whitespace())
                .collect()
        });
        let parsed = Number::parse(&text.unwrap_or_else(|| number.value().to_string()));
        match parsed {
            Some(number) => literal(Value::number(number), span),
            None => {
                self.diagnostics.push(Diagnostic::error(
                    codes::NUMBER_OUT_OF_RANGE,
                    span,
                    "too large",
                ));
                literal(Value::number(Number::ZERO), span)
            }
        }
    }

    fn object(&mut self, object: &hcl::Object) -> Node {
        let mut items = Vec::new();
        for (key, value) in object {
            let key = match key {
                hcl::ObjectKey::Ident(name) => {
                    let span = self.place(name.span());
                    Expression::new(literal(Value::string(name.as_str()), span), span)
                }
                hcl::ObjectKey::Expression(key) => self.object_key(key),
            };
            items.push(Item {
                key,
                value: self.expression(value.expr()),
            });
        }
        Node::Object(items)
    }

    fn object_key(&mut self, key: &hcl::Expression) -> Expression {
        let converted = self.expression(key);
        if let hcl::Expression::Variable(name) = key {
            return Expression::new(
                literal(Value::string(name.as_str()), converted.span),
                converted.span,
            );
        }
        // A keyword as a key is its name; `true` and `false` become text anyway.
        if let hcl::Expression::Null(_) = key {
            return Expression::new(
                literal(Value::string("null"), converted.span),
                converted.span,
            );
        }
        if matches!(key, hcl::Expression::Traversal(traversal) if traversal.expr.is_variable()) {
            self.diagnostics.push(
                Diagnostic::error(codes::SYNTAX, converted.span, "is this a name or something to work out?")
                    .help("put the key in quotes to take it as it stands, or in parentheses to work it out"),
            );
        }
        converted
    }

    fn call(&mut self, call: &hcl::FuncCall) -> Node {
        let mut name: Vec<&str> = call
            .name
            .namespace
            .iter()
            .map(|part| part.as_str())
            .collect();
        name.push(call.name.name.as_str());
        Node::Call {
            name: name.join("::"),
            name_span: self.place(call.name.name.span()),
            arguments: call
                .args
                .iter()
                .map(|argument| self.expression(argument))
                .collect(),
            expand: call.args.expand_final(),
        }
    }

    fn operators(
        &mut self,
        operators: &[hcl_edit::Decorated<hcl::TraversalOperator>],
    ) -> Vec<Operator> {
        let converted: Vec<Operator> = operators
            .iter()
            .map(|operator| self.operator(operator.value()))
            .collect();
        for pair in converted.windows(2) {
            match pair {
                [Operator::DottedIndex(..), Operator::DottedIndex(_, span)] => {
                    self.diagnostics.push(
                        Diagnostic::error(
                            codes::SYNTAX,
                            *span,
                            "two numbers after dots could be one with a fraction",
                        )
                        .help("write the indexes in brackets: [0][0]"),
                    )
                }
                [Operator::AttributeSplat(_), Operator::AttributeSplat(span)] => {
                    self.diagnostics.push(
                        Diagnostic::error(codes::SYNTAX, *span, "`.*` can't follow `.*`")
                            .help("write [*] for the inner one"),
                    )
                }
                _ => {}
            }
        }
        converted
    }

    fn operator(&mut self, operator: &hcl::TraversalOperator) -> Operator {
        let span = self.place(operator.span());
        match operator {
            hcl::TraversalOperator::AttrSplat(_) => Operator::AttributeSplat(span),
            hcl::TraversalOperator::FullSplat(_) => Operator::FullSplat(span),
            hcl::TraversalOperator::GetAttr(name) => {
                Operator::Attribute(name.as_str().to_owned(), span)
            }
            hcl::TraversalOperator::Index(key) => {
                let key = self.expression(key);
                let span = key.span;
                Operator::Index(key, span)
            }
            hcl::TraversalOperator::LegacyIndex(index) => {
                let number = Number::from(i128::from(*index.value()));
                Operator::DottedIndex(
                    Expression::new(literal(Value::number(number), span), span),
                    span,
                )
            }
        }
    }

    fn for_expression(&mut self, each: &hcl::ForExpr) -> Node {
        Node::For(Box::new(For {
            key_name: each
                .intro
                .key_var
                .as_ref()
                .map(|name| name.as_str().to_owned()),
            value_name: each.intro.value_var.as_str().to_owned(),
            collection: self.expression(&each.intro.collection_expr),
            key: each.key_expr.as_ref().map(|key| self.expression(key)),
            value: self.expression(&each.value_expr),
            grouped: each.grouping,
            condition: each
                .cond
                .as_ref()
                .map(|condition| self.expression(&condition.expr)),
        }))
    }

    pub(super) fn template(&mut self, template: &hcl_template::Template, span: Span) -> Node {
        if let Some(hcl_template::Element::Interpolation(interpolation)) =
            template.as_single_element()
        {
            return Node::Wrapped(self.expression(&interpolation.expr));
        }
        let parts = super::template::parts(self, template);
        match parts.as_slice() {
            [] => literal(Value::string(""), span),
            [super::tree::Part::Literal(text)] => literal(Value::string(text.as_str()), span),
            _ => Node::Template(parts),
        }
    }
}

fn literal(value: Value, span: Span) -> Node {
    Node::Literal(value.at(span))
}

fn binary_operator(operator: hcl::BinaryOperator) -> BinaryOperator {
    match operator {
        hcl::BinaryOperator::Eq => BinaryOperator::Equal,
        hcl::BinaryOperator::NotEq => BinaryOperator::NotEqual,
        hcl::BinaryOperator::LessEq => BinaryOperator::LessOrEqual,
        hcl::BinaryOperator::GreaterEq => BinaryOperator::GreaterOrEqual,
        hcl::BinaryOperator::Less => BinaryOperator::Less,
        hcl::BinaryOperator::Greater => BinaryOperator::Greater,
        hcl::BinaryOperator::Plus => BinaryOperator::Add,
        hcl::BinaryOperator::Minus => BinaryOperator::Subtract,
        hcl::BinaryOperator::Mul => BinaryOperator::Multiply,
        hcl::BinaryOperator::Div => BinaryOperator::Divide,
        hcl::BinaryOperator::Mod => BinaryOperator::Remainder,
        hcl::BinaryOperator::And => BinaryOperator::And,
        hcl::BinaryOperator::Or => BinaryOperator::Or,
    }
}
