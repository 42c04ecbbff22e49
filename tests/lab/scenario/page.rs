//! Reads a scenario's HCL strictly: an attribute that nobody asks for is an error, and every error names file and line.
//!
//! It knows the types of values, not what they mean; `decode.rs` does.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};
use hcl_edit::template::Element;
use replform::diagnostics::did_you_mean;

use super::text::{Part, Text};

/// Why a scenario can't be read: `FILE:LINE: what`.
pub type Fault = String;

/// A file and its text: tells the line of a place.
pub struct Page {
    /// The file as messages name it.
    pub name: String,
    /// All of it.
    pub text: String,
}

impl Page {
    /// The line, from 1, of a place in the text.
    pub fn line(&self, span: Option<Range<usize>>) -> usize {
        let start = span.map_or(0, |span| span.start);
        self.text[..start].matches('\n').count() + 1
    }

    /// An error at a place.
    pub fn fault(&self, span: Option<Range<usize>>, what: impl AsRef<str>) -> Fault {
        format!("{}:{}: {}", self.name, self.line(span), what.as_ref())
    }
}

/// The attributes of one block (or of the file itself), each to be asked for once.
pub struct Attributes<'page> {
    page: &'page Page,
    place: Option<Range<usize>>,
    left: BTreeMap<&'page str, &'page Expression>,
    asked: Vec<&'static str>,
}

