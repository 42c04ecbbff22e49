//! How a function is called: its arguments are worked out, counted, checked for null, and an error of the
//! function points at the argument that it is about. `try` and `can` alone get their arguments as expressions.

use super::super::evaluate::{Evaluator, Failed, MOST_BYTES};
use super::super::tree::Expression;
use super::super::types::{self, Type};
use super::super::value::{Kind, Number, Value};
use super::row::{Cost, Function, Marks, Nulls, Run};
use super::table;
use crate::diagnostics::{Diagnostic, Span, codes, did_you_mean};

/// The arguments of one call.
pub(super) struct Arguments<'a> {
    pub(super) values: &'a [Value],
    /// Where the call stands.
    pub(super) span: Span,
}

/// Why a function has no result.
#[derive(Debug)]
pub(super) enum Problem {
    /// It is about this argument.
    Argument(usize, String),
    /// It is about the call.
    Call(String),
    /// It stands among the diagnostics already.
    Told,
}

impl Problem {
    /// Refuses a result of about so many bytes before it is built, if that is too much.
    pub(super) fn unless_room(bytes: usize) -> Result<(), Problem> {
        if bytes as u64 > MOST_BYTES {
            return Err(Problem::Call(format!(
                "the result would be over {} MiB",
                MOST_BYTES / 1024 / 1024
            )));
        }
        Ok(())
    }
}

/// What a function comes to.
pub(super) type Outcome = Result<Value, Problem>;

impl<'a> Arguments<'a> {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.values.len()
    }

    /// An argument that may be absent.
    pub(super) fn get(&self, index: usize) -> Option<&'a Value> {
        self.values.get(index)
    }

    /// An argument that is there: the table has counted.
    pub(super) fn value(&self, index: usize) -> Result<&'a Value, Problem> {
        self.values
            .get(index)
            .ok_or_else(|| Problem::Call(format!("argument {} is missing", index + 1)))
    }

    pub(super) fn converted(&self, index: usize, kind: &Type) -> Result<Value, Problem> {
        types::convert(self.value(index)?, kind)
            .map_err(|mismatch| Problem::Argument(index, mismatch.to_string()))
    }

    /// An argument as text.
    pub(super) fn text(&self, index: usize) -> Result<String, Problem> {
        let value = self.converted(index, &Type::String)?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// An argument as a number.
    pub(super) fn number(&self, index: usize) -> Result<Number, Problem> {
        let value = self.converted(index, &Type::Number)?;
        Ok(value.as_number().unwrap_or(Number::ZERO))
    }

    /// An argument as a whole number.
    pub(super) fn integer(&self, index: usize) -> Result<i128, Problem> {
        self.number(index)?
            .to_integer()
            .ok_or_else(|| Problem::Argument(index, "a whole number is wanted".into()))
    }

    /// The items of a list or set.
    pub(super) fn items(&self, index: usize) -> Result<&'a [Value], Problem> {
        let value = self.value(index)?;
        value.items().ok_or_else(|| {
            Problem::Argument(
                index,
                format!("a list is wanted, but this is {}", value.describe()),
            )
        })
    }

    /// The entries of a map or object.
    pub(super) fn entries(
        &self,
        index: usize,
    ) -> Result<&'a std::collections::BTreeMap<String, Value>, Problem> {
        let value = self.value(index)?;
        match &value.kind {
            Kind::Object(_) | Kind::Reference(_) => value.entries(),
            _ => None,
        }
        .ok_or_else(|| {
            Problem::Argument(
                index,
                format!(
                    "a map or object is wanted, but this is {}",
                    value.describe()
                ),
            )
        })
    }

    /// The items of a list or set, each as text.
    pub(super) fn texts(&self, index: usize) -> Result<Vec<String>, Problem> {
        self.items(index)?
            .iter()
            .enumerate()
            .map(|(at, item)| match item.to_text() {
                Some(text) => Ok(text),
                None => Err(Problem::Argument(
                    index,
                    format!("element {at} is {}, not a string", item.describe()),
                )),
            })
            .collect()
    }
}

