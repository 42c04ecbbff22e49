//! Renders diagnostics as text, in rustc's look.
//!
//! Pure: text comes through [`Texts`], the result is a `String`, and printing is
//! the business of `ui` and `cli`.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Severity};
use super::span::{SourceText, Span, Texts};

/// Whether the text carries ANSI colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// For a terminal.
    Ansi,
    /// For pipes, files and `NO_COLOR`.
    Plain,
}

/// How far from the primary place another may be to be shown in one snippet, in bytes; and the most of a
/// line that is given to the renderer.
pub(super) const NEAR: usize = 2000;

/// One diagnostic as text, with a line end.
pub fn render(diagnostic: &Diagnostic, texts: &dyn Texts, colour: Colour) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let code = diagnostic.code.to_string();
    let mut group = Group::with_title(level.primary_title(diagnostic.summary).id(code));
    let mut places: Vec<(Span, &str, AnnotationKind)> = Vec::new();
    if let Some(span) = diagnostic.span {
        places.push((span, &diagnostic.label, AnnotationKind::Primary));
    }
    places.extend(
        diagnostic
            .notes
            .iter()
            .map(|(span, text)| (*span, text.as_str(), AnnotationKind::Context)),
    );
    let distant = take_distant(&mut places, texts);
    let snippets = snippets(&places, texts);
    for snippet in &snippets {
        group = group.element(snippet.element());
    }
    for text in &distant {
        group = group.element(Level::NOTE.message(text));
    }
    if !diagnostic.detail.is_empty() {
        group = group.element(Level::NOTE.message(&diagnostic.detail));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = match colour {
        Colour::Ansi => Renderer::styled(),
        Colour::Plain => Renderer::plain(),
    };
    let mut text = renderer.render(&[group]);
    text.push('\n');
    text
}

/// All of them, in the order given, an empty line between two.
pub fn render_all(diagnostics: &[Diagnostic], texts: &dyn Texts, colour: Colour) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| render(diagnostic, texts, colour))
        .collect::<Vec<_>>()
        .join("\n")
}

type Place<'a> = (Span, &'a str, AnnotationKind);

/// Takes away the places in the primary's file that are too far from it for one snippet, and tells them
/// in words.
fn take_distant(places: &mut Vec<Place<'_>>, texts: &dyn Texts) -> Vec<String> {
    let Some((primary, _, AnnotationKind::Primary)) = places.first().copied() else {
        return Vec::new();
    };
    let mut distant = Vec::new();
    places.retain(|(span, label, _)| {
        let near = span.file != primary.file || span.start.abs_diff(primary.start) <= NEAR;
        if !near && let Some(source) = texts.source(span.file) {
            let position = source.position(span.start);
            distant.push(format!(
                "{label}: {}:{}:{}",
                source.name, position.line, position.column
            ));
        }
        near
    });
    distant
}

/// A stretch of one file with the places in it.
struct Stretch<'a> {
    name: String,
    text: String,
    first_line: usize,
    places: Vec<(std::ops::Range<usize>, &'a str, AnnotationKind)>,
}

impl<'a> Stretch<'a> {
    fn element(&self) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let annotations = self.places.iter().map(|(range, label, kind)| {
            let annotation = kind.span(range.clone());
            if label.is_empty() {
                annotation
            } else {
                annotation.label(*label)
            }
        });
        Snippet::source(self.text.as_str())
            .line_start(self.first_line)
            .path(self.name.as_str())
            .annotations(annotations)
    }
}

/// Groups the places by file, in order of first mention; each file's text is cut to the lines needed.
fn snippets<'a>(places: &[Place<'a>], texts: &dyn Texts) -> Vec<Stretch<'a>> {
    let mut files = Vec::new();
    for (span, _, _) in places {
        if !files.contains(&span.file) {
            files.push(span.file);
        }
    }
    files
        .into_iter()
        .filter_map(|file| {
            let source = texts.source(file)?;
            let here: Vec<_> = places
                .iter()
                .filter(|(span, _, _)| span.file == file)
                .collect();
            Some(stretch(&source, &here))
        })
        .collect()
}

fn stretch<'a>(source: &SourceText, places: &[&Place<'a>]) -> Stretch<'a> {
    let lowest = places
        .iter()
        .map(|(span, _, _)| span.start)
        .min()
        .unwrap_or(0);
    let highest = places
        .iter()
        .map(|(span, _, _)| visible_end(source, *span))
        .max()
        .unwrap_or(lowest);
    let first = source.position(lowest).line;
    let last = source.position(highest).line;
    // Columns stay true only for whole lines from their start, so only the end of a long line is cut.
    let start = source.line_start(first);
    let line_end = source.line_start(last) + source.line(last).len();
    let end = boundary(source, line_end.min(highest.max(start) + NEAR).max(start));
    let places = places
        .iter()
        .map(|(span, label, kind)| {
            let from = source.position(span.start).byte.clamp(start, end);
            let to = source
                .position(visible_end(source, *span))
                .byte
                .clamp(from, end);
            (from - start..to - start, *label, *kind)
        })
        .collect();
    Stretch {
        name: source.name.clone(),
        text: source.text[start..end].to_owned(),
        first_line: first,
        places,
    }
}

