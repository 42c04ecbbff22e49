//! What was applied, one block an apply: who, when, which plan, what each host says of it. Pure.

use super::layout::{hang, pad};
use crate::observe::history::{History, HistoryEvent, HistoryLine};

/// The whole of `replform history`, the newest apply last.
pub fn history_text(history: &History) -> String {
    let mut applies: Vec<Vec<&HistoryLine>> = Vec::new();
    for line in &history.lines {
        // One apply is one plan by one process; two of them may run side by side.
        let same = |apply: &&mut Vec<&HistoryLine>| {
            let first = apply[0];
            (&first.plan, &first.who) == (&line.plan, &line.who)
        };
        match applies.iter_mut().find(same) {
            Some(apply) => apply.push(line),
            None => applies.push(vec![line]),
        }
    }
    let mut out = String::new();
    if applies.is_empty() {
        out.push_str(&format!(
            "{}: no host's journal knows of an apply\n",
            history.topology
        ));
    }
    for apply in &applies {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&block(apply));
    }
    for (host, why) in &history.unreachable {
        out.push_str(&hang(&format!("\n  unknown  {host}: "), why));
    }
    out
}

fn block(apply: &[&HistoryLine]) -> String {
    let count =
        |wanted: fn(&HistoryEvent) -> bool| apply.iter().filter(|line| wanted(&line.event)).count();
    let failed = count(|event| matches!(event, HistoryEvent::Failed(_)));
    let result = if failed > 0 {
        format!("{failed} failed")
    } else {
        "all done".to_owned()
    };
    let first = apply[0];
    let mut out = hang(
        "",
        &format!(
            "{} plan {} by {}: {result}",
            short_time(&first.at),
            first.plan,
            first.who
        ),
    );
    let hosts = apply.iter().map(|line| line.host.len()).max().unwrap_or(0);
    for line in apply {
        let what = match &line.event {
            HistoryEvent::Changed(text) => text.clone(),
            HistoryEvent::Done => "done".to_owned(),
            HistoryEvent::Failed(code) => format!("FAILED, {code}"),
        };
        let time = short_time(&line.at);
        let time = time.split(' ').nth(1).unwrap_or_default();
        out.push_str(&hang(
            &format!("  {time}  {}  ", pad(&line.host, hosts)),
            &format!("{}: {what}", line.step),
        ));
    }
    out
}

/// `2026-11-24 08:00:01`, UTC.
fn short_time(at: &str) -> String {
    at.get(..19).unwrap_or(at).replace('T', " ")
}
