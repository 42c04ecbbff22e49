//! `for` expressions: what they go over, and what they collect.

use std::collections::BTreeMap;

use super::evaluate::{Evaluator, Failed};
use super::tree::{Expression, For};
use super::value::{Kind, Value};
use crate::diagnostics::{Diagnostic, Span, codes};

impl Evaluator<'_> {
    /// The elements of what a `for` goes over, with their keys, and whether the collection is sensitive.
    pub(super) fn pairs(
        &mut self,
        collection: &Expression,
    ) -> Result<(Vec<(Value, Value)>, bool), Failed> {
        let value = self.evaluate(collection)?;
        let pairs = match &value.kind {
            Kind::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| (Value::number(index), item.clone()))
                .collect(),
            Kind::Set(items) => items
                .iter()
                .map(|item| (item.clone(), item.clone()))
                .collect(),
            Kind::Object(entries) => entries
                .iter()
                .map(|(key, value)| (Value::string(key.as_str()), value.clone()))
                .collect(),
            Kind::Null => {
                let diagnostic =
                    Diagnostic::error(codes::NULL_VALUE, collection.span, "can't go over null");
                return Err(self.fail(diagnostic));
            }
            _ => {
                let label = format!("can't go over {}", value.describe());
                return Err(self.fail(Diagnostic::error(
                    codes::NOT_ITERABLE,
                    collection.span,
                    label,
                )));
            }
        };
        let pairs: Vec<_> = pairs;
        self.spend(pairs.len() as u64, collection.span)?;
        Ok((pairs, value.sensitive))
    }

    pub(super) fn for_each(&mut self, each: &For, span: Span) -> Result<Value, Failed> {
        let (pairs, sensitive) = self.pairs(&each.collection)?;
        let mut result = ForResult::new(each);
        for (key, value) in pairs {
            self.bind(each.key_name.as_deref(), key, &each.value_name, value);
            let step = self.for_step(each, &mut result);
            self.unbind();
            // Errors of later elements are nearly always the same: the first says it.
            step?;
            self.spend_bytes(size_of::<Value>(), span)?;
        }
        let value = result.finish();
        self.bounded(value.marked(sensitive), span)
    }

    fn for_step(&mut self, each: &For, result: &mut ForResult) -> Result<(), Failed> {
        if let Some(condition) = &each.condition {
            let (wanted, mark) = self.condition(condition)?;
            result.sensitive |= mark;
            if !wanted {
                return Ok(());
            }
        }
        let key = each.key.as_ref().map(|key| self.key(key)).transpose()?;
        let value = self.evaluate(&each.value)?;
        match key {
            None => {
                result.items.push(value);
                Ok(())
            }
            Some((key, mark)) => {
                result.sensitive |= mark;
                let group = result.groups.entry(key.clone()).or_default();
                if !each.grouped && !group.is_empty() {
                    let span = each.key.as_ref().map_or(each.value.span, |key| key.span);
                    let label = format!(
                        "the key {} comes twice",
                        if mark {
                            "(sensitive)".into()
                        } else {
                            format!("\"{key}\"")
                        }
                    );
                    return Err(self.fail(
                        Diagnostic::error(codes::DUPLICATE_KEY, span, label).help(
                            "put `...` after the value to collect the values of a key in a list",
                        ),
                    ));
                }
                group.push(value);
                Ok(())
            }
        }
    }
}

/// What a `for` has collected so far.
struct ForResult {
    is_object: bool,
    grouped: bool,
    items: Vec<Value>,
    groups: BTreeMap<String, Vec<Value>>,
    /// A key or condition was sensitive, so the shape of the result is.
    sensitive: bool,
}

impl ForResult {
    fn new(each: &For) -> ForResult {
        ForResult {
            is_object: each.key.is_some(),
            grouped: each.grouped,
            items: Vec::new(),
            groups: BTreeMap::new(),
            sensitive: false,
        }
    }

    fn finish(self) -> Value {
        let grouped = self.grouped;
        let value = if self.is_object {
            let entries = self.groups.into_iter().filter_map(|(key, mut values)| {
                let value = if grouped {
                    Value::list(values)
                } else {
                    values.pop()?
                };
                Some((key, value))
            });
            Value::object(entries.collect())
        } else {
            Value::list(self.items)
        };
        value.marked(self.sensitive)
    }
}