impl Evaluator<'_> {
    pub(in crate::config) fn call(
        &mut self,
        name: &str,
        name_span: Span,
        arguments: &[Expression],
        expand: bool,
        span: Span,
    ) -> Result<Value, Failed> {
        // `core::` is Terraform's namespace of its own functions.
        let plain = name.strip_prefix("core::").unwrap_or(name);
        if let "try" | "can" = plain {
            return self.attempt(plain, arguments, span);
        }
        let Some(function) = table::find(plain) else {
            let names = table::names();
            let diagnostic = Diagnostic::error(
                codes::NO_SUCH_FUNCTION,
                name_span,
                format!("there is no function `{name}`"),
            )
            .maybe_help(did_you_mean(name, names.iter().copied()));
            return Err(self.fail(diagnostic));
        };
        let (values, spans) = self.arguments(arguments, expand)?;
        self.check_count(function, values.len(), name_span)?;
        self.check_nulls(function, &values, &spans)?;
        if function.cost == Cost::Deep {
            let weight = values
                .iter()
                .fold(0u64, |sum, value| sum.saturating_add(value.weight()));
            self.spend(weight / 256, span)?;
        }
        let sensitive = match function.marks {
            Marks::Spread => values.iter().any(Value::is_sensitive),
            Marks::Carried => values.iter().any(|value| value.sensitive),
        };
        let arguments = Arguments {
            values: &values,
            span,
        };
        let outcome = match function.run {
            Run::Pure(run) => run(&arguments),
            Run::Reading(run) => run(self, &arguments),
        };
        match outcome {
            Ok(value) => {
                let shallow = value
                    .items()
                    .map(<[_]>::len)
                    .or(value.entries().map(std::collections::BTreeMap::len))
                    .unwrap_or(0);
                self.spend(shallow as u64 / 16, span)?;
                let bytes = shallow * size_of::<Value>() + value.as_str().map_or(0, str::len);
                self.spend_bytes(bytes, span)?;
                self.bounded(value.marked(sensitive), span)
            }
            Err(problem) => {
                let secret = values.iter().any(Value::is_sensitive);
                Err(self.report(problem, name, &spans, span, secret))
            }
        }
    }

    /// Notes a function's problem; with a sensitive argument, whose text might be in it, without the text.
    fn report(
        &mut self,
        problem: Problem,
        name: &str,
        spans: &[Span],
        span: Span,
        secret: bool,
    ) -> Failed {
        let (place, text) = match problem {
            Problem::Argument(index, text) => (spans.get(index).copied().unwrap_or(span), text),
            Problem::Call(text) => (span, text),
            Problem::Told => return Failed,
        };
        let text = if secret {
            "this doesn't work with a value that is sensitive, so why isn't shown".into()
        } else {
            text
        };
        self.fail(Diagnostic::error(
            codes::INVALID_ARGUMENT,
            place,
            format!("{name}: {text}"),
        ))
    }

    /// The arguments' values and places; a last one with `...` is taken apart.
    fn arguments(
        &mut self,
        arguments: &[Expression],
        expand: bool,
    ) -> Result<(Vec<Value>, Vec<Span>), Failed> {
        let results: Vec<_> = arguments
            .iter()
            .map(|argument| self.evaluate(argument))
            .collect();
        let mut values = results.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut spans: Vec<Span> = arguments.iter().map(|argument| argument.span).collect();
        if expand && let (Some(last), Some(span)) = (values.pop(), spans.pop()) {
            let Some(items) = last.items() else {
                let label = format!(
                    "`...` wants a list before it, but this is {}",
                    last.describe()
                );
                return Err(self.fail(Diagnostic::error(codes::WRONG_TYPE, span, label)));
            };
            self.spend(items.len() as u64, span)?;
            values.extend(items.iter().map(|item| item.clone().marked(last.sensitive)));
            spans.resize(values.len(), span);
        }
        Ok((values, spans))
    }

    fn check_count(&mut self, function: &Function, count: usize, span: Span) -> Result<(), Failed> {
        if count >= function.least && function.most.is_none_or(|most| count <= most) {
            return Ok(());
        }
        let wanted = match (function.least, function.most) {
            (least, Some(most)) if least == most => format!("{least}"),
            (least, Some(most)) => format!("{least} to {most}"),
            (least, None) => format!("at least {least}"),
        };
        let label = format!(
            "{} takes {wanted} arguments, but there are {count}",
            function.name
        );
        Err(self.fail(
            Diagnostic::error(codes::WRONG_ARGUMENTS, span, label)
                .help(format!("{} is used so: {}", function.name, function.usage)),
        ))
    }

    fn check_nulls(
        &mut self,
        function: &Function,
        values: &[Value],
        spans: &[Span],
    ) -> Result<(), Failed> {
        if function.nulls == Nulls::Taken {
            return Ok(());
        }
        let null = values.iter().position(Value::is_null);
        match null {
            None => Ok(()),
            Some(index) => {
                let label = format!("{}: argument {} is null", function.name, index + 1);
                Err(self.fail(Diagnostic::error(codes::NULL_VALUE, spans[index], label)))
            }
        }
    }

    /// `try`: the first argument that has a value. `can`: whether its argument has one.
    fn attempt(
        &mut self,
        name: &str,
        arguments: &[Expression],
        span: Span,
    ) -> Result<Value, Failed> {
        let before = self.diagnostics.len();
        let [first, rest @ ..] = arguments else {
            let label = format!("{name} takes at least 1 argument");
            return Err(self.fail(Diagnostic::error(codes::WRONG_ARGUMENTS, span, label)));
        };
        if name == "can" {
            if !rest.is_empty() {
                let label = format!("can takes 1 argument, but there are {}", arguments.len());
                return Err(self.fail(Diagnostic::error(codes::WRONG_ARGUMENTS, span, label)));
            }
            let works = self.evaluate(first);
            if self.budget.is_exhausted() {
                return Err(Failed);
            }
            self.diagnostics.truncate(before);
            return Ok(
                Value::bool(works.is_ok()).marked(works.is_ok_and(|value| value.is_sensitive()))
            );
        }
        for argument in arguments {
            let result = self.evaluate(argument);
            // The end of the budget is no error to be tried around.
            if self.budget.is_exhausted() {
                return Err(Failed);
            }
            if let Ok(value) = result {
                self.diagnostics.truncate(before);
                return Ok(value);
            }
        }
        let reasons: Vec<String> = self
            .diagnostics
            .drain(before..)
            .map(|diagnostic| diagnostic.label)
            .collect();
        Err(self.fail(
            Diagnostic::error(
                codes::CUSTOM_ERROR,
                span,
                "none of the arguments has a value",
            )
            .detail(reasons.join("; ")),
        ))
    }
}
