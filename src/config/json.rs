//! HCL's JSON form (`*.rf.json`): becomes the same tree as HCL. Strings are templates, the property `//` is
//! a comment, a block is an object (its labels nested objects, several of a kind an array).
//!
//! Pure: the text comes from `source`, what is a block from a [`Schema`].

use std::collections::BTreeMap;

use jsonc_parser::ast::{Object, ObjectProp, ObjectPropName, StringLit, Value as JsonValue};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::errors::ParseError;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::convert::Origin;
use super::number::Number;
use super::parse::template_at;
use super::source::Sources;
use super::tree::{Attribute, Block, Body, Expression, Item, Label, Node};
use super::value::Value;
use crate::diagnostics::{Diagnostic, FileId, Span, codes};

/// What the JSON parser has to know of the language: which names are blocks.
pub trait Schema {
    /// How many labels a block has; `None` when the last name of the path is no block. The path holds
    /// the kinds of the blocks around it, outermost first, labels left out: `["stack", "server"]`.
    fn block(&self, path: &[&str]) -> Option<usize>;
}

/// Plain JSON, nothing of its many dialects.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Parses a file of HCL's JSON form. With an error among the diagnostics the body isn't complete.
pub fn parse_json(file: FileId, sources: &Sources, schema: &dyn Schema) -> (Body, Vec<Diagnostic>) {
    let text = sources.text(file);
    let mut reader = Reader {
        file,
        text: &text,
        schema,
        diagnostics: Vec::new(),
    };
    let mut body = Body {
        attributes: Vec::new(),
        blocks: Vec::new(),
        span: Span::new(file, 0, text.len()),
    };
    match parse_to_ast(&text, &CollectOptions::default(), &STRICT) {
        Ok(parsed) => match &parsed.value {
            Some(value) => reader.read_body(value, &[], &mut body),
            None => {
                let span = Span::new(file, 0, 0);
                reader.diagnostics.push(
                    Diagnostic::error(codes::JSON_SYNTAX, span, "the file is empty")
                        .help("write at least {}"),
                );
            }
        },
        Err(error) => reader.diagnostics.push(syntax_error(file, &text, &error)),
    }
    (body, reader.diagnostics)
}

