//! Whether a space stands between two tokens of one line. Pure.
//!
//! The rules are those of `terraform fmt`; the first that fits decides, so their order matters.

use super::tokens::{Kind, Token};

/// Whether a space stands between `left` and `right`; `before` is what stands before `left` in the line.
pub fn spaced(before: Option<&Token<'_>>, left: &Token<'_>, right: &Token<'_>) -> bool {
    use Kind as K;
    let closes = |kind: Kind| kind.nesting() < 0;
    match (left.kind, right.kind) {
        (_, K::Newline) => false,
        (K::Identifier, K::OpenParenthesis) => false,
        (K::Identifier, K::DoubleColon) | (K::DoubleColon, K::Identifier) => false,
        (K::Dot, _) | (_, K::Dot) => false,
        (_, K::Comma | K::Ellipsis) => false,
        (K::Comma, _) => true,
        // Nothing is added to literal text.
        (K::Text | K::OpenQuote | K::OpenHeredoc, _) => false,
        (_, K::Text | K::CloseQuote | K::CloseHeredoc) => false,
        // `for x in [y]`: without this, `in[y]` would look like an index.
        _ if left.text == "in" && before.is_some_and(|token| token.kind == K::Identifier) => true,
        (K::Identifier | K::Number, K::OpenBracket) => false,
        (kind, K::OpenBracket) if closes(kind) => false,
        (K::Bang, _) => false,
        (K::Minus, _) => before.is_some_and(ends_operand),
        (K::OpenBrace, K::CloseBrace) => false,
        (K::OpenBrace, _) | (_, K::CloseBrace) => true,
        // `${ { … } }`: the braces of an object stand off those of the template.
        (K::OpenInterpolation | K::OpenDirective, K::OpenBrace) => true,
        (K::CloseBrace, K::CloseTemplate) => true,
        (K::CloseTemplate, K::OpenInterpolation | K::OpenDirective) => false,
        (kind, _) if kind.nesting() > 0 => false,
        (_, kind) if closes(kind) => false,
        _ => true,
    }
}

/// Whether a `-` after this token is a subtraction rather than a sign.
fn ends_operand(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::OpenParenthesis
        | Kind::OpenBrace
        | Kind::OpenBracket
        | Kind::Equal
        | Kind::Colon
        | Kind::Comma
        | Kind::Question
        | Kind::Bang
        | Kind::Minus => false,
        Kind::Operator => token.text == "=>",
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    fn laid_out(text: &str) -> String {
        let tokens = tokens(text);
        let mut out = String::new();
        for (at, token) in tokens.iter().enumerate() {
            let before = at.checked_sub(2).map(|index| &tokens[index]);
            if at > 0 && spaced(before, &tokens[at - 1], token) {
                out.push(' ');
            }
            out.push_str(&token.text);
        }
        out
    }

    #[test]
    fn a_minus_is_a_sign_or_a_subtraction() {
        assert_eq!(
            laid_out("f(1,- 2,a-1 -b, c - d)"),
            "f(1, -2, a-1 - b, c - d)"
        );
        assert_eq!(laid_out("x==- 1&&y*-2"), "x == -1 && y * -2");
    }

    #[test]
    fn brackets_index_or_build() {
        assert_eq!(laid_out("[for x in[y]:x [0]]"), "[for x in [y] : x[0]]");
        assert_eq!(laid_out("\"a${ b }${ {} }\""), "\"a${b}${ {} }\"");
        assert_eq!(laid_out("{a=1}"), "{ a = 1 }");
    }
}
