//! Works expressions out, as Terraform does: conversions, early ends of && and ||, sensitive marks, and
//! every error at its place. Collects the errors of all items of a list or object rather than stop at
//! the first.
//!
//! Work is bounded by a [`Budget`], so hostile input ends in an error. Names come from a [`Scope`], which
//! may work things out lazily; files come only through [`Files`].

pub use super::budget::{Budget, MOST_BYTES, MOST_NODES, on_big_stack};
use super::budget::{MOST_DEPTH, too_much_work};
pub use super::scope::{Files, NoScope, Resolved, Scope};
use super::tree::{Expression, Item, Node, Traversal};
use super::types::{self, Type};
use super::value::Value;
use crate::diagnostics::{Diagnostic, Span, codes, did_you_mean};

/// Works an expression out.
///
/// # Errors
/// All that is wrong with it; never empty.
pub fn evaluate(
    expression: &Expression,
    scope: &dyn Scope,
    budget: &mut Budget,
) -> Result<Value, Vec<Diagnostic>> {
    let mut evaluator = Evaluator {
        scope,
        budget,
        bindings: Vec::new(),
        frames: Vec::new(),
        diagnostics: Vec::new(),
    };
    let result = evaluator.evaluate(expression);
    let mut diagnostics = evaluator.diagnostics;
    match result {
        Ok(value) if diagnostics.is_empty() => Ok(value),
        _ => {
            if diagnostics.is_empty() {
                // Only a budget that ended before says nothing again.
                diagnostics.push(too_much_work(expression.span));
            }
            Err(diagnostics)
        }
    }
}

/// The expression has no value; why stands among the diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failed;

