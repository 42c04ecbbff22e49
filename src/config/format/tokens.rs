//! Cuts HCL text into the tokens that a layout is made of.
//!
//! Every byte that isn't a space, tab or byte order mark ends up in exactly one token, so that printing
//! the tokens gives the text back up to spacing. Never fails: what is no HCL becomes [`Kind::Other`]; whether
//! the text is valid has been found out before. Iterative, so deep nesting can't exhaust the stack.

use std::borrow::Cow;

/// What a token is, as far as layout cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A line's end.
    Newline,
    /// A comment; one that runs to the line's end holds the line's end too.
    Comment,
    /// A name or keyword.
    Identifier,
    /// A number.
    Number,
    /// `"` at a string's start.
    OpenQuote,
    /// `"` at a string's end.
    CloseQuote,
    /// `<<EOT` with its line's end.
    OpenHeredoc,
    /// The marker that ends a heredoc, with the spaces before it.
    CloseHeredoc,
    /// Literal text inside quotes or a heredoc.
    Text,
    /// `${` or `${~`.
    OpenInterpolation,
    /// `%{` or `%{~`.
    OpenDirective,
    /// `}` or `~}` of one of these.
    CloseTemplate,
    /// `{`.
    OpenBrace,
    /// `}`.
    CloseBrace,
    /// `[`.
    OpenBracket,
    /// `]`.
    CloseBracket,
    /// `(`.
    OpenParenthesis,
    /// `)`.
    CloseParenthesis,
    /// `=`.
    Equal,
    /// `,`.
    Comma,
    /// `.`.
    Dot,
    /// `:`.
    Colon,
    /// `::`.
    DoubleColon,
    /// `?`.
    Question,
    /// `...`.
    Ellipsis,
    /// `!`.
    Bang,
    /// `-`.
    Minus,
    /// Any other operator.
    Operator,
    /// Anything else.
    Other,
}

impl Kind {
    /// By how many levels the token opens (1) or closes (-1) something.
    pub fn nesting(self) -> isize {
        match self {
            Self::OpenBrace
            | Self::OpenBracket
            | Self::OpenParenthesis
            | Self::OpenInterpolation
            | Self::OpenDirective => 1,
            Self::CloseBrace
            | Self::CloseBracket
            | Self::CloseParenthesis
            | Self::CloseTemplate => -1,
            _ => 0,
        }
    }
}

/// A token and the spaces that stand before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its text.
    pub text: Cow<'a, str>,
    /// How many spaces stand before it.
    pub spaces: usize,
}

impl<'a> Token<'a> {
    /// A token without spaces before it.
    pub fn new(kind: Kind, text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            kind,
            text: text.into(),
            spaces: 0,
        }
    }

    /// Whether a line ends with it.
    pub fn ends_line(&self) -> bool {
        match self.kind {
            Kind::Newline => true,
            Kind::Comment => self.text.ends_with('\n'),
            _ => false,
        }
    }
}

/// What the lexer stands in.
enum Mode<'a> {
    /// Expressions and bodies; inside a template, the number of braces open in it.
    Expression {
        in_template: bool,
        braces: usize,
    },
    Quote,
    Heredoc {
        marker: &'a str,
    },
}

const OPERATORS: [(&str, Kind); 30] = [
    ("...", Kind::Ellipsis),
    ("::", Kind::DoubleColon),
    ("==", Kind::Operator),
    ("!=", Kind::Operator),
    (">=", Kind::Operator),
    ("<=", Kind::Operator),
    ("&&", Kind::Operator),
    ("||", Kind::Operator),
    ("=>", Kind::Operator),
    ("=", Kind::Equal),
    (">", Kind::Operator),
    ("<", Kind::Operator),
    ("+", Kind::Operator),
    ("*", Kind::Operator),
    ("/", Kind::Operator),
    ("%", Kind::Operator),
    ("-", Kind::Minus),
    ("!", Kind::Bang),
    ("?", Kind::Question),
    (":", Kind::Colon),
    (",", Kind::Comma),
    (".", Kind::Dot),
    ("(", Kind::OpenParenthesis),
    (")", Kind::CloseParenthesis),
    ("[", Kind::OpenBracket),
    ("]", Kind::CloseBracket),
    ("{", Kind::OpenBrace),
    ("}", Kind::CloseBrace),
    ("&", Kind::Other),
    ("|", Kind::Other),
];

