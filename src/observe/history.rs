//! What was applied when, by whom, as the hosts' own journals tell it: every step of apply leaves lines there.
//!
//! [`ask`] reads the journals of all hosts at once; decoding is pure. A host without a journal, or whose journal was
//! rotated, tells less: history is what is left, never a state that plans rest on.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::target;
use crate::remote::{Command, Network};
use crate::topology::Topology;

/// The format version of `history -json`.
pub const HISTORY_FORMAT: &str = "1.0";

/// Journals can be slow to search on a disk.
const LIMIT: Duration = Duration::from_secs(30);
const OUTPUT_BYTES: usize = 16 * 1024 * 1024;

/// Everything that the hosts still know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// See [`HISTORY_FORMAT`].
    pub format_version: String,
    /// The topology's name.
    pub topology: String,
    /// All lines, the oldest first.
    pub lines: Vec<HistoryLine>,
    /// Hosts that could not be asked, and why.
    pub unreachable: Vec<(String, String)>,
}

/// One line of a host's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryLine {
    /// When: RFC 3339, UTC, by the host's clock.
    pub at: String,
    /// The host, as people call it.
    pub host: String,
    /// Who ran apply: user, machine and process.
    pub who: String,
    /// The first 12 digits of the plan's hash.
    pub plan: String,
    /// The step.
    pub step: String,
    /// What happened.
    pub event: HistoryEvent,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", content = "what", rename_all = "snake_case")]
pub enum HistoryEvent {
    /// Something on the host is another than before.
    Changed(String),
    /// The step's part on this host is done and verified.
    Done,
    /// It failed; the script's exit code.
    Failed(String),
}

/// Reads every host's journal. `newest`: at most so many lines of each.
pub async fn ask(network: &Arc<Network>, topology: &Topology, newest: u32) -> History {
    let script = format!(
        "LC_ALL=C timeout 25 journalctl -t replform -q --no-pager -o json --output-fields=MESSAGE -n {newest}"
    );
    let mut asked = JoinSet::new();
    for machine in topology.machines.values() {
        let (network, target, script) = (Arc::clone(network), target(machine), script.clone());
        let label = machine.label.clone();
        asked.spawn(async move {
            let said = match network.connect(&target).await {
                Ok(connection) => {
                    let command = Command::new("sh -s")
                        .stdin(script.into_bytes())
                        .timeout(LIMIT)
                        .output_bytes(OUTPUT_BYTES);
                    match connection.run(command).await {
                        Ok(output) if output.status.success() => Ok(output.stdout_text()),
                        Ok(output) => Err(format!(
                            "{label}: its journal can't be read ({}): {}",
                            output.status,
                            output.stderr_text().trim()
                        )),
                        Err(error) => Err(error.to_string()),
                    }
                }
                Err(error) => Err(error.to_string()),
            };
            (label, said)
        });
    }
    let (mut lines, mut unreachable) = (Vec::new(), Vec::new());
    while let Some(answer) = asked.join_next().await {
        match answer {
            Ok((label, Ok(text))) => lines.extend(decode(&label, &text)),
            Ok((label, Err(why))) => unreachable.push((label, why)),
            Err(error) => tracing::error!(%error, "a host's task ended early"),
        }
    }
    lines.sort_by(|a, b| (&a.at, &a.host).cmp(&(&b.at, &b.host)));
    unreachable.sort();
    History {
        format_version: HISTORY_FORMAT.to_owned(),
        topology: topology.name.clone(),
        lines,
        unreachable,
    }
}

/// A journal as `journalctl -o json` prints it: an object a line. What isn't a line of ours is left out.
pub fn decode(host: &str, text: &str) -> Vec<HistoryLine> {
    text.lines().filter_map(|line| entry(host, line)).collect()
}

fn entry(host: &str, line: &str) -> Option<HistoryLine> {
    let entry: serde_json::Value = serde_json::from_str(line).ok()?;
    let micros: i64 = entry.get("__REALTIME_TIMESTAMP")?.as_str()?.parse().ok()?;
    let message = entry.get("MESSAGE")?.as_str()?;
    let (who, rest) = message.split_once(" plan=")?;
    let (plan, rest) = rest.split_once(" step=")?;
    let (step, what) = rest.split_once(' ')?;
    let event = if let Some(text) = what.strip_prefix("changed: ") {
        HistoryEvent::Changed(text.to_owned())
    } else if what == "done" {
        HistoryEvent::Done
    } else {
        HistoryEvent::Failed(what.strip_prefix("failed, ")?.to_owned())
    };
    Some(HistoryLine {
        at: jiff::Timestamp::from_microsecond(micros).ok()?.to_string(),
        host: host.to_owned(),
        who: who.to_owned(),
        plan: plan.to_owned(),
        step: step.to_owned(),
        event,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_current() {
        let schema = schemars::schema_for!(History);
        let now = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/history.json");
        if std::env::var_os("REPLFORM_REWRITE").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        let then = std::fs::read_to_string(path).unwrap_or_default();
        assert!(then == now, "REPLFORM_REWRITE=1 writes {path} anew");
    }

    #[test]
    fn lines_of_ours_are_understood_and_others_left_out() {
        let line = |message: &str| {
            serde_json::json!({ "__REALTIME_TIMESTAMP": "1795000000000000", "MESSAGE": message })
                .to_string()
        };
        let text = [
            line("root@ci 12 plan=7f3a9c012345 step=orders.reader.account changed: role \"a b\""),
            line("root@ci 12 plan=7f3a9c012345 step=orders.reader.account done"),
            line("root@ci 12 plan=7f3a9c012345 step=orders.reader.link failed, code 21"),
            line("something else"),
            "not JSON".to_owned(),
        ]
        .join("\n");
        let lines = decode("eu/db1", &text);
        assert_eq!(lines.len(), 3);
        assert_eq!(
            lines[0].event,
            HistoryEvent::Changed("role \"a b\"".to_owned())
        );
        assert_eq!(lines[1].who, "root@ci 12");
        assert_eq!(lines[2].event, HistoryEvent::Failed("code 21".to_owned()));
        assert!(lines[0].at.starts_with("2026-11-18T"), "{}", lines[0].at);
    }
}