/// The state of one evaluation.
pub(super) struct Evaluator<'a> {
    pub(super) scope: &'a dyn Scope,
    pub(super) budget: &'a mut Budget,
    /// Names bound by `for`, innermost last.
    bindings: Vec<(String, Value)>,
    /// How many bindings there were before each `for`.
    frames: Vec<usize>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Evaluator<'_> {
    /// Notes an error.
    pub(super) fn fail(&mut self, diagnostic: Diagnostic) -> Failed {
        self.diagnostics.push(diagnostic);
        Failed
    }

    /// Binds the names of a `for`.
    pub(super) fn bind(
        &mut self,
        key_name: Option<&str>,
        key: Value,
        value_name: &str,
        value: Value,
    ) {
        self.frames.push(self.bindings.len());
        if let Some(name) = key_name {
            self.bindings.push((name.to_owned(), key));
        }
        self.bindings.push((value_name.to_owned(), value));
    }

    /// Takes the last binding back.
    pub(super) fn unbind(&mut self) {
        let before = self.frames.pop().unwrap_or(0);
        self.bindings.truncate(before);
    }

    /// The value that a `for` around here binds to a name.
    pub(super) fn bound(&self, name: &str) -> Option<&Value> {
        self.bindings
            .iter()
            .rev()
            .find(|(bound, _)| bound == name)
            .map(|(_, value)| value)
    }

    /// All names that can be used here, for hints.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.bindings.iter().map(|(name, _)| name.clone()).collect();
        names.extend(self.scope.candidates());
        names
    }

    /// Works an expression out; the value's place is the expression's.
    pub(super) fn evaluate(&mut self, expression: &Expression) -> Result<Value, Failed> {
        if let Node::Literal(value) = &*expression.node {
            return Ok(value.clone());
        }
        self.spend(1, expression.span)?;
        let result = if self.budget.enter() {
            self.node(expression)
        } else {
            let diagnostic = Diagnostic::error(
                codes::TOO_DEEP,
                expression.span,
                format!("more than {MOST_DEPTH} levels deep here"),
            );
            Err(self.fail(diagnostic))
        };
        self.budget.leave();
        result.map(|value| value.at(expression.span))
    }

    fn node(&mut self, expression: &Expression) -> Result<Value, Failed> {
        let span = expression.span;
        match &*expression.node {
            Node::Literal(value) => Ok(value.clone()),
            Node::Template(parts) => self.template(parts),
            Node::Wrapped(inner) | Node::Parenthesis(inner) => self.evaluate(inner),
            Node::JsonString { template, .. } => self.evaluate(template),
            Node::List(items) => self.list(items, span),
            Node::Object(items) => self.object(items, span),
            Node::Name(name) => self.name(name, span),
            Node::Traversal { base, operators } => self.traverse(base, operators, span),
            Node::Call {
                name,
                name_span,
                arguments,
                expand,
            } => self.call(name, *name_span, arguments, *expand, span),
            Node::Conditional { condition, yes, no } => self.conditional(condition, yes, no, span),
            Node::Unary { operator, operand } => self.unary(*operator, operand),
            Node::Binary {
                operator,
                operator_span,
                left,
                right,
            } => self.binary(*operator, *operator_span, left, right),
            Node::For(each) => self.for_each(each, span),
        }
    }

    fn list(&mut self, items: &[Expression], span: Span) -> Result<Value, Failed> {
        let values: Vec<_> = items.iter().map(|item| self.evaluate(item)).collect();
        let values = values.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.spend_bytes(values.len() * size_of::<Value>(), span)?;
        self.bounded(Value::list(values), span)
    }

    fn object(&mut self, items: &[Item], span: Span) -> Result<Value, Failed> {
        let mut entries = std::collections::BTreeMap::new();
        let mut failed = false;
        let mut sensitive = false;
        for item in items {
            let key = self.key(&item.key);
            let value = self.evaluate(&item.value);
            match (key, value) {
                (Ok((key, mark)), Ok(value)) => {
                    sensitive |= mark;
                    entries.insert(key, value);
                }
                _ => failed = true,
            }
        }
        if failed {
            return Err(Failed);
        }
        self.spend_bytes(entries.len() * size_of::<Value>(), span)?;
        self.bounded(Value::object(entries).marked(sensitive), span)
    }

    /// An object's key as text, and whether it is sensitive.
    pub(super) fn key(&mut self, expression: &Expression) -> Result<(String, bool), Failed> {
        let key = self.evaluate(expression)?;
        match key.to_text() {
            Some(text) => Ok((text, key.is_sensitive())),
            None if key.is_null() => Err(self.fail(Diagnostic::error(
                codes::NULL_VALUE,
                expression.span,
                "a key can't be null",
            ))),
            None => Err(self.fail(Diagnostic::error(
                codes::WRONG_TYPE,
                expression.span,
                format!("a key is a string, but this is {}", key.describe()),
            ))),
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Result<Value, Failed> {
        if let Some(value) = self.bound(name) {
            return Ok(value.clone());
        }
        let reference = Traversal {
            root: name.to_owned(),
            root_span: span,
            steps: Vec::new(),
        };
        self.resolve(&reference).map(|resolved| resolved.value)
    }

    /// Asks the scope.
    pub(super) fn resolve(&mut self, reference: &Traversal) -> Result<Resolved, Failed> {
        match self.scope.resolve(reference, self.budget) {
            Ok(Some(resolved)) => Ok(resolved),
            Ok(None) => {
                let names = self.names();
                let help = did_you_mean(&reference.root, names.iter().map(String::as_str));
                let label = format!("`{}` is not defined", reference.root);
                let mut diagnostic =
                    Diagnostic::error(codes::NO_SUCH_NAME, reference.root_span, label)
                        .maybe_help(help);
                if reference.steps.is_empty() && diagnostic.help.is_none() {
                    diagnostic =
                        diagnostic.help(format!("text stands in quotes: \"{}\"", reference.root));
                }
                Err(self.fail(diagnostic))
            }
            Err(diagnostics) => {
                // An error of a local is told once, however often the local is used.
                for diagnostic in diagnostics {
                    if !self.diagnostics.contains(&diagnostic) {
                        self.diagnostics.push(diagnostic);
                    }
                }
                Err(Failed)
            }
        }
    }

    /// A condition's value, and whether it is sensitive.
    pub(super) fn condition(&mut self, expression: &Expression) -> Result<(bool, bool), Failed> {
        let value = self.evaluate(expression)?;
        if value.is_null() {
            let diagnostic = Diagnostic::error(
                codes::NULL_VALUE,
                expression.span,
                "a condition must be true or false, not null",
            );
            return Err(self.fail(diagnostic));
        }
        match types::convert(&value, &Type::Bool) {
            Ok(converted) => Ok((
                converted.as_bool().unwrap_or_default(),
                value.is_sensitive(),
            )),
            Err(problem) => {
                let diagnostic = Diagnostic::error(
                    codes::WRONG_TYPE,
                    expression.span,
                    format!("a condition must be true or false: {problem}"),
                );
                Err(self.fail(diagnostic))
            }
        }
    }

    fn conditional(
        &mut self,
        condition: &Expression,
        yes: &Expression,
        no: &Expression,
        span: Span,
    ) -> Result<Value, Failed> {
        let chosen = self.condition(condition);
        // Both sides are worked out, as HCL does, because the result has the type that both share; but
        // errors of the side that isn't chosen don't count.
        let before = self.diagnostics.len();
        let yes = self.evaluate(yes);
        let between = self.diagnostics.len();
        let no = self.evaluate(no);
        let Ok((chosen, sensitive)) = chosen else {
            return Err(Failed);
        };
        let exhausted = self.budget.is_exhausted();
        let (result, other) = if chosen {
            if !exhausted {
                self.diagnostics.truncate(between);
            }
            (yes, no)
        } else {
            if !exhausted {
                self.diagnostics.drain(before..between);
            }
            (no, yes)
        };
        let result = result?;
        let Ok(other) = other else {
            return Ok(result.marked(sensitive));
        };
        match self.unified(&result, &other, span)? {
            Some(value) => Ok(value.marked(sensitive)),
            None => {
                let text = format!(
                    "one result is {}, the other {}",
                    types::describe(&result),
                    types::describe(&other)
                );
                Err(self.fail(Diagnostic::error(
                    codes::INCONSISTENT_CONDITIONAL,
                    span,
                    text,
                )))
            }
        }
    }

    /// `value` as the type that it shares with `other`; `None` when they share none.
    fn unified(
        &mut self,
        value: &Value,
        other: &Value,
        span: Span,
    ) -> Result<Option<Value>, Failed> {
        if value.is_null() || other.is_null() {
            return Ok(Some(value.clone()));
        }
        self.spend((value.weight() + other.weight()) / 256, span)?;
        let shared = types::unify(&types::type_of(value), &types::type_of(other));
        match shared {
            Some(shared) => Ok(types::convert(value, &shared).ok()),
            None if other.items().is_some_and(<[_]>::is_empty) && value.items().is_some() => {
                Ok(Some(value.clone()))
            }
            None if value.items().is_some_and(<[_]>::is_empty) && other.items().is_some() => {
                Ok(Some(value.clone()))
            }
            None => Ok(None),
        }
    }
}
