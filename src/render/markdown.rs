//! A plan as a pull request's comment: verdict, hazards, the five answers, the picture, the steps folded.
//!
//! The same plan gives the same text. Where a code host limits a comment's size, details go first and it is said which;
//! the verdict and what blocks or endangers stay whatever the limit is.

use super::changed_lines;
use super::graph::mermaid_label;
use super::plan_text::{allowed_at, costs, restart_gap, verdict};
use crate::plan::{EnvDiff, Finding, Plan, PlannedReplication, Severity, Step};
use crate::topology::MemberId;

/// The least that a comment can be limited to, characters.
pub const LEAST_SIZE: usize = 1000;

/// What the comment says beside the plan itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Comment<'a> {
    /// The most characters; `None`: no limit.
    pub max_size: Option<usize>,
    /// When the facts were saved that it was made from (RFC 3339); `None`: they are of now.
    pub observed_at: Option<&'a str>,
    /// The options of the command that applies it, each with a blank before it.
    pub options: &'a str,
}

/// How many members' pictures can still be read; more are a table.
const DRAWN: usize = 30;

/// How many lines an answer has; the steps say the others.
const ANSWER_LINES: usize = 20;

/// What can be left out, in the order in which it goes.
const CUTS: [(&str, Cut); 6] = [
    ("the changed lines of apps' files", Cut::EnvLines),
    ("why each step is needed", Cut::Reasons),
    ("the steps", Cut::Steps),
    ("the warnings", Cut::Warnings),
    ("the picture", Cut::Picture),
    ("the ways on", Cut::Choices),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    EnvLines,
    Reasons,
    Steps,
    Warnings,
    Picture,
    Choices,
}

/// How much is said of what is never left out.
#[derive(Clone, Copy)]
struct Room {
    /// Lines of an answer.
    answer_lines: usize,
    /// Characters of a line of an answer.
    answer: usize,
    /// Characters of what a finding says.
    finding: usize,
    /// How many findings.
    findings: usize,
}

/// All of it, then less and less: what endangers is shortened last.
const ROOMS: [Room; 6] = [
    room(ANSWER_LINES, usize::MAX, usize::MAX),
    room(3, 200, usize::MAX),
    room(1, 80, usize::MAX),
    room(1, 40, usize::MAX),
    room(1, 40, 300),
    room(1, 40, 120),
];

const fn room(answer_lines: usize, answer: usize, finding: usize) -> Room {
    Room {
        answer_lines,
        answer,
        finding,
        findings: usize::MAX,
    }
}

/// The whole comment.
pub fn plan_markdown(plan: &Plan, comment: Comment<'_>) -> String {
    let limit = comment.max_size.unwrap_or(usize::MAX);
    let text = |cuts: usize, room: Room| {
        Writer {
            plan,
            comment,
            cuts: &CUTS[..cuts],
            room,
        }
        .text()
    };
    let fits = |text: &String| text.chars().count() <= limit;
    let parts = (0..=CUTS.len()).map(|cuts| text(cuts, ROOMS[0]));
    let rooms = ROOMS[1..].iter().map(|room| text(CUTS.len(), *room));
    if let Some(text) = parts.chain(rooms).find(fits) {
        return text;
    }
    // Not even the findings fit: as many as do, the worst first, and how many more there are.
    let [.., least] = ROOMS;
    let of = |findings| text(CUTS.len(), Room { findings, ..least });
    let fewer = (0..plan.findings.len()).rev().map(of).find(fits);
    // The topology's name or the command alone may be longer than all that there is room for.
    fewer.unwrap_or_else(|| of(0).chars().take(limit).collect())
}

struct Writer<'a> {
    plan: &'a Plan,
    comment: Comment<'a>,
    cuts: &'a [(&'static str, Cut)],
    room: Room,
}

