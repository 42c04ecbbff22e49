//! Shows an apply while it runs: bars on a terminal, plain lines elsewhere, JSON events for programs. One event stream feeds
//! all three. Talks on standard error; JSON events are data and go to standard output.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

use super::{EventLog, Streams};
use crate::apply::{Event, Events, Progress};
use crate::plan::{Counts, Plan, Step, StepId};
use crate::topology::{Bytes, format_duration};

/// Plain output says at most this often how far a step is.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A task that shows events until the last sender is gone.
pub struct Reporter {
    task: JoinHandle<()>,
}

impl Reporter {
    /// Starts showing; events go into what is returned.
    pub fn start(streams: Streams, plan: &Plan, log: EventLog) -> (Self, Events) {
        let (sender, receiver) = unbounded_channel();
        let steps = plan
            .steps
            .iter()
            .map(|step| (step.id.clone(), Shown::of(step)))
            .collect();
        let bars = (!log.prints() && Streams::talks_to_terminal()).then(MultiProgress::new);
        let view = View {
            streams,
            steps,
            counts: plan.counts,
            log,
            bars,
            running: BTreeMap::new(),
        };
        (
            Self {
                task: tokio::spawn(view.follow(receiver)),
            },
            Events(sender),
        )
    }

    /// Waits until everything has been shown; every sender must be gone by then.
    pub async fn end(self) {
        // A reporter that broke has nothing more to show.
        let _ = self.task.await;
    }
}

/// A step's line: its word and subject.
struct Shown {
    name: String,
    action: &'static str,
    expected: Option<u64>,
}

impl Shown {
    fn of(step: &Step) -> Self {
        Self {
            name: format!("{:<9}  {}", step.kind.word(), step.subject),
            action: step.kind.word(),
            expected: step.cost.bytes.map(|bytes| bytes.0),
        }
    }
}

struct Running {
    bar: Option<ProgressBar>,
    said: Instant,
}

struct View {
    streams: Streams,
    steps: BTreeMap<StepId, Shown>,
    counts: Counts,
    log: EventLog,
    bars: Option<MultiProgress>,
    running: BTreeMap<StepId, Running>,
}

