//! Lines, indentation and columns: gives each token the number of spaces before it. Pure.
//!
//! A line is cut into three cells: what stands before `=`, the assignment, and a trailing comment. Assignments
//! of neighbouring lines are aligned, and so are their comments. Where a line opens a bracket that it
//! doesn't close, it has no assignment cell, so it ends a run of aligned ones.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::spacing::spaced;
use super::tokens::{Kind, Token};

const INDENT: usize = 2;

/// The cells of a line, as ranges of the tokens.
struct Line {
    lead: Range<usize>,
    assign: Range<usize>,
    comment: Range<usize>,
}

/// Sets the spaces before every token.
pub fn lay_out(tokens: &mut [Token<'_>]) {
    let lines = lines(tokens);
    for line in &lines {
        space(tokens, line.lead.clone());
        space(tokens, line.assign.clone());
        for cell in [&line.assign, &line.comment] {
            if !cell.is_empty() {
                tokens[cell.start].spaces = 1;
            }
        }
    }
    indent(tokens, &lines);
    align(tokens, &lines, |line| &line.assign, |line| vec![&line.lead]);
    align(
        tokens,
        &lines,
        |line| &line.comment,
        |line| vec![&line.lead, &line.assign],
    );
}

fn lines(tokens: &[Token<'_>]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    for end in 1..=tokens.len() {
        if tokens[end - 1].ends_line() || end == tokens.len() {
            lines.push(cells(tokens, start, end));
            start = end;
        }
    }
    lines
}

fn cells(tokens: &[Token<'_>], start: usize, end: usize) -> Line {
    let has_comment = end - start > 1 && tokens[end - 1].kind == Kind::Comment;
    let code_end = if has_comment { end - 1 } else { end };
    // Only the first `=` counts, and never one at the line's very start.
    let assign = (start + 1..code_end)
        .find(|at| tokens[*at].kind == Kind::Equal)
        .filter(|at| nesting(&tokens[*at..code_end]) == 0)
        .unwrap_or(code_end);
    Line {
        lead: start..assign,
        assign: assign..code_end,
        comment: code_end..end,
    }
}

fn nesting(tokens: &[Token<'_>]) -> isize {
    tokens.iter().map(|token| token.kind.nesting()).sum()
}

fn space(tokens: &mut [Token<'_>], cell: Range<usize>) {
    for at in cell.start + 1..cell.end {
        let before = (at >= cell.start + 2).then(|| &tokens[at - 2]);
        let space = spaced(before, &tokens[at - 1], &tokens[at]);
        tokens[at].spaces = usize::from(space);
    }
}

/// A line is one level deeper for each line before it that opened more than it closed; that such a line
/// opened several brackets at once makes no difference.
fn indent(tokens: &mut [Token<'_>], lines: &[Line]) {
    let mut levels: Vec<isize> = Vec::new();
    for line in lines {
        let first = line.lead.start;
        if tokens[first].kind == Kind::Newline {
            tokens[first].spaces = 0;
            continue;
        }
        let change =
            line_nesting(&tokens[line.lead.clone()]) + line_nesting(&tokens[line.assign.clone()]);
        let mut closing = -change;
        while closing > 0 {
            let Some(level) = levels.last_mut() else {
                break;
            };
            if closing < *level {
                *level -= closing;
                break;
            }
            closing -= *level;
            levels.pop();
        }
        tokens[first].spaces = INDENT * levels.len();
        if change > 0 {
            levels.push(change);
        }
    }
}

/// What a line opens and closes, not counting what stands inside a heredoc.
fn line_nesting(cell: &[Token<'_>]) -> isize {
    let end = cell
        .iter()
        .position(|token| token.kind == Kind::OpenHeredoc)
        .unwrap_or(cell.len());
    nesting(&cell[..end])
}

/// Puts the cell that `which` names into one column over each run of lines that have it.
fn align(
    tokens: &mut [Token<'_>],
    lines: &[Line],
    which: fn(&Line) -> &Range<usize>,
    before: fn(&Line) -> Vec<&Range<usize>>,
) {
    let width = |tokens: &[Token<'_>], line: &Line| -> usize {
        before(line)
            .into_iter()
            .flat_map(|cell| &tokens[cell.clone()])
            .map(|token| token.spaces + token.text.graphemes(true).count())
            .sum()
    };
    for run in lines.chunk_by(|a, b| which(a).is_empty() == which(b).is_empty()) {
        if run.first().is_none_or(|line| which(line).is_empty()) {
            continue;
        }
        let widths: Vec<usize> = run.iter().map(|line| width(tokens, line)).collect();
        let widest = widths.iter().copied().max().unwrap_or_default();
        for (line, width) in run.iter().zip(widths) {
            tokens[which(line).start].spaces = widest - width + 1;
        }
    }
}
