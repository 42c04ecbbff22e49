//! Values that are worked out when they are first asked for, once, and never in a circle.

use std::cell::RefCell;

use crate::diagnostics::{Diagnostic, Span, codes};

/// The names of what is being worked out, outermost first.
#[derive(Debug, Default)]
pub struct Working(RefCell<Vec<String>>);

/// A value that may not be there yet.
#[derive(Debug)]
pub struct Lazy<T>(RefCell<State<T>>);

#[derive(Debug)]
enum State<T> {
    Untouched,
    Working,
    Done(Result<T, Vec<Diagnostic>>),
}

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Self(RefCell::new(State::Untouched))
    }
}

impl<T: Clone> Lazy<T> {
    /// The value; made by `make` the first time. `name` is how it is called, `used` where it is asked for.
    ///
    /// # Errors
    /// What `make` says, each time again; or that the value needs itself.
    pub fn get(
        &self,
        working: &Working,
        name: &str,
        used: Span,
        make: impl FnOnce() -> Result<T, Vec<Diagnostic>>,
    ) -> Result<T, Vec<Diagnostic>> {
        match &*self.0.borrow() {
            State::Done(result) => return result.clone(),
            State::Working => return Err(vec![working.circle(name, used)]),
            State::Untouched => {}
        }
        self.0.replace(State::Working);
        working.0.borrow_mut().push(name.to_owned());
        let result = make();
        working.0.borrow_mut().pop();
        self.0.replace(State::Done(result.clone()));
        result
    }
}

impl Working {
    fn circle(&self, name: &str, used: Span) -> Diagnostic {
        let names = self.0.borrow();
        let start = names.iter().position(|other| other == name).unwrap_or(0);
        let around = &names[start..];
        let shown = match around.len() {
            0..=8 => around.join(" → "),
            many => format!(
                "{} → … ({} more) → {}",
                around[..4].join(" → "),
                many - 8,
                around[many - 4..].join(" → ")
            ),
        };
        Diagnostic::error(codes::CYCLE, used, format!("{shown} → {name}")).help(
            "cut the circle at one place: give one of them a value that doesn't need the others",
        )
    }
}

/// What is returned where the error has been told already; [`told`] takes it out again.
pub fn already_told(span: Span) -> Vec<Diagnostic> {
    vec![Diagnostic::error(codes::ALREADY_TOLD, span, "")]
}

/// The most diagnostics that are shown of one run; after so many errors nothing more is looked for.
pub const MOST_SHOWN: usize = 200;

/// The diagnostics in the order of their places, each once, without those that stand for another; of very many the
/// first ones.
pub fn told(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.retain(|diagnostic| diagnostic.code != codes::ALREADY_TOLD);
    // Once the budget has ended everything fails: only where it ended says something.
    let ended = diagnostics
        .iter()
        .position(|diagnostic| diagnostic.code == codes::TOO_MUCH_WORK);
    if let Some(ended) = ended {
        let first = diagnostics[ended].clone();
        diagnostics
            .retain(|diagnostic| diagnostic.code != codes::TOO_MUCH_WORK || *diagnostic == first);
    }
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.span.map(|span| (span.file, span.start, span.end)), d.code);
        key(a).cmp(&key(b)).then_with(|| a.label.cmp(&b.label))
    });
    diagnostics.dedup();
    let more = diagnostics.len().saturating_sub(MOST_SHOWN);
    if more > 0 {
        // Errors are worth more than warnings.
        diagnostics.sort_by_key(|diagnostic| diagnostic.severity);
        diagnostics.truncate(MOST_SHOWN);
        let text = format!("at least {more} more; they often have one cause");
        diagnostics.push(Diagnostic::without_place(codes::MANY_MORE, text));
    }
    diagnostics
}