impl View {
    async fn follow(mut self, mut events: UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            if self.log.wanted() {
                let at = jiff::Timestamp::now().to_string();
                self.log.write(&self.json(&event, at));
            }
            if !self.log.prints() {
                self.show(&event);
            }
        }
        if let Some(bars) = &self.bars {
            // Whatever still draws would overwrite what is printed next.
            let _ = bars.clear();
        }
    }

    /// An event with Terraform's keys and type names where the meaning is the same.
    fn json(&self, event: &Event, at: String) -> serde_json::Value {
        let level = match event {
            Event::Failed { .. } => "error",
            Event::NotRun { .. } | Event::Interrupted { .. } => "warn",
            _ => "info",
        };
        let mut object = serde_json::json!({
            "@level": level,
            "@message": self.sentence(event).trim(),
            "@module": "replform.apply",
            "@timestamp": at,
        });
        let own = serde_json::to_value(event).unwrap_or_default();
        let (serde_json::Value::Object(map), serde_json::Value::Object(own)) = (&mut object, own)
        else {
            return object;
        };
        let kind = match event {
            Event::Started { .. } => "apply_start",
            Event::Progress { .. } => "apply_progress",
            Event::Finished { .. } => "apply_complete",
            Event::Failed { .. } => "apply_errored",
            Event::Summary { .. } => "change_summary",
            _ => own
                .get("event")
                .and_then(|kind| kind.as_str())
                .unwrap_or("note"),
        };
        map.insert("type".into(), kind.into());
        if let Some(step) = event.step() {
            map.insert("hook".into(), self.hook(step, event));
        }
        if let Event::Summary {
            failed: 0,
            not_run: 0,
            ..
        } = event
        {
            let counts = self.counts;
            map.insert(
                "changes".into(),
                serde_json::json!({"add": counts.add, "change": counts.change, "remove": counts.destroy, "operation": "apply"}),
            );
        }
        map.extend(own.into_iter().filter(|(key, _)| key != "event"));
        object
    }

    fn hook(&self, step: &StepId, event: &Event) -> serde_json::Value {
        let action = self.steps.get(step).map_or("", |shown| shown.action);
        let mut hook = serde_json::json!({"resource": {"addr": step.0}, "action": action});
        if let (Event::Finished { seconds, .. }, Some(map)) = (event, hook.as_object_mut()) {
            map.insert("elapsed_seconds".into(), (*seconds).into());
        }
        hook
    }

    fn name<'a>(&'a self, step: &'a StepId) -> &'a str {
        self.steps
            .get(step)
            .map_or(step.0.as_str(), |shown| shown.name.as_str())
    }

    fn sentence(&self, event: &Event) -> String {
        match event {
            Event::LockWaiting { machine, holder } => {
                format!("  ..  waiting for {machine}, held by {holder}")
            }
            Event::Started { step } => format!("  ..  {}", self.name(step)),
            Event::Attached { step } => format!(
                "  ..  {}  goes on with the job that runs there",
                self.name(step)
            ),
            Event::Waiting { step, holder } => {
                format!("  ..  {}  waits for {holder}", self.name(step))
            }
            Event::Note { step, text } => format!("      {}  {text}", self.name(step)),
            Event::Progress { step, progress } => {
                format!("  ..  {}  {}", self.name(step), how_far(progress))
            }
            Event::Finished { step, seconds, .. } => {
                format!(
                    "  ok  {}  {}",
                    self.name(step),
                    format_duration(Duration::from_secs_f64(*seconds))
                )
            }
            Event::Failed { step, failure } => {
                format!("FAIL  {}  {}", self.name(step), failure.message)
            }
            Event::NotRun {
                step,
                because: Some(failed),
            } => {
                format!(
                    "  --  {}  not run, it needs {}",
                    self.name(step),
                    self.name(failed)
                )
            }
            Event::NotRun {
                step,
                because: None,
            } => format!("  --  {}  not run", self.name(step)),
            Event::Interrupted { leaving: false } => {
                "Interrupted: running steps are finished, none is started; again to leave at once."
                    .to_owned()
            }
            Event::Interrupted { leaving: true } => {
                "Leaving: jobs go on on their hosts.".to_owned()
            }
            Event::Summary {
                done,
                failed,
                not_run,
                ..
            } => format!("{done} done, {failed} failed, {not_run} not run"),
        }
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::Started { step } => {
                let bar = self.bar(step);
                if bar.is_none() {
                    self.print(&self.sentence(event));
                }
                self.running.insert(
                    step.clone(),
                    Running {
                        bar,
                        said: Instant::now(),
                    },
                );
            }
            Event::Progress { step, progress } => self.progress(event, step, progress),
            Event::Finished { step, .. } | Event::Failed { step, .. } => {
                if let Some(Running { bar: Some(bar), .. }) = self.running.remove(step) {
                    bar.finish_and_clear();
                }
                self.print(&self.sentence(event));
            }
            Event::Summary { .. } => {}
            Event::LockWaiting { .. }
            | Event::Attached { .. }
            | Event::Waiting { .. }
            | Event::Note { .. }
            | Event::NotRun { .. }
            | Event::Interrupted { .. } => self.print(&self.sentence(event)),
        }
    }

    /// A spinner; it becomes a bar when bytes are told.
    fn bar(&self, step: &StepId) -> Option<ProgressBar> {
        let bars = self.bars.as_ref()?;
        let bar = bars.add(ProgressBar::new_spinner());
        bar.set_style(style("  {spinner} {prefix}  {elapsed}"));
        bar.set_prefix(self.name(step).to_owned());
        bar.enable_steady_tick(Duration::from_millis(150));
        Some(bar)
    }

    fn progress(&mut self, event: &Event, step: &StepId, progress: &Progress) {
        let text = self.sentence(event);
        let expected = self.steps.get(step).and_then(|shown| shown.expected);
        let Some(running) = self.running.get_mut(step) else {
            return;
        };
        let Some(bar) = &running.bar else {
            if running.said.elapsed() >= LINE_EVERY {
                running.said = Instant::now();
                self.streams.talk(&format!("{text}\n"));
            }
            return;
        };
        let total = progress.total.or(expected).unwrap_or(0).max(progress.done);
        if bar.length() != Some(total) {
            bar.set_style(style("  {spinner} {prefix}  {bar:24} {msg}"));
            bar.set_length(total);
        }
        bar.set_position(progress.done);
        bar.set_message(how_far(progress));
    }

    fn print(&self, line: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| self.streams.talk(&format!("{line}\n"))),
            None => self.streams.talk(&format!("{line}\n")),
        }
    }
}

/// The templates stand above, and a test draws both: one that doesn't parse falls back to indicatif's own.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .tick_chars("-\\|/ ")
        .progress_chars("█░░")
}

