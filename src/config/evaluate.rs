//! Works expressions out, as Terraform does: conversions, early ends of && and ||, sensitive marks, and
//! every error at its place. Collects the errors of all items of a list or object rather than stop at
//! the first.
//!
//! Work is bounded by a [`Budget`], so hostile input ends in an error. Names come from a [`Scope`], which
//! may work things out lazily; files come only through [`Files`].

use crate::diagnostics::{Diagnostic, FileId, Span, codes, did_you_mean};

use super::source::Sources;
use super::tree::{Expression, For, Item, Node, Traversal};
use super::types::{self, Type};
use super::value::{Kind, Value};

/// Where names come from.
pub trait Scope {
    /// What a reference starts with. `reference` holds the name and all plain steps after it, worked
    /// out; the answer says how many of them the value already takes in. `None`: no such name.
    ///
    /// # Errors
    /// What went wrong while the value was worked out (a cycle, an error in a local).
    fn resolve(
        &self,
        reference: &Traversal,
        budget: &mut Budget,
    ) -> Result<Option<Resolved>, Vec<Diagnostic>>;

    /// The names that a reference can start with, for hints.
    fn candidates(&self) -> Vec<String>;

    /// Files for `file`, `fileexists` and `templatefile`; none where there are none to read.
    fn files(&self) -> Option<&dyn Files> {
        None
    }

    /// True inside a template that `templatefile` reads: it can't read further ones.
    fn is_template(&self) -> bool {
        false
    }
}

/// A value that a reference starts with.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The value.
    pub value: Value,
    /// How many steps after the first name are taken in.
    pub consumed: usize,
}

/// Files that expressions may read.
pub trait Files {
    /// Reads a text; paths start at the configuration directory.
    ///
    /// # Errors
    /// A phrase that says why not.
    fn read(&self, path: &str) -> Result<FileId, String>;

    /// Whether there is a file.
    ///
    /// # Errors
    /// When there is something, but not a file.
    fn exists(&self, path: &str) -> Result<bool, String>;

    /// Where the texts are kept.
    fn sources(&self) -> &Sources;
}

/// A scope without names or files.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoScope;

impl Scope for NoScope {
    fn resolve(&self, _: &Traversal, _: &mut Budget) -> Result<Option<Resolved>, Vec<Diagnostic>> {
        Ok(None)
    }

    fn candidates(&self) -> Vec<String> {
        Vec::new()
    }
}

/// How much work is left: evaluated nodes, bytes of results, and depth.
#[derive(Debug, Clone)]
pub struct Budget {
    nodes: u64,
    bytes: u64,
    depth: usize,
    exhausted: bool,
}

/// The most nodes that are worked out with one budget.
pub const MOST_NODES: u64 = 1_000_000;
/// The most bytes of strings, lists and objects that are built with one budget; also the most that
/// one value may weigh.
pub const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// The deepest that expressions nest, through locals and all. Fits [`on_big_stack`].
const MOST_DEPTH: usize = 1_000;
/// Bytes of stack for [`MOST_DEPTH`] levels of an unoptimized build, with room to spare. Only what is
/// used becomes memory.
const STACK: usize = 256 * 1024 * 1024;

impl Default for Budget {
    fn default() -> Budget {
        Budget {
            nodes: MOST_NODES,
            bytes: MOST_BYTES,
            depth: 0,
            exhausted: false,
        }
    }
}

impl Budget {
    /// A full budget.
    pub fn new() -> Budget {
        Budget::default()
    }

    /// A budget for all of a configuration with this many attributes: a large one may take longer.
    pub fn for_attributes(attributes: u64) -> Budget {
        Budget {
            nodes: MOST_NODES + 20 * attributes,
            bytes: MOST_BYTES + 2_000 * attributes,
            ..Budget::default()
        }
    }

    /// True when the budget ended: every evaluation with it fails from then on.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }
}

/// Runs `work` on a thread with a stack for the deepest expressions. Parsing and evaluation of
/// untrusted text belong inside; one call around the whole of them is enough.
///
/// A panic of `work` goes on in the caller.
pub fn on_big_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("config".into())
            .stack_size(STACK)
            .spawn_scoped(scope, work);
        match thread.map(|thread| thread.join()) {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            // No thread to be had: nothing of this process can go on.
            Err(error) => {
                std::panic::panic_any(format!("no thread for the configuration: {error}"))
            }
        }
    })
}

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

fn too_much_work(span: Span) -> Diagnostic {
    Diagnostic::error(codes::TOO_MUCH_WORK, span, "stopped here")
        .detail(format!(
            "at most {MOST_NODES} steps are worked out, and {} MiB of values built",
            MOST_BYTES / 1024 / 1024
        ))
        .help("look for a list that is multiplied by itself; large data belongs into a file read with jsondecode(file(…))")
}

impl Evaluator<'_> {
    /// Notes an error.
    pub(super) fn fail(&mut self, diagnostic: Diagnostic) -> Failed {
        self.diagnostics.push(diagnostic);
        Failed
    }

    /// Takes steps from the budget.
    pub(super) fn spend(&mut self, nodes: u64, span: Span) -> Result<(), Failed> {
        match self.budget.nodes.checked_sub(nodes) {
            Some(left) if !self.budget.exhausted => {
                self.budget.nodes = left;
                Ok(())
            }
            _ => Err(self.exhaust(span)),
        }
    }

    /// Takes bytes from the budget.
    pub(super) fn spend_bytes(&mut self, bytes: usize, span: Span) -> Result<(), Failed> {
        match self.budget.bytes.checked_sub(bytes as u64) {
            Some(left) if !self.budget.exhausted => {
                self.budget.bytes = left;
                Ok(())
            }
            _ => Err(self.exhaust(span)),
        }
    }

    fn exhaust(&mut self, span: Span) -> Failed {
        if self.budget.exhausted {
            return Failed;
        }
        self.budget.exhausted = true;
        self.fail(too_much_work(span))
    }

    /// Refuses a value that is too large when written out, however little memory it takes.
    pub(super) fn bounded(&mut self, value: Value, span: Span) -> Result<Value, Failed> {
        if value.weight() > MOST_BYTES {
            return Err(self.exhaust(span));
        }
        Ok(value)
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
        if self.budget.depth >= MOST_DEPTH {
            let diagnostic = Diagnostic::error(
                codes::TOO_DEEP,
                expression.span,
                format!("more than {MOST_DEPTH} levels deep here"),
            );
            return Err(self.fail(diagnostic));
        }
        self.budget.depth += 1;
        let result = self.node(expression);
        self.budget.depth -= 1;
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
    fn key(&mut self, expression: &Expression) -> Result<(String, bool), Failed> {
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
        let exhausted = self.budget.exhausted;
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

    fn for_each(&mut self, each: &For, span: Span) -> Result<Value, Failed> {
        let (pairs, sensitive) = self.pairs(&each.collection)?;
        let mut result = super::operators::ForResult::new(each);
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

    fn for_step(
        &mut self,
        each: &For,
        result: &mut super::operators::ForResult,
    ) -> Result<(), Failed> {
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