/// The last start of a character that isn't after `at`.
pub(super) fn boundary(source: &SourceText, at: usize) -> usize {
    let mut at = at.min(source.text.len());
    while !source.text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Where the marked range ends: a range over several lines marks its first line only, so that a
/// whole block isn't printed.
pub(super) fn visible_end(source: &SourceText, span: Span) -> usize {
    let first = source.position(span.start);
    let line_end = source.line_start(first.line) + source.line(first.line).len();
    span.end
        .min(line_end.max(span.start))
        .min(span.start.saturating_add(NEAR))
}

#[cfg(test)]
mod tests {
    use crate::diagnostics::Report;
    use std::sync::Arc;

    use super::super::{FileId, codes};
    use super::*;

    struct One(Arc<SourceText>);
    impl Texts for One {
        fn source(&self, _: FileId) -> Option<Arc<SourceText>> {
            Some(self.0.clone())
        }
    }

    fn example() -> (Diagnostic, One) {
        let text = "stack \"eu\" {\n\tserver \"ö\" { host = nosuch }\n}\n";
        let start = text.find("nosuch").unwrap();
        let diagnostic = Diagnostic::error(
            codes::NO_SUCH_NAME,
            Span::new(FileId(0), start, start + 6),
            "not defined",
        )
        .help("did you mean `such`?");
        (
            diagnostic,
            One(Arc::new(SourceText::new("main.rf.hcl".into(), text.into()))),
        )
    }

    #[test]
    fn text_has_the_place_the_line_and_the_help() {
        let (diagnostic, texts) = example();
        let text = render(&diagnostic, &texts, Colour::Plain);
        assert!(text.starts_with("error[RF0101]: no such name\n"), "{text}");
        assert!(text.contains("main.rf.hcl:2:22"), "{text}");
        assert!(text.contains("^^^^^^ not defined"), "{text}");
        assert!(text.contains("help: did you mean `such`?"), "{text}");
    }

    #[test]
    fn json_has_terraforms_shape() {
        let (diagnostic, texts) = example();
        let report = Report::new(&[diagnostic], &texts);
        let json = &serde_json::to_value(&report).unwrap()["diagnostics"][0];
        assert_eq!(json["range"]["start"]["line"], 2);
        assert_eq!(json["range"]["start"]["column"], 22);
        assert_eq!(json["snippet"]["context"], "stack \"eu\"");
        assert_eq!(json["snippet"]["code"], "\tserver \"ö\" { host = nosuch }");
        assert_eq!(json["snippet"]["highlight_start_offset"], 22);
        assert_eq!(json["detail"], "not defined. help: did you mean `such`?");
    }

    #[test]
    fn a_long_line_is_cut_and_a_distant_place_told_in_words() {
        let text = format!("a = [{}]\n", "ö, ".repeat(50_000));
        let texts = One(Arc::new(SourceText::new(
            "main.rf.hcl".into(),
            text.as_str().into(),
        )));
        let place = |at: usize| Span::new(FileId(0), at, at + 1);
        let diagnostic = Diagnostic::error(codes::UNTERMINATED, place(4), "opens here")
            .note(place(text.len() - 2), "closes here");
        let shown = render(&diagnostic, &texts, Colour::Plain);
        assert!(
            shown.len() < 5000 && shown.contains("closes here: main.rf.hcl:1:150006"),
            "{}",
            shown.len()
        );
        let far = Diagnostic::error(codes::UNTERMINATED, place(text.len() - 2), "here");
        let shown = render(&far, &texts, Colour::Plain);
        assert!(
            shown.len() < 5000 && shown.contains("main.rf.hcl:1:150006"),
            "{}",
            shown.len()
        );
        let report = serde_json::to_string(&Report::new(&[far], &texts)).unwrap();
        assert!(report.len() < 10_000);
    }

    #[test]
    fn a_place_beyond_the_end_is_no_panic() {
        let (mut diagnostic, texts) = example();
        diagnostic.span = Some(Span::new(FileId(0), 9999, 10001));
        assert!(render(&diagnostic, &texts, Colour::Plain).contains("main.rf.hcl"));
        let _ = Report::new(&[diagnostic], &texts);
    }
}
