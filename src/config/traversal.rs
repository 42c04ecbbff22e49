//! What is taken out of values: `.name`, `[key]`, and the two splats.

use std::collections::BTreeMap;

use super::evaluate::{Evaluator, Failed};
use super::tree::{Expression, Node, Operator, Step, StepKey, Traversal};
use super::types::{self, Type};
use super::value::{Kind, Value};
use crate::diagnostics::{Diagnostic, Span, codes, did_you_mean};

impl Evaluator<'_> {
    pub(super) fn traverse(
        &mut self,
        base: &Expression,
        operators: &[Operator],
        span: Span,
    ) -> Result<Value, Failed> {
        self.spend(operators.len() as u64, span)?;
        if let Node::Name(name) = &*base.node
            && self.bound(name).is_none()
        {
            return self.traverse_name(name, base.span, operators);
        }
        let value = self.evaluate(base)?;
        self.operators(value, operators, base.span)
    }

    /// A name of the scope: the plain steps are worked out first, so that the scope can answer for
    /// exactly what is wanted.
    fn traverse_name(
        &mut self,
        name: &str,
        span: Span,
        operators: &[Operator],
    ) -> Result<Value, Failed> {
        let mut reference = Traversal {
            root: name.to_owned(),
            root_span: span,
            steps: Vec::new(),
        };
        for operator in operators {
            let key = match operator {
                Operator::Attribute(name, _) => StepKey::Attribute(name.clone()),
                Operator::Index(key, _) | Operator::DottedIndex(key, _) => {
                    StepKey::Index(self.evaluate(key)?)
                }
                Operator::AttributeSplat(_) | Operator::FullSplat(_) => break,
            };
            reference.steps.push(Step {
                key,
                span: operator.span(),
            });
        }
        let resolved = self.resolve(&reference)?;
        let mut value = resolved.value;
        let mut place = reference.span_of(resolved.consumed);
        for step in reference.steps.iter().skip(resolved.consumed) {
            value = self.step(&value, step, place)?;
            place = place.to(step.span);
        }
        self.operators(value, &operators[reference.steps.len()..], place)
    }

    fn operators(
        &mut self,
        mut value: Value,
        operators: &[Operator],
        start: Span,
    ) -> Result<Value, Failed> {
        let mut place = start;
        let mut index = 0;
        while let Some(operator) = operators.get(index) {
            index += 1;
            value = match operator {
                Operator::Attribute(name, span) => {
                    let step = Step {
                        key: StepKey::Attribute(name.clone()),
                        span: *span,
                    };
                    self.step(&value, &step, place)?
                }
                Operator::Index(key, span) | Operator::DottedIndex(key, span) => {
                    let step = Step {
                        key: StepKey::Index(self.evaluate(key)?),
                        span: *span,
                    };
                    self.step(&value, &step, place)?
                }
                Operator::FullSplat(_) => return self.splat(value, &operators[index..], place),
                Operator::AttributeSplat(_) => {
                    let dotted = operators[index..]
                        .iter()
                        .take_while(|next| is_dotted(next))
                        .count();
                    let rest = &operators[index..index + dotted];
                    index += dotted;
                    self.splat(value, rest, place)?
                }
            };
            place = place.to(operator.span());
        }
        Ok(value)
    }

    /// Applies `rest` to each element. What is no list counts as a list of itself, null as an empty one.
    fn splat(&mut self, value: Value, rest: &[Operator], place: Span) -> Result<Value, Failed> {
        let sensitive = value.sensitive;
        let items = match &value.kind {
            Kind::List(items) | Kind::Set(items) => items.to_vec(),
            Kind::Null => Vec::new(),
            _ => vec![value],
        };
        self.spend(items.len() as u64 * (rest.len() as u64 + 1), place)?;
        self.spend_bytes(items.len() * size_of::<Value>(), place)?;
        let results = items
            .into_iter()
            .map(|item| self.operators(item, rest, place))
            .collect::<Result<Vec<_>, _>>()?;
        self.bounded(Value::list(results).marked(sensitive), place)
    }

    /// One step into a value; `place` is where the value itself stands.
    fn step(&mut self, value: &Value, step: &Step, place: Span) -> Result<Value, Failed> {
        let taken = match &step.key {
            StepKey::Attribute(name) => self.attribute(value, name, step.span, place)?,
            StepKey::Index(key) => self
                .index(value, key, step.span, place)?
                .marked(key.is_sensitive()),
        };
        Ok(taken.marked(value.sensitive))
    }

    fn attribute(
        &mut self,
        value: &Value,
        name: &str,
        span: Span,
        place: Span,
    ) -> Result<Value, Failed> {
        match &value.kind {
            Kind::Object(entries) => self.entry(value, entries, name, span),
            Kind::Reference(reference) => {
                let attributes = reference.attributes.clone();
                self.entry(value, &attributes, name, span)
            }
            Kind::Null => Err(self.fail(
                Diagnostic::error(
                    codes::NULL_VALUE,
                    span,
                    format!("can't take `{name}` out of null"),
                )
                .note(place, "this is null"),
            )),
            Kind::List(_) | Kind::Set(_) => Err(self.fail(
                Diagnostic::error(
                    codes::NO_SUCH_ATTRIBUTE,
                    span,
                    format!("{} has no attributes", value.describe()),
                )
                .help(format!(
                    "for the attribute of every element write [*].{name}"
                )),
            )),
            _ => Err(self.fail(Diagnostic::error(
                codes::NO_SUCH_ATTRIBUTE,
                span,
                format!("{} has no attributes", value.describe()),
            ))),
        }
    }

    fn entry(
        &mut self,
        of: &Value,
        entries: &BTreeMap<String, Value>,
        name: &str,
        span: Span,
    ) -> Result<Value, Failed> {
        if let Some(value) = entries.get(name) {
            return Ok(value.clone());
        }
        let what = match &of.kind {
            Kind::Reference(reference) => reference.address_text(),
            _ => "this object".to_owned(),
        };
        let mut diagnostic = Diagnostic::error(
            codes::NO_SUCH_ATTRIBUTE,
            span,
            format!("{what} has no `{name}`"),
        );
        if !of.sensitive {
            diagnostic = diagnostic
                .detail(listed(entries.keys().map(String::as_str)))
                .maybe_help(did_you_mean(name, entries.keys().map(String::as_str)));
        }
        Err(self.fail(diagnostic))
    }

    fn index(
        &mut self,
        value: &Value,
        key: &Value,
        span: Span,
        place: Span,
    ) -> Result<Value, Failed> {
        if key.is_null() {
            return Err(self.fail(Diagnostic::error(
                codes::NULL_VALUE,
                span,
                "the index is null",
            )));
        }
        match &value.kind {
            Kind::List(items) => self.item(items, key, span),
            Kind::Object(_) | Kind::Reference(_) if key.is_sensitive() => {
                let found = key
                    .to_text()
                    .and_then(|name| value.entries()?.get(&name).cloned());
                found.ok_or_else(|| {
                    let label = "there is nothing by this key, which is sensitive";
                    self.fail(Diagnostic::error(codes::NO_SUCH_ATTRIBUTE, span, label))
                })
            }
            Kind::Object(_) | Kind::Reference(_) => match key.to_text() {
                Some(name) => self.attribute(value, &name, span, place),
                None => Err(self.fail(Diagnostic::error(
                    codes::WRONG_TYPE,
                    span,
                    format!("a key is a string, but this is {}", key.describe()),
                ))),
            },
            Kind::Null => Err(self.fail(
                Diagnostic::error(codes::NULL_VALUE, span, "can't take an element out of null")
                    .note(place, "this is null"),
            )),
            Kind::Set(_) => Err(self.fail(
                Diagnostic::error(
                    codes::WRONG_TYPE,
                    place,
                    "a set has no order, so no first element",
                )
                .help("make it a list: tolist(…)"),
            )),
            _ => Err(self.fail(Diagnostic::error(
                codes::WRONG_TYPE,
                place,
                format!("{} has no elements", value.describe()),
            ))),
        }
    }

    fn item(&mut self, items: &[Value], key: &Value, span: Span) -> Result<Value, Failed> {
        let number = match types::convert(key, &Type::Number) {
            Ok(number) => number.as_number(),
            Err(problem) => {
                let label = format!("a list's index is a number: {problem}");
                return Err(self.fail(Diagnostic::error(codes::WRONG_TYPE, span, label)));
            }
        };
        let Some(index) = number.and_then(super::value::Number::to_integer) else {
            return Err(self.fail(Diagnostic::error(
                codes::WRONG_TYPE,
                span,
                "a list's index is a whole number",
            )));
        };
        match usize::try_from(index)
            .ok()
            .and_then(|index| items.get(index))
        {
            Some(item) => Ok(item.clone()),
            None => {
                let count = match items.len() {
                    0 => "the list is empty".to_owned(),
                    1 => "the list has 1 element, index 0".to_owned(),
                    length => format!("the list has {length} elements, 0 to {}", length - 1),
                };
                let label = if index < 0 {
                    "an index can't be negative".to_owned()
                } else {
                    count
                };
                Err(self.fail(Diagnostic::error(codes::INDEX_OUT_OF_RANGE, span, label)))
            }
        }
    }
}

/// True for what goes on after `.*`: names, and numbers written with a dot. An index in brackets ends it.
fn is_dotted(operator: &Operator) -> bool {
    matches!(
        operator,
        Operator::Attribute(..) | Operator::DottedIndex(..)
    )
}

/// The names that there are, for a message; the first ten of many.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.len() {
        0 => "it has none".to_owned(),
        count if count > 10 => {
            format!("it has {}, and {} more", names[..10].join(", "), count - 10)
        }
        _ => format!("it has {}", names.join(", ")),
    }
}