impl Writer<'_> {
    fn keeps(&self, part: Cut) -> bool {
        self.cuts.iter().all(|(_, cut)| *cut != part)
    }

    fn text(&self) -> String {
        let plan = self.plan;
        let mut out = format!(
            "<!-- replform plan: {} -->\n",
            plan.topology.replace("--", "- -")
        );
        let quiet = |finding: &Finding| finding.severity == Severity::Warning;
        if plan.is_empty() && plan.findings.iter().all(quiet) {
            out.push_str(&format!(
                "### {}: no changes\n\nEverything replicates as the configuration says.\n",
                escape(&plan.topology)
            ));
        } else {
            out.push_str(&format!(
                "### {}: {}\n\nPlan: {} to add, {} to change, {} to destroy.\n",
                escape(&plan.topology),
                escape(&verdict(plan)),
                plan.counts.add,
                plan.counts.change,
                plan.counts.destroy
            ));
        }
        self.findings(&mut out, false);
        if !plan.is_empty() {
            self.answers(&mut out);
            if self.keeps(Cut::Picture) {
                pictures(plan, &mut out);
            }
            if self.keeps(Cut::Steps) {
                self.steps(&mut out);
            }
        }
        if self.keeps(Cut::Warnings) {
            self.findings(&mut out, true);
        }
        self.foot(&mut out);
        out
    }

    /// Warnings, or all that stands above them.
    fn findings(&self, out: &mut String, warnings: bool) {
        let all: Vec<&Finding> = self
            .plan
            .findings
            .iter()
            .filter(|finding| (finding.severity == Severity::Warning) == warnings)
            .collect();
        if all.is_empty() {
            return;
        }
        out.push_str(if warnings {
            "\n**To know**\n\n"
        } else {
            "\n**Hazards and what stands in the way**\n\n"
        });
        for finding in all.iter().take(self.room.findings) {
            out.push_str(&format!(
                "- {} **{}** {} ({}) `{}`\n",
                badge(&finding.severity),
                escape(&finding.subject),
                escape(&clipped(&finding.what, self.room.finding)),
                escape(&finding.place.to_string()),
                finding.code
            ));
            if self.keeps(Cut::Choices) && (finding.blocks() || warnings) {
                for choice in &finding.choices {
                    out.push_str(&format!(
                        "  - *{}*: {}\n",
                        escape(&choice.title),
                        escape(&choice.how)
                    ));
                }
            }
        }
        if all.len() > self.room.findings {
            out.push_str(&format!(
                "- and {} more: `replform plan` names them all\n",
                all.len() - self.room.findings
            ));
        }
    }

    fn answers(&self, out: &mut String) {
        let outlook = &self.plan.outlook;
        out.push_str("\n| | this plan |\n|---|---|\n");
        let room = self.room;
        let mut row = |name: &str, mut texts: Vec<String>, none: &str| {
            let more = texts.len().saturating_sub(room.answer_lines);
            texts.truncate(room.answer_lines);
            let lines = texts.iter().map(|text| escape(&clipped(text, room.answer)));
            let mut lines: Vec<String> = lines.collect();
            if lines.is_empty() {
                lines.push(none.to_owned());
            } else if more > 0 {
                let total = if name == "copied" {
                    format!(", {} in all", outlook.copied_bytes)
                } else {
                    String::new()
                };
                lines.push(format!("and {more} more{total}"));
            }
            out.push_str(&format!("| **{name}** | {} |\n", lines.join("<br>")));
        };
        let restarts = outlook
            .restarts
            .iter()
            .map(|restart| format!("{}{}", restart.what, allowed_at(&restart.allowed)));
        row("restarts", restarts.collect(), "nothing");
        let gaps = outlook.no_writes.iter().map(restart_gap);
        row("no writes", gaps.collect(), "never: writes go on all along");
        row("lost", outlook.lost.clone(), "nothing");
        row("copied", outlook.copied.clone(), "nothing");
        row(
            "for good",
            outlook.for_good.clone(),
            "nothing: every step can be undone",
        );
    }

    fn steps(&self, out: &mut String) {
        let count = self.plan.steps.len();
        out.push_str(&format!(
            "\n<details><summary>{count} step{}</summary>\n\n",
            if count == 1 { "" } else { "s" }
        ));
        for (index, step) in self.plan.steps.iter().enumerate() {
            self.step(index + 1, step, out);
        }
        out.push_str("\n</details>\n");
    }

    fn step(&self, number: usize, step: &Step, out: &mut String) {
        let head = format!("{number}. ");
        // What belongs to a list's item stands under its text, however long its number is.
        let indent = " ".repeat(head.len());
        out.push_str(&format!(
            "{head}**{}** {}: {}{}\n",
            step.kind.word(),
            escape(&step.subject),
            escape(&step.what),
            escape(&costs(step))
        ));
        if self.keeps(Cut::Reasons) {
            out.push_str(&format!(
                "{indent}- because {}: {}\n",
                escape(&step.because.place.to_string()),
                escape(&step.because.fact)
            ));
        }
        if self.keeps(Cut::EnvLines) {
            step.env
                .iter()
                .for_each(|change| env_lines(change, &indent, out));
        }
    }

    fn foot(&self, out: &mut String) {
        if !self.cuts.is_empty() {
            let names: Vec<&str> = self.cuts.iter().map(|(name, _)| *name).collect();
            out.push_str(&format!(
                "\nCut to fit this host's limit: {}. `replform plan` shows all of it.\n",
                names.join(", ")
            ));
        }
        if !self.plan.is_empty() && !self.plan.is_blocked() {
            out.push_str(&format!(
                "\nExactly this, once approved: `replform apply{} -auto-approve -expect-plan={}`\n",
                self.comment.options, self.plan.hash
            ));
        }
        if let Some(at) = self.comment.observed_at {
            out.push_str(&format!(
                "\nMade from facts that were saved at {}.\n",
                escape(at)
            ));
        }
    }
}