struct Lexer<'a> {
    rest: &'a str,
    modes: Vec<Mode<'a>>,
    tokens: Vec<Token<'a>>,
    spaces: usize,
}

/// The tokens of a text.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
        modes: vec![Mode::Expression {
            in_template: false,
            braces: 0,
        }],
        tokens: Vec::new(),
        spaces: 0,
    };
    while !lexer.rest.is_empty() {
        match lexer.modes.last() {
            Some(Mode::Quote) => lexer.quoted(),
            Some(&Mode::Heredoc { marker }) => lexer.heredoc(marker),
            _ => lexer.expression(),
        }
    }
    lexer.tokens
}

impl<'a> Lexer<'a> {
    fn take(&mut self, kind: Kind, length: usize) {
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        if kind == Kind::Text && text.is_empty() {
            return;
        }
        self.tokens.push(Token {
            kind,
            text: Cow::Borrowed(text),
            spaces: std::mem::take(&mut self.spaces),
        });
    }

    fn expression(&mut self) {
        let rest = self.rest;
        let Some(first) = rest.chars().next() else {
            return;
        };
        if first == ' ' || first == '\t' {
            self.spaces += 1;
            self.rest = &rest[1..];
        } else if first == '\n' {
            self.take(Kind::Newline, 1);
        } else if rest.starts_with("\r\n") {
            self.take(Kind::Newline, 2);
        } else if first == '#' || rest.starts_with("//") {
            self.take(
                Kind::Comment,
                rest.find('\n').map_or(rest.len(), |at| at + 1),
            );
        } else if let Some(inside) = rest.strip_prefix("/*") {
            let length = inside.find("*/").map_or(rest.len(), |at| at + 4);
            self.take(Kind::Comment, length);
        } else if first == '"' {
            self.take(Kind::OpenQuote, 1);
            self.modes.push(Mode::Quote);
        } else if first.is_ascii_digit() {
            self.take(Kind::Number, number_length(rest));
        } else if starts_name(first) {
            let length = rest
                .find(|c: char| !(starts_name(c) || c.is_alphanumeric() || c == '-'))
                .unwrap_or(rest.len());
            self.take(Kind::Identifier, length);
        } else if let Some((marker, length)) = heredoc_start(rest) {
            self.take(Kind::OpenHeredoc, length);
            self.modes.push(Mode::Heredoc { marker });
        } else {
            self.symbol(first);
        }
    }

    fn symbol(&mut self, first: char) {
        let closes_template = matches!(
            self.modes.last(),
            Some(Mode::Expression {
                in_template: true,
                braces: 0
            })
        );
        if closes_template && (first == '}' || self.rest.starts_with("~}")) {
            self.take(Kind::CloseTemplate, if first == '}' { 1 } else { 2 });
            self.modes.pop();
            return;
        }
        let known = OPERATORS
            .iter()
            .find(|(text, _)| self.rest.starts_with(text));
        let Some((text, kind)) = known else {
            return self.take(Kind::Other, first.len_utf8());
        };
        if let Some(Mode::Expression { braces, .. }) = self.modes.last_mut() {
            match kind {
                Kind::OpenBrace => *braces += 1,
                Kind::CloseBrace => *braces = braces.saturating_sub(1),
                _ => {}
            }
        }
        self.take(*kind, text.len());
    }