fn syntax_error(file: FileId, text: &str, error: &ParseError) -> Diagnostic {
    let range = error.range();
    let start = range.start.min(text.len());
    let span = Span::new(file, start, range.end.min(text.len()));
    let message = error.kind().to_string();
    let mut letters = message.chars();
    let lowered: String = letters
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(letters)
        .collect();
    let diagnostic = Diagnostic::error(codes::JSON_SYNTAX, span, lowered);
    match text[start..].chars().next() {
        Some('/' | '#') => diagnostic.help("JSON has no comments; use a property named \"//\""),
        Some('\'') => diagnostic.help("quote with \""),
        Some(_)
            if text
                .trim_start()
                .starts_with(|first: char| first.is_alphabetic()) =>
        {
            diagnostic.help("this looks like HCL: name the file *.rf.hcl")
        }
        _ => diagnostic,
    }
}

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    schema: &'a dyn Schema,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn place(&self, range: Range) -> Span {
        Span::new(self.file, range.start, range.end)
    }

    fn name_place(&self, property: &ObjectProp<'_>) -> Span {
        match &property.name {
            ObjectPropName::String(name) => self.place(name.range),
            ObjectPropName::Word(name) => self.place(name.range),
        }
    }

    fn shape(&mut self, value: &JsonValue<'_>, wanted: &str) {
        let found = match value {
            JsonValue::StringLit(_) => "a string",
            JsonValue::NumberLit(_) => "a number",
            JsonValue::BooleanLit(_) => "a bool",
            JsonValue::Object(_) => "an object",
            JsonValue::Array(_) => "an array",
            JsonValue::NullKeyword(_) => "null",
        };
        let span = self.place(value.range());
        self.diagnostics.push(Diagnostic::error(
            codes::JSON_SHAPE,
            span,
            format!("{wanted}, but this is {found}"),
        ));
    }

    /// The attributes and blocks of an object, or of all objects of an array.
    fn read_body(&mut self, value: &JsonValue<'_>, path: &[&str], body: &mut Body) {
        let mut seen = BTreeMap::new();
        match value {
            JsonValue::Object(object) => self.read_object(object, path, &mut seen, body),
            JsonValue::Array(array) => {
                for element in &array.elements {
                    match element {
                        JsonValue::Object(object) => {
                            self.read_object(object, path, &mut seen, body)
                        }
                        other => self.shape(other, "an object is wanted here"),
                    }
                }
            }
            other => self.shape(other, "an object is wanted here"),
        }
    }

    /// `seen` holds where each attribute of this body was set.
    fn read_object(
        &mut self,
        object: &Object<'_>,
        path: &[&str],
        seen: &mut BTreeMap<String, Span>,
        body: &mut Body,
    ) {
        for property in &object.properties {
            let name = property.name.as_str();
            if name == "//" {
                continue;
            }
            let mut inner = path.to_vec();
            inner.push(name);
            match self.schema.block(&inner) {
                Some(labels) => {
                    let kind_span = self.name_place(property);
                    self.read_blocks(
                        &property.value,
                        &inner,
                        kind_span,
                        labels,
                        &mut Vec::new(),
                        body,
                    );
                }
                None => self.read_attribute(property, seen, body),
            }
        }
    }

    fn read_attribute(
        &mut self,
        property: &ObjectProp<'_>,
        seen: &mut BTreeMap<String, Span>,
        body: &mut Body,
    ) {
        let name = property.name.as_str();
        let name_span = self.name_place(property);
        if let Some(before) = seen.insert(name.to_owned(), name_span) {
            let label = format!("`{name}` is set a second time here");
            let diagnostic = Diagnostic::error(codes::DUPLICATE_ATTRIBUTE, name_span, label)
                .note(before, "set here before")
                .help("keep one of the two");
            self.diagnostics.push(diagnostic);
            return;
        }
        let value = self.expression(&property.value);
        let span = name_span.to(value.span);
        body.attributes.push(Attribute {
            name: name.to_owned(),
            name_span,
            value,
            span,
        });
    }

    /// The blocks of one kind: goes down one object for each label that is still to come.
    fn read_blocks(
        &mut self,
        value: &JsonValue<'_>,
        path: &[&str],
        kind_span: Span,
        labels_left: usize,
        labels: &mut Vec<Label>,
        body: &mut Body,
    ) {
        match value {
            JsonValue::NullKeyword(_) => {}
            JsonValue::Array(array) => {
                for element in &array.elements {
                    match element {
                        JsonValue::Object(_) => {
                            self.read_blocks(element, path, kind_span, labels_left, labels, body)
                        }
                        other => self.shape(other, "a block is an object"),
                    }
                }
            }
            JsonValue::Object(object) if labels_left > 0 => {
                for property in object
                    .properties
                    .iter()
                    .filter(|property| property.name.as_str() != "//")
                {
                    labels.push(Label {
                        text: property.name.as_str().to_owned(),
                        span: self.name_place(property),
                    });
                    self.read_blocks(
                        &property.value,
                        path,
                        kind_span,
                        labels_left - 1,
                        labels,
                        body,
                    );
                    labels.pop();
                }
            }
            JsonValue::Object(object) => {
                let span = self.place(object.range);
                let mut inner = Body {
                    attributes: Vec::new(),
                    blocks: Vec::new(),
                    span,
                };
                self.read_object(object, path, &mut BTreeMap::new(), &mut inner);
                let kind = path.last().copied().unwrap_or_default().to_owned();
                // The kind's name may stand far above, before several blocks: the label tells them apart.
                let kind_span = labels.last().map_or(kind_span, |label| label.span);
                body.blocks.push(Block {
                    kind,
                    kind_span,
                    labels: labels.clone(),
                    body: inner,
                    span: kind_span.to(span),
                });
            }
            other if labels_left > 0 => {
                self.shape(other, "an object with the block's names is wanted here")
            }
            other => self.shape(other, "a block is an object"),
        }
    }

    fn expression(&mut self, value: &JsonValue<'_>) -> Expression {
        let span = self.place(value.range());
        let node = match value {
            JsonValue::NullKeyword(_) => Node::Literal(Value::null().at(span)),
            JsonValue::BooleanLit(literal) => Node::Literal(Value::bool(literal.value).at(span)),
            JsonValue::NumberLit(literal) => match Number::parse(literal.value) {
                Some(number) => Node::Literal(Value::number(number).at(span)),
                None => {
                    self.diagnostics.push(Diagnostic::error(
                        codes::NUMBER_OUT_OF_RANGE,
                        span,
                        "too large",
                    ));
                    Node::Literal(Value::null().at(span))
                }
            },
            JsonValue::StringLit(string) => self.string(string, span),
            JsonValue::Array(array) => Node::List(
                array
                    .elements
                    .iter()
                    .map(|item| self.expression(item))
                    .collect(),
            ),
            JsonValue::Object(object) => Node::Object(self.items(object)),
        };
        Expression::new(node, span)
    }

    fn items(&mut self, object: &Object<'_>) -> Vec<Item> {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        let mut items = Vec::new();
        for property in &object.properties {
            let name = property.name.as_str();
            let span = self.name_place(property);
            if let Some(before) = seen.insert(name, span) {
                let diagnostic = Diagnostic::error(
                    codes::DUPLICATE_ATTRIBUTE,
                    span,
                    "this key stands in the object twice",
                )
                .note(before, "here before")
                .help("keep one of the two");
                self.diagnostics.push(diagnostic);
            }
            let key = Expression::new(self.template(name, span), span);
            items.push(Item {
                key,
                value: self.expression(&property.value),
            });
        }
        items
    }

    fn string(&mut self, string: &StringLit<'_>, span: Span) -> Node {
        let template = Expression::new(self.template(&string.value, span), span);
        Node::JsonString {
            text: string.value.as_ref().into(),
            template,
        }
    }

    /// A string's template; `span` is the string with its quotes.
    fn template(&mut self, text: &str, span: Span) -> Node {
        if !text.contains("${") && !text.contains("%{") {
            return Node::Literal(Value::string(text).at(span));
        }
        // With an escape in it, offsets inside the string say nothing about the file.
        let escaped = self.text[span.start..span.end].contains('\\');
        let shift = isize::try_from(span.start + 1).ok().filter(|_| !escaped);
        let origin = shift.map_or(Origin::Whole(span.start, span.end), Origin::Shift);
        match template_at(self.file, text, self.text, origin) {
            Ok(template) => match std::sync::Arc::try_unwrap(template.node) {
                Ok(node) => node,
                Err(shared) => (*shared).clone(),
            },
            Err(diagnostics) => {
                self.diagnostics.extend(diagnostics);
                Node::Literal(Value::string(text).at(span))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Language;
    impl Schema for Language {
        fn block(&self, path: &[&str]) -> Option<usize> {
            match path {
                ["stack"] | ["stack", "server"] => Some(1),
                ["replform"] => Some(0),
                _ => None,
            }
        }
    }

    fn parse(text: &str) -> (Body, Vec<Diagnostic>) {
        let sources = Sources::new("");
        let file = sources.add("main.rf.json", text);
        parse_json(file, &sources, &Language)
    }

    #[test]
    fn labels_nest_and_arrays_repeat() {
        let text = r#"{"//": "x", "replform": {"topology": "t"},
            "stack": [{"eu": {"server": {"a": {"host": "1"}, "b": [{"host": "2"}]}}}, {"us": {}}]}"#;
        let (body, diagnostics) = parse(text);
        assert_eq!(diagnostics, []);
        let stacks: Vec<_> = body
            .blocks
            .iter()
            .filter(|block| block.kind == "stack")
            .collect();
        assert_eq!(stacks.len(), 2);
        let servers: Vec<_> = stacks[0]
            .body
            .blocks
            .iter()
            .map(|block| block.labels[0].text.as_str())
            .collect();
        assert_eq!(servers, ["a", "b"]);
        assert_eq!(stacks[0].body.blocks[1].body.attributes[0].name, "host");
    }

    #[test]
    fn strings_are_templates_with_places() {
        let text = r#"{"a": "x ${stack.eu}", "b": "\t${stack.eu}", "c": "${stack.eu.server.x}"}"#;
        let (body, diagnostics) = parse(text);
        assert_eq!(diagnostics, []);
        let at = |index: usize| {
            let reference = body.attributes[index].value.references().remove(0);
            &text[reference.root_span.start..reference.root_span.end]
        };
        assert_eq!(at(0), "stack");
        assert_eq!(at(1), r#""\t${stack.eu}""#);
        let traversal = body.attributes[2].value.as_traversal().unwrap();
        assert_eq!(traversal.path().unwrap(), ["stack", "eu", "server", "x"]);
    }

    #[test]
    fn errors_have_places() {
        for (text, code, start) in [
            ("", codes::JSON_SYNTAX, 0),
            ("{\"a\": 1,}", codes::JSON_SYNTAX, 7),
            ("{\"a\": 1} // c", codes::JSON_SYNTAX, 9),
            ("replform {\n}", codes::JSON_SYNTAX, 0),
            ("{\"stack\": {\"eu\": 1}}", codes::JSON_SHAPE, 17),
            ("{\"a\": 1, \"a\": 2}", codes::DUPLICATE_ATTRIBUTE, 9),
            ("{\"a\": \"${\"}", codes::UNTERMINATED, 7),
            ("[1]", codes::JSON_SHAPE, 1),
        ] {
            let (_, diagnostics) = parse(text);
            assert_eq!(diagnostics.len(), 1, "{text}: {diagnostics:?}");
            assert_eq!(
                (diagnostics[0].code, diagnostics[0].span.unwrap().start),
                (code, start),
                "{text}: {diagnostics:?}"
            );
        }
    }

    #[test]
    fn a_hundred_thousand_brackets_are_an_error() {
        let (_, diagnostics) = parse(&"[".repeat(100_000));
        assert_eq!(diagnostics[0].code, codes::JSON_SYNTAX);
    }
}