fn badge(severity: &Severity) -> &'static str {
    match severity {
        Severity::Blocked => "BLOCKED",
        Severity::Hazard { allowed: None, .. } => "NOT ALLOWED",
        Severity::Hazard { .. } => "allowed hazard",
        Severity::Unknown => "unknown",
        Severity::Warning => "warning",
    }
}

fn env_lines(change: &EnvDiff, indent: &str, out: &mut String) {
    out.push_str(&format!(
        "\n{indent}{} on {}\n\n{indent}```diff\n",
        escape(&change.path),
        escape(&change.hosts.join(", "))
    ));
    for line in changed_lines(&change.before, &change.after) {
        // A fence in a value would end the block.
        out.push_str(&format!("{indent}{}\n", line.replace("```", "` ` `")));
    }
    out.push_str(&format!("{indent}```\n"));
    if let Some(command) = &change.on_change {
        out.push_str(&format!("\n{indent}then: {}\n", escape(command)));
    }
}

/// The replications that change, before and after.
fn pictures(plan: &Plan, out: &mut String) {
    let changes = |one: &&PlannedReplication| one.picture.iter().any(|row| row.before != row.after);
    let changed: Vec<&PlannedReplication> = plan.replications.iter().filter(changes).collect();
    let members: usize = changed.iter().map(|one| one.picture.len()).sum();
    if members > DRAWN {
        table(&changed, members, out);
    } else {
        changed.iter().for_each(|one| picture(one, out));
    }
}

/// Members that change, a row each: too many for a picture.
fn table(replications: &[&PlannedReplication], members: usize, out: &mut String) {
    let rows = replications.iter().flat_map(|one| {
        let rows = one.picture.iter().filter(|row| row.before != row.after);
        rows.map(move |row| (one, row))
    });
    let rows: Vec<_> = rows.collect();
    out.push_str(&format!(
        "\n<details><summary>{} of {members} members change</summary>\n\n\
         | replication | server | before | after |\n|---|---|---|---|\n",
        rows.len()
    ));
    for (replication, row) in rows {
        let cells = [&replication.name, &row.subject, &row.before, &row.after];
        let cells = cells.map(|text| escape(text));
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    out.push_str("\n</details>\n");
}

/// Before and after, as code hosts draw it.
fn picture(replication: &PlannedReplication, out: &mut String) {
    let rows = &replication.picture;
    out.push_str(&format!(
        "\n{} ({})\n\n```mermaid\nflowchart LR\n",
        escape(&replication.name),
        escape(&replication.engine)
    ));
    for (letter, title, after) in [("b", "before", false), ("a", "after", true)] {
        out.push_str(&format!("  subgraph {title}\n    direction LR\n"));
        for (index, row) in rows.iter().enumerate() {
            let text = if after { &row.after } else { &row.before };
            out.push_str(&format!(
                "    {letter}{index}[\"{}\"]\n",
                mermaid_label(&format!("{}\n{text}", row.subject))
            ));
        }
        for (index, row) in rows.iter().enumerate() {
            let stands = row
                .relation
                .as_ref()
                .is_some_and(|relation| relation.stands());
            let linked = stands || (after && row.after != row.before);
            let from = row
                .upstream
                .as_ref()
                .and_then(|upstream| place(rows, upstream));
            if let (true, Some(from)) = (linked, from) {
                out.push_str(&format!("    {letter}{from} --> {letter}{index}\n"));
            }
        }
        out.push_str("  end\n");
    }
    // An arrow that isn't drawn: else what comes after may be placed before.
    out.push_str("  before ~~~ after\n```\n");
}

fn place(rows: &[crate::plan::PictureRow], member: &MemberId) -> Option<usize> {
    rows.iter().position(|row| row.member == *member)
}

/// The first characters of a text.
fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// Text of a host or a file so that Markdown shows it as it is: nothing of it becomes markup, a link, or calls a person.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            '|' => out.push_str("&#124;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_that_a_host_says_becomes_markup() {
        assert_eq!(
            escape("a_b | <img> @team `x` [y](z)\n# h"),
            "a\\_b &#124; &lt;img&gt; &#64;team \\`x\\` \\[y\\](z) \\# h"
        );
    }
}