    /// From inside quotes to their end or the next template sequence.
    fn quoted(&mut self) {
        let bytes = self.rest.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'"' => {
                    self.take(Kind::Text, at);
                    self.take(Kind::CloseQuote, 1);
                    self.modes.pop();
                    return;
                }
                b'\\' if at + 1 < bytes.len() && bytes[at + 1].is_ascii() => at += 2,
                b'$' | b'%' if escaped_sequence(&bytes[at..]) => at += 3,
                b'$' | b'%' if bytes.get(at + 1) == Some(&b'{') => return self.sequence(at),
                _ => at += 1,
            }
        }
        self.take(Kind::Text, bytes.len());
    }

    /// From inside a heredoc to its marker or the next template sequence.
    fn heredoc(&mut self, marker: &str) {
        let bytes = self.rest.as_bytes();
        let mut at = 0;
        let mut line_start = self
            .tokens
            .last()
            .is_some_and(|token| token.kind == Kind::OpenHeredoc);
        while at < bytes.len() {
            if line_start {
                let line = self.rest[at..].lines().next().unwrap_or_default();
                if line.trim() == marker {
                    let end = at + line.trim_end().len();
                    self.take(Kind::Text, at);
                    self.take(Kind::CloseHeredoc, end - at);
                    self.modes.pop();
                    return;
                }
            }
            line_start = bytes[at] == b'\n';
            match bytes[at] {
                b'$' | b'%' if escaped_sequence(&bytes[at..]) => at += 3,
                b'$' | b'%' if bytes.get(at + 1) == Some(&b'{') => return self.sequence(at),
                _ => at += 1,
            }
        }
        self.take(Kind::Text, bytes.len());
    }

    fn sequence(&mut self, at: usize) {
        self.take(Kind::Text, at);
        let kind = if self.rest.starts_with('$') {
            Kind::OpenInterpolation
        } else {
            Kind::OpenDirective
        };
        let length = if self.rest[2..].starts_with('~') {
            3
        } else {
            2
        };
        self.take(kind, length);
        self.modes.push(Mode::Expression {
            in_template: true,
            braces: 0,
        });
    }
}

/// `$${` and `%%{` are literal text.
fn escaped_sequence(bytes: &[u8]) -> bool {
    bytes.len() >= 3 && bytes[0] == bytes[1] && bytes[2] == b'{'
}

fn starts_name(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn number_length(text: &str) -> usize {
    let digits = |from: usize| {
        text[from..]
            .find(|c: char| !c.is_ascii_digit())
            .map_or(text.len(), |at| from + at)
    };
    let mut end = digits(0);
    if text[end..].starts_with('.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
    }
    let exponent = &text[end..];
    if exponent.starts_with(['e', 'E']) {
        let sign = usize::from(exponent[1..].starts_with(['+', '-']));
        if digits(end + 1 + sign) > end + 1 + sign {
            end = digits(end + 1 + sign);
        }
    }
    end
}

/// The marker of a heredoc that starts here, and the length of its opening line.
fn heredoc_start(text: &str) -> Option<(&str, usize)> {
    let after = text.strip_prefix("<<")?;
    let after = after.strip_prefix('-').unwrap_or(after);
    let line = &after[..after.find('\n')?];
    let marker = line.trim_end_matches('\r');
    let is_name = marker.starts_with(starts_name)
        && marker
            .chars()
            .all(|c| starts_name(c) || c.is_alphanumeric() || c == '-');
    is_name.then(|| (marker, text.len() - after.len() + line.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text).into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn templates_nest_inside_strings_and_heredocs() {
        use Kind::{
            CloseHeredoc, CloseQuote, CloseTemplate, Identifier, Newline, OpenHeredoc,
            OpenInterpolation, OpenQuote, Text,
        };
        assert_eq!(
            kinds("\"a${b}$${c\""),
            [
                OpenQuote,
                Text,
                OpenInterpolation,
                Identifier,
                CloseTemplate,
                Text,
                CloseQuote
            ]
        );
        assert_eq!(
            kinds("<<-X\n a ${b}\n  X\n"),
            [
                OpenHeredoc,
                Text,
                OpenInterpolation,
                Identifier,
                CloseTemplate,
                Text,
                CloseHeredoc,
                Newline
            ]
        );
    }

    #[test]
    fn tokens_and_spaces_give_the_text_back() {
        let text = "a  = 1.5e3 # c\n/* x */ b = [for k, v in m : k => v...]\nc = -1 == x.0.y\n";
        let back: String = tokens(text)
            .iter()
            .map(|token| format!("{}{}", " ".repeat(token.spaces), token.text))
            .collect();
        assert_eq!(back, text);
    }

    #[test]
    fn text_that_is_no_hcl_is_kept() {
        for text in ["\"never closed ${", "<<X\nnever", "'a' & ; `", "${", "%{~"] {
            let back: String = tokens(text)
                .iter()
                .map(|token| format!("{}{}", " ".repeat(token.spaces), token.text))
                .collect();
            assert_eq!(back, text);
        }
    }
}
