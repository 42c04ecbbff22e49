//! Templates: the parser's elements become parts, with the markers `~` applied, and parts become text.

use hcl_edit::template::{Directive, Element, Strip, Template};

use super::convert::Converter;
use super::evaluate::{Evaluator, Failed};
use super::tree::{Expression, Part};
use super::value::{Kind, Value};
use crate::diagnostics::{Diagnostic, codes};

/// Whether the neighbour's marker takes away white space.
#[derive(Clone, Copy, PartialEq)]
enum Edge {
    Keep,
    Strip,
}

/// The parts of a whole template.
pub(super) fn parts(converter: &mut Converter, template: &Template) -> Vec<Part> {
    nested(converter, template, Edge::Keep, Edge::Keep)
}

/// The parts of a template between two markers.
fn nested(converter: &mut Converter, template: &Template, before: Edge, after: Edge) -> Vec<Part> {
    let elements: Vec<&Element> = template.iter().collect();
    let mut parts = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        match element {
            Element::Literal(text) => {
                let left = if index == 0 {
                    before
                } else {
                    closing_edge(elements[index - 1])
                };
                let right = elements
                    .get(index + 1)
                    .map_or(after, |next| opening_edge(next));
                let text = strip(text.value(), left, right);
                if !text.is_empty() {
                    parts.push(Part::Literal(text.to_owned()));
                }
            }
            Element::Interpolation(interpolation) => {
                parts.push(Part::Interpolation(
                    converter.expression(&interpolation.expr),
                ));
            }
            Element::Directive(directive) => parts.push(self::directive(converter, directive)),
        }
    }
    parts
}

fn directive(converter: &mut Converter, directive: &Directive) -> Part {
    match directive {
        Directive::If(choice) => {
            let start = after(choice.if_expr.strip);
            let end = before(choice.endif_expr.strip);
            let (yes_end, no) = match &choice.else_expr {
                Some(other) => {
                    let no = nested(converter, &other.template, after(other.strip), end);
                    (before(other.strip), no)
                }
                None => (end, Vec::new()),
            };
            Part::If {
                condition: converter.expression(&choice.if_expr.cond_expr),
                yes: nested(converter, &choice.if_expr.template, start, yes_end),
                no,
            }
        }
        Directive::For(each) => {
            let intro = &each.for_expr;
            Part::For {
                key_name: intro.key_var.as_ref().map(|name| name.as_str().to_owned()),
                value_name: intro.value_var.as_str().to_owned(),
                collection: converter.expression(&intro.collection_expr),
                body: nested(
                    converter,
                    &intro.template,
                    after(intro.strip),
                    before(each.endfor_expr.strip),
                ),
            }
        }
    }
}

/// The edge that an element turns to what stands before it.
fn opening_edge(element: &Element) -> Edge {
    match element {
        Element::Literal(_) => Edge::Keep,
        Element::Interpolation(interpolation) => before(interpolation.strip),
        Element::Directive(directive) => match &**directive {
            Directive::If(choice) => before(choice.if_expr.strip),
            Directive::For(each) => before(each.for_expr.strip),
        },
    }
}

/// The edge that an element turns to what stands after it.
fn closing_edge(element: &Element) -> Edge {
    match element {
        Element::Literal(_) => Edge::Keep,
        Element::Interpolation(interpolation) => after(interpolation.strip),
        Element::Directive(directive) => match &**directive {
            Directive::If(choice) => after(choice.endif_expr.strip),
            Directive::For(each) => after(each.endfor_expr.strip),
        },
    }
}

fn before(strip: Strip) -> Edge {
    if strip.strip_start() {
        Edge::Strip
    } else {
        Edge::Keep
    }
}

fn after(strip: Strip) -> Edge {
    if strip.strip_end() {
        Edge::Strip
    } else {
        Edge::Keep
    }
}

fn strip(text: &str, left: Edge, right: Edge) -> &str {
    let text = if left == Edge::Strip {
        text.trim_start()
    } else {
        text
    };
    if right == Edge::Strip {
        text.trim_end()
    } else {
        text
    }
}

impl Evaluator<'_> {
    /// Works the parts of a template out to one string.
    pub(super) fn template(&mut self, parts: &[Part]) -> Result<Value, Failed> {
        let mut text = String::new();
        let mut sensitive = false;
        let mut failed = false;
        self.append(parts, &mut text, &mut sensitive, &mut failed)?;
        if failed {
            return Err(Failed);
        }
        Ok(Value::string(text).marked(sensitive))
    }

    fn append(
        &mut self,
        parts: &[Part],
        text: &mut String,
        sensitive: &mut bool,
        failed: &mut bool,
    ) -> Result<(), Failed> {
        for part in parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Interpolation(expression) => match self.interpolation(expression) {
                    Ok(value) => {
                        *sensitive |= value.is_sensitive();
                        text.push_str(&value.to_text().unwrap_or_default());
                    }
                    Err(Failed) => *failed = true,
                },
                Part::If { condition, yes, no } => {
                    let (value, mark) = self.condition(condition)?;
                    *sensitive |= mark;
                    self.append(if value { yes } else { no }, text, sensitive, failed)?;
                }
                Part::For {
                    key_name,
                    value_name,
                    collection,
                    body,
                } => {
                    let (pairs, mark) = self.pairs(collection)?;
                    *sensitive |= mark;
                    for (key, value) in pairs {
                        self.bind(key_name.as_deref(), key, value_name, value);
                        let result = self.append(body, text, sensitive, failed);
                        self.unbind();
                        result?;
                        self.spend_bytes(body.len(), collection.span)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn interpolation(&mut self, expression: &Expression) -> Result<Value, Failed> {
        let value = self.evaluate(expression)?;
        if let Kind::Null = value.kind {
            return Err(self.fail(
                Diagnostic::error(codes::NULL_VALUE, expression.span, "this is null")
                    .help("give a text for that case: coalesce(x, \"…\")"),
            ));
        }
        match value.to_text() {
            Some(text) => {
                self.spend_bytes(text.len(), expression.span)?;
                Ok(value)
            }
            None => Err(self.fail(
                Diagnostic::error(
                    codes::TEMPLATE_RESULT,
                    expression.span,
                    format!("this is {}", value.describe()),
                )
                .help("use join(\", \", …) or jsonencode(…), or take one of its attributes"),
            )),
        }
    }
}