impl<'page> Attributes<'page> {
    /// Those of `body`, which must hold no blocks when it is a block's own.
    pub fn of(
        page: &'page Page,
        body: &'page Body,
        place: Option<Range<usize>>,
    ) -> Attributes<'page> {
        let left = body.attributes().map(|a| (a.key.as_str(), &a.value));
        Attributes {
            page,
            place,
            left: left.collect(),
            asked: Vec::new(),
        }
    }

    /// Those of `block`.
    ///
    /// # Errors
    /// When a block stands inside it: no step has one.
    pub fn of_block(page: &'page Page, block: &'page Block) -> Result<Attributes<'page>, Fault> {
        if let Some(inner) = block.body.blocks().next() {
            let what = format!("no block \"{}\" can stand here", inner.ident.as_str());
            return Err(page.fault(inner.span(), what));
        }
        Ok(Attributes::of(page, &block.body, block.span()))
    }

    fn take(&mut self, key: &'static str) -> Option<&'page Expression> {
        self.asked.push(key);
        self.left.remove(key)
    }

    /// Turns what may be missing into what must be there.
    ///
    /// # Errors
    /// When it is missing.
    pub fn need<T>(&self, key: &str, value: Option<T>) -> Result<T, Fault> {
        value.ok_or_else(|| self.fault(format!("\"{key}\" is missing")))
    }

    /// An error about the block as a whole.
    pub fn fault(&self, what: impl AsRef<str>) -> Fault {
        self.page.fault(self.place.clone(), what)
    }

    fn wrong(&self, key: &str, value: &Expression, wanted: &str) -> Fault {
        self.page
            .fault(value.span(), format!("\"{key}\" wants {wanted}"))
    }

    /// A string without `${…}`.
    pub fn string(&mut self, key: &'static str) -> Result<Option<String>, Fault> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        match value {
            Expression::String(text) => Ok(Some(text.to_string())),
            _ => Err(self.wrong(
                key,
                value,
                "a string without ${…} (in a script, what was saved as name is $name)",
            )),
        }
    }

    /// A whole number.
    pub fn number(&mut self, key: &'static str) -> Result<Option<u32>, Fault> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        let number = value.as_number().and_then(|number| number.as_u64());
        match number.and_then(|number| u32::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(self.wrong(key, value, "a whole number")),
        }
    }

    /// `true` or `false`; false when it isn't there.
    pub fn flag(&mut self, key: &'static str) -> Result<bool, Fault> {
        let Some(value) = self.take(key) else {
            return Ok(false);
        };
        value
            .as_bool()
            .ok_or_else(|| self.wrong(key, value, "true or false"))
    }

    /// A time as people write it: `20s`, `500ms`, `2m`.
    pub fn duration(&mut self, key: &'static str) -> Result<Option<Duration>, Fault> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        let read = value.as_str().and_then(read_duration);
        match read {
            Some(duration) => Ok(Some(duration)),
            None => Err(self.wrong(key, value, "a time such as \"20s\", \"500ms\" or \"2m\"")),
        }
    }

    /// A list of strings without `${…}`.
    pub fn strings(&mut self, key: &'static str) -> Result<Vec<String>, Fault> {
        let Some(value) = self.take(key) else {
            return Ok(Vec::new());
        };
        let array = value.as_array();
        let strings = array.and_then(|array| {
            let items = array.iter().map(|item| item.as_str().map(str::to_owned));
            items.collect::<Option<Vec<_>>>()
        });
        match strings {
            Some(strings) if !strings.is_empty() => Ok(strings),
            _ => Err(self.wrong(
                key,
                value,
                "a list of one or more strings, such as [\"one\", \"two\"]",
            )),
        }
    }

    /// A list of strings in which `${name}` stands for what was saved.
    pub fn texts(&mut self, key: &'static str) -> Result<Vec<Text>, Fault> {
        let Some(value) = self.take(key) else {
            return Ok(Vec::new());
        };
        let wanted = "a list of one or more strings, such as [\"one\", \"two\"]";
        let Some(array) = value.as_array().filter(|array| !array.is_empty()) else {
            return Err(self.wrong(key, value, wanted));
        };
        let texts = array.iter().map(|item| self.one_text(key, item));
        texts.collect()
    }

    /// A string (or just a name) in which `${name}` stands for what was saved.
    pub fn text(&mut self, key: &'static str) -> Result<Option<Text>, Fault> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        self.one_text(key, value).map(Some)
    }

    /// Named values, for the environment of a script.
    pub fn environment(&mut self, key: &'static str) -> Result<BTreeMap<String, Text>, Fault> {
        let Some(value) = self.take(key) else {
            return Ok(BTreeMap::new());
        };
        let Some(object) = value.as_object() else {
            return Err(self.wrong(key, value, "names and values, such as { port = \"6380\" }"));
        };
        let mut environment = BTreeMap::new();
        for (name, value) in object {
            let Some(name) = name.as_ident().filter(|name| is_name(name.as_str())) else {
                let what = "a shell variable's name is small letters, digits and _";
                return Err(self.page.fault(value.expr().span(), what));
            };
            environment.insert(name.as_str().to_owned(), self.one_text(key, value.expr())?);
        }
        Ok(environment)
    }

    fn one_text(&self, key: &str, value: &Expression) -> Result<Text, Fault> {
        let template = match value {
            Expression::String(text) => return Ok(Text::literal(text)),
            Expression::Variable(name) => {
                return Ok(Text(vec![Part::Saved(name.as_str().to_owned())]));
            }
            Expression::StringTemplate(template) => template,
            _ => return Err(self.wrong(key, value, "strings")),
        };
        let mut parts = Vec::new();
        for element in template.iter() {
            parts.push(match element {
                Element::Literal(literal) => Part::Literal(literal.to_string()),
                Element::Interpolation(inner) => match inner.expr.as_variable() {
                    Some(name) => Part::Saved(name.as_str().to_owned()),
                    None => return Err(self.wrong(key, value, "only ${name} of something saved")),
                },
                Element::Directive(_) => return Err(self.wrong(key, value, "no %{…}")),
            });
        }
        Ok(Text(parts))
    }

    /// Fails when an attribute is left that nobody asked for.
    ///
    /// # Errors
    /// Names it, and what may stand here.
    pub fn finish(self) -> Result<(), Fault> {
        let Some((key, value)) = self.left.first_key_value() else {
            return Ok(());
        };
        let hint = did_you_mean(key, self.asked.iter().copied())
            .unwrap_or_else(|| format!("here stand: {}", self.asked.join(", ")));
        Err(self
            .page
            .fault(value.span(), format!("no attribute \"{key}\" here; {hint}")))
    }
}

/// Whether a name can be a shell variable of ours.
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn read_duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let number: u64 = digits.parse().ok()?;
    match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number * 60)),
        _ => None,
    }
}