/// `141 of 212 MB, 48 MB/s, 1.5 s left`.
fn how_far(progress: &Progress) -> String {
    let mut text = match progress.total {
        Some(total) => format!("{} of {}", Bytes(progress.done), Bytes(total)),
        None => Bytes(progress.done).to_string(),
    };
    if let Some(rate) = progress.rate {
        text.push_str(&format!(", {}/s", Bytes(rate as u64)));
    }
    if let Some(left) = progress.eta.filter(|left| left.is_finite()) {
        text.push_str(&format!(
            ", {} left",
            format_duration(Duration::from_secs_f64(left.clamp(0.0, 1e7)))
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_says_what_is_known() {
        let progress = Progress {
            done: 141_000_000,
            total: Some(212_000_000),
            rate: Some(48e6),
            eta: Some(1.5),
        };
        assert_eq!(how_far(&progress), "141 MB of 212 MB, 48 MB/s, 1.5 s left");
        let unknown = Progress {
            done: 5_000,
            total: None,
            rate: None,
            eta: None,
        };
        assert_eq!(how_far(&unknown), "5 kB");
    }

    #[test]
    fn json_events_carry_terraforms_keys() {
        let step = StepId("orders.reader.backup".to_owned());
        let view = View {
            streams: Streams::new(true, |_| None),
            steps: BTreeMap::from([(
                step.clone(),
                Shown {
                    name: "backup     eu/db2".to_owned(),
                    action: "backup",
                    expected: None,
                },
            )]),
            counts: Counts {
                add: 1,
                change: 2,
                destroy: 0,
            },
            log: EventLog::open(Streams::new(true, |_| None), false, None).unwrap(),
            bars: None,
            running: BTreeMap::new(),
        };
        let finished = Event::Finished {
            step,
            seconds: 1.5,
            measured: BTreeMap::from([("bytes".to_owned(), 5.0)]),
        };
        assert_eq!(
            view.json(&finished, "T".to_owned()).to_string(),
            concat!(
                r#"{"@level":"info","@message":"ok  backup     eu/db2  1.5 s","@module":"replform.apply","@timestamp":"T","#,
                r#""type":"apply_complete","hook":{"resource":{"addr":"orders.reader.backup"},"action":"backup","elapsed_seconds":1.5},"#,
                r#""step":"orders.reader.backup","seconds":1.5,"measured":{"bytes":5.0}}"#
            )
        );
        let summary = |failed| Event::Summary {
            done: 3,
            failed,
            not_run: 0,
            seconds: 2.0,
        };
        let changes = |failed| view.json(&summary(failed), String::new())["changes"].clone();
        assert_eq!(changes(0)["add"], 1);
        assert!(changes(1).is_null());
    }

    /// Everything that is printed under -json, held against schemas/events.json.
    #[test]
    fn every_event_fits_the_schema() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/events.json");
        let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let golden = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/plans/wal-gone/expected.json"
        );
        let plan: Plan = serde_json::from_str(&std::fs::read_to_string(golden).unwrap()).unwrap();
        let streams = Streams::new(true, |_| None);
        let log = EventLog::open(streams, false, None).unwrap();
        let steps = plan.steps.iter();
        let view = View {
            streams,
            steps: steps
                .map(|step| (step.id.clone(), Shown::of(step)))
                .collect(),
            counts: plan.counts,
            log,
            bars: None,
            running: BTreeMap::new(),
        };
        let step = plan.steps[0].id.clone();
        let progress = Progress {
            done: 1,
            total: Some(2),
            rate: Some(0.5),
            eta: None,
        };
        let mut lines = crate::ui::plan_events(&plan, "T");
        lines.push(crate::ui::version_event("T"));
        let events = [
            Event::LockWaiting {
                machine: plan.steps[0].machine.clone(),
                holder: "somebody".to_owned(),
            },
            Event::Started { step: step.clone() },
            Event::Attached { step: step.clone() },
            Event::Waiting {
                step: step.clone(),
                holder: "somebody".to_owned(),
            },
            Event::Note {
                step: step.clone(),
                text: "a note".to_owned(),
            },
            Event::Progress {
                step: step.clone(),
                progress,
            },
            Event::Finished {
                step: step.clone(),
                seconds: 1.5,
                measured: BTreeMap::from([("bytes".to_owned(), 5.0)]),
            },
            Event::NotRun {
                step,
                because: None,
            },
            Event::Interrupted { leaving: true },
            Event::Summary {
                done: 1,
                failed: 0,
                not_run: 0,
                seconds: 1.0,
            },
        ];
        lines.extend(events.iter().map(|event| view.json(event, "T".to_owned())));
        for line in &lines {
            let errors: Vec<String> = schema.iter_errors(line).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{line}: {errors:?}");
        }
        let mut unknown = lines[0].clone();
        unknown["type"] = "something".into();
        assert!(!schema.is_valid(&unknown));
    }

    #[test]
    fn the_bars_templates_parse() {
        for template in [
            "  {spinner} {prefix}  {elapsed}",
            "  {spinner} {prefix}  {bar:24} {msg}",
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
