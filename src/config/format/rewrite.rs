//! The few rewritings of `terraform fmt`: quoted block labels, `"${x}"` as `x`, and old spellings of types.
//!
//! Works on the tokens of text that parses; where a construct isn't recognised it is left as it stands.

use super::tokens::{Kind, Token};

/// Rewrites the tokens of a whole file.
pub fn rewrite(tokens: Vec<Token<'_>>) -> Vec<Token<'_>> {
    let mut rewriter = Rewriter {
        tokens: &tokens,
        at: 0,
        out: Vec::with_capacity(tokens.len()),
        blocks: Vec::new(),
    };
    while rewriter.at < tokens.len() {
        rewriter.item();
    }
    rewriter.out
}

struct Rewriter<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    out: Vec<Token<'a>>,
    /// The types of the blocks around.
    blocks: Vec<&'t str>,
}

impl<'t, 'a> Rewriter<'t, 'a> {
    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn copy(&mut self, end: usize) {
        self.out.extend_from_slice(&self.tokens[self.at..end]);
        self.at = end;
    }

    /// One attribute, one block's opening, or one other token.
    fn item(&mut self) {
        let start = self.at;
        match self.kind(start) {
            Some(Kind::Identifier) if self.kind(start + 1) == Some(Kind::Equal) => {
                self.copy(start + 2);
                let end = self.expression_end();
                let expression = &self.tokens[self.at..end];
                let is_type = self.blocks == ["variable"] && self.tokens[start].text == "type";
                let clean = if is_type {
                    clean_type(expression)
                } else {
                    clean_value(expression)
                };
                self.out.extend(clean);
                self.at = end;
            }
            Some(Kind::Identifier) => self.block(),
            Some(Kind::CloseBrace) => {
                self.blocks.pop();
                self.copy(start + 1);
            }
            _ => self.copy(start + 1),
        }
    }

    /// The end of the expression that starts here: the line's end, or the end of a block on one line.
    fn expression_end(&self) -> usize {
        let mut depth = 0_isize;
        for (offset, token) in self.tokens[self.at..].iter().enumerate() {
            let ends = token.ends_line() || token.kind == Kind::CloseBrace;
            if depth == 0 && ends {
                return self.at + offset;
            }
            depth += match token.kind {
                Kind::OpenHeredoc | Kind::OpenQuote => 1,
                Kind::CloseHeredoc | Kind::CloseQuote => -1,
                kind => kind.nesting(),
            };
        }
        self.tokens.len()
    }

    /// A block's type and labels up to its `{`; comments between them go.
    fn block(&mut self) {
        let name = &self.tokens[self.at];
        let mut opening = vec![name.clone()];
        let mut at = self.at + 1;
        loop {
            match self.kind(at) {
                Some(Kind::Identifier) => {
                    opening.push(Token::new(Kind::OpenQuote, "\""));
                    opening.push(Token::new(Kind::Text, self.tokens[at].text.clone()));
                    opening.push(Token::new(Kind::CloseQuote, "\""));
                }
                Some(Kind::OpenQuote | Kind::Text | Kind::CloseQuote) => {
                    opening.push(self.tokens[at].clone());
                }
                Some(Kind::Comment) if !self.tokens[at].ends_line() => {}
                Some(Kind::OpenBrace) => break,
                _ => return self.copy(self.at + 1),
            }
            at += 1;
        }
        opening.push(self.tokens[at].clone());
        self.out.extend(opening);
        self.blocks.push(&name.text);
        self.at = at + 1;
    }
}

/// `"${x}"` without its wrapping, in parentheses where it goes over several lines.
fn clean_value<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let whole = tokens.to_vec();
    let [quote, open, inside @ .., close, end] = tokens else {
        return whole;
    };
    let wrapped = quote.kind == Kind::OpenQuote
        && open.kind == Kind::OpenInterpolation
        && close.kind == Kind::CloseTemplate
        && end.kind == Kind::CloseQuote;
    if !wrapped || inside.is_empty() || has_sequence(inside) {
        return whole;
    }
    let is_code = |token: &Token<'_>| token.kind != Kind::Newline;
    let (Some(first), Some(last)) = (
        inside.iter().position(is_code),
        inside.iter().rposition(is_code),
    ) else {
        return whole;
    };
    let inside = &inside[first..=last];
    let several_lines = inside.iter().any(Token::ends_line);
    let in_parentheses = inside[0].kind == Kind::OpenParenthesis
        && inside[inside.len() - 1].kind == Kind::CloseParenthesis;
    if !several_lines || in_parentheses {
        return inside.to_vec();
    }
    let mut out = vec![Token::new(Kind::OpenParenthesis, "(")];
    out.extend_from_slice(inside);
    out.push(Token::new(Kind::CloseParenthesis, ")"));
    out
}

/// Whether another template sequence stands among these tokens, outside nested strings: `"${a}${b}"`.
fn has_sequence(tokens: &[Token<'_>]) -> bool {
    let mut quotes = 0_usize;
    tokens.iter().any(|token| {
        match token.kind {
            Kind::OpenQuote => quotes += 1,
            Kind::CloseQuote => quotes = quotes.saturating_sub(1),
            Kind::OpenInterpolation | Kind::OpenDirective | Kind::CloseTemplate => {
                return quotes == 0;
            }
            _ => {}
        }
        false
    })
}

/// `list` as `list(any)`, `"list"` as `list(string)`, `"string"` as `string`.
fn clean_type<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let collection = |name: &str| matches!(name, "list" | "map" | "set");
    let (name, element) = match tokens {
        [name] if name.kind == Kind::Identifier && collection(&name.text) => (name, Some("any")),
        [open, name, _] if open.kind == Kind::OpenQuote && name.kind == Kind::Text => {
            match &*name.text {
                "list" | "map" | "set" => (name, Some("string")),
                "string" => (name, None),
                _ => return tokens.to_vec(),
            }
        }
        _ => return tokens.to_vec(),
    };
    let mut out = vec![Token::new(Kind::Identifier, name.text.clone())];
    if let Some(element) = element {
        out.push(Token::new(Kind::OpenParenthesis, "("));
        out.push(Token::new(Kind::Identifier, element));
        out.push(Token::new(Kind::CloseParenthesis, ")"));
    }
    out
}
