//! Plays a scenario in a lab of its own, step by step, and tells the story so far when a step fails.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::expect::Expect;
use super::run::run_work;
use super::secrets::stays_secret;
use super::story::{Act, Scenario, Step, Work};
use super::text::{Saved, Text};
use crate::lab::{Lab, Ran, Running};
use crate::writer::Writer;

/// A scenario under way.
pub struct Play<'scenario> {
    pub scenario: &'scenario Scenario,
    pub lab: Lab,
    /// Where replform runs: its configuration, and what it saves.
    pub project: PathBuf,
    pub saved: Saved,
    /// All that replform has said.
    pub said: String,
    running: BTreeMap<String, Running>,
    writer: Option<Writer>,
    /// What the last writer got acknowledged.
    written: Vec<u64>,
    /// What replform last said about writes: the promise, shown beside the measured pause.
    promise: String,
}

/// Plays it to its end, whatever the end is; its hosts are gone afterwards.
///
/// # Errors
/// The step that failed, why, and the story so far with its times.
pub fn play(title: &str, scenario: &Scenario) -> Result<(), String> {
    let started = Instant::now();
    let mut play = Play::begin(title, scenario)?;
    let mut story = format!(
        "{}\n  {:5.1} s  its hosts are up\n",
        scenario.about,
        started.elapsed().as_secs_f64()
    );
    for step in &scenario.steps {
        let began = Instant::now();
        // A lab that can't go on panics; its words are the reason then.
        let outcome = catch_unwind(AssertUnwindSafe(|| play.step(step))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            Err(text.unwrap_or_else(|| "it panicked".to_owned()))
        });
        story.push_str(&format!(
            "  {:5.1} s  {}\n",
            began.elapsed().as_secs_f64(),
            step.title
        ));
        if let Err(why) = outcome {
            play.lab.keep_if_wanted();
            for (name, running) in &play.running {
                story.push_str(&format!("\n--- \"{name}\" says\n{}", running.talk()));
            }
            return Err(format!(
                "{story}\n{}:{}: {}\n{why}",
                scenario.page, step.line, step.title
            ));
        }
    }
    crate::report(&format!("{title}: {:.1?}\n{story}", started.elapsed()));
    Ok(())
}

/// A name that no other lab of this process has, and that tells whose it is.
fn lab_name(title: &str) -> String {
    static LABS: AtomicU32 = AtomicU32::new(1);
    let name = title.rsplit(':').next().unwrap_or_default();
    let short = &name[..name.len().min(8)];
    format!("{short}{}", LABS.fetch_add(1, Ordering::SeqCst))
}

impl<'scenario> Play<'scenario> {
    fn begin(title: &str, scenario: &'scenario Scenario) -> Result<Self, String> {
        let hosts: Vec<String> = scenario
            .hosts
            .iter()
            .map(|host| format!("{}={}@{}", host.name, host.image, host.address))
            .collect();
        let specs: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let lab = catch_unwind(|| Lab::up(&lab_name(title), &specs)).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.unwrap_or_else(|| "the lab did not come up".to_owned())
        })?;
        let project = lab.scratch().join("project");
        std::fs::create_dir(&project).map_err(|error| error.to_string())?;
        super::lay_out_project(scenario, "main.rf.hcl", &project)?;
        Ok(Self {
            scenario,
            lab,
            project,
            saved: Saved::new(),
            said: String::new(),
            running: BTreeMap::new(),
            writer: None,
            written: Vec::new(),
            promise: String::new(),
        })
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match &step.act {
            Act::On {
                hosts,
                work,
                save,
                expect,
            } => self.on(hosts, work, save.as_deref(), expect),
            Act::Wait { host, work, expect } => {
                let deadline = Instant::now() + work.within;
                loop {
                    let ran = run_work(self, host, work);
                    match expect.hold(&ran, &self.saved) {
                        Ok(()) => return Ok(()),
                        Err(why) if Instant::now() > deadline => {
                            return Err(format!("waited {:?} in vain: {why}", work.within));
                        }
                        Err(_) => std::thread::sleep(Duration::from_millis(50)),
                    }
                }
            }
            Act::Page { file } => super::lay_out_project(self.scenario, file, &self.project),
            Act::Replform {
                arguments,
                within,
                expect,
            } => {
                let ran = self.replform(arguments, *within);
                expect.hold(&ran, &self.saved)
            }
            Act::NothingToDo => self.nothing_to_do(),
            Act::StaysSecret { what, secret } => stays_secret(self, what, secret),
            Act::Start { .. }
            | Act::Hear { .. }
            | Act::Kill { .. }
            | Act::Interrupt { .. }
            | Act::Finish { .. } => self.beside(&step.act),
            Act::WriterStarts { .. } | Act::WriterStops { .. } | Act::SameData { .. } => {
                self.data(&step.act)
            }
            Act::Cut { .. }
            | Act::Heal { .. }
            | Act::PowerOff { .. }
            | Act::PowerOn { .. }
            | Act::Disk { .. } => {
                self.fault(&step.act);
                Ok(())
            }
        }
    }

    /// Runs a script on hosts, side by side.
    fn on(
        &mut self,
        hosts: &[String],
        work: &Work,
        save: Option<&str>,
        expect: &Expect,
    ) -> Result<(), String> {
        let play = &*self;
        let answers: Vec<Ran> = std::thread::scope(|scope| {
            let started: Vec<_> = hosts
                .iter()
                .map(|host| scope.spawn(move || run_work(play, host, work)))
                .collect();
            let ended = started.into_iter().map(|one| one.join());
            ended
                .map(|ran| ran.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        for (host, ran) in hosts.iter().zip(&answers) {
            let held = expect.hold(ran, &self.saved);
            held.map_err(|why| format!("{host}: {why}"))?;
            if let Some(name) = save {
                self.saved.insert(name.to_owned(), ran.line().to_owned());
            }
        }
        Ok(())
    }

    fn replform(&mut self, arguments: &[String], within: Duration) -> Ran {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = self.lab.replform_within(&self.project, &arguments, within);
        self.remember(&ran);
        ran
    }

    fn remember(&mut self, ran: &Ran) {
        self.said.push_str(&ran.to_string());
        let promises: Vec<&str> = ran
            .stdout
            .lines()
            .filter(|line| line.contains("no writes"))
            .map(str::trim)
            .collect();
        if !promises.is_empty() {
            self.promise = promises.join("; ");
        }
    }

    fn nothing_to_do(&mut self) -> Result<(), String> {
        let arguments = ["plan", "-detailed-exitcode"].map(str::to_owned);
        let ran = self.replform(&arguments, Duration::from_secs(120));
        let empty = ran
            .stdout
            .lines()
            .any(|line| line.starts_with("No changes."));
        if ran.code == 0 && empty {
            return Ok(());
        }
        Err(format!("the plan isn't empty\n{ran}"))
    }

    /// What concerns commands that run beside the story.
    fn beside(&mut self, act: &Act) -> Result<(), String> {
        match act {
            Act::Start { name, arguments } => {
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                let running = self.lab.spawn_replform(&self.project, name, &arguments);
                self.running.insert(name.clone(), running);
            }
            Act::Hear { name, says, within } => {
                let text = says.fill(&self.saved);
                let running = self.started(name)?;
                let deadline = Instant::now() + *within;
                while !running.talk().contains(&text) {
                    if Instant::now() > deadline {
                        let talk = running.talk();
                        return Err(format!("waited {within:?} in vain for {text:?}:\n{talk}"));
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            Act::Interrupt { name } => self.started(name)?.interrupt(),
            Act::Kill { name } => {
                let ran = self.take(name)?.kill();
                self.remember(&ran);
            }
            Act::Finish {
                name,
                within,
                expect,
            } => {
                let ran = self.take(name)?.finish(*within);
                self.remember(&ran);
                return expect.hold(&ran, &self.saved);
            }
            _ => {}
        }
        Ok(())
    }

    fn started(&self, name: &str) -> Result<&Running, String> {
        let running = self.running.get(name);
        running.ok_or_else(|| format!("\"{name}\" does not run"))
    }

    fn take(&mut self, name: &str) -> Result<Running, String> {
        let running = self.running.remove(name);
        running.ok_or_else(|| format!("\"{name}\" does not run"))
    }

    /// What concerns the writer and what it wrote.
    fn data(&mut self, act: &Act) -> Result<(), String> {
        match act {
            Act::WriterStarts { host, with } => {
                let script = super::run::script_text(self.scenario, "writer.sh");
                let with = self.fill(with);
                self.writer = Some(Writer::start(&self.lab, host, &script, &with));
                Ok(())
            }
            Act::WriterStops {
                longest_pause,
                lost_connections,
            } => {
                let writer = self.writer.take().ok_or("no writer writes")?;
                let written = writer.stop(&self.lab);
                crate::report(&format!(
                    "longest pause {:?}, {} connections lost, {} writes acknowledged; replform said: {}",
                    written.longest_pause,
                    written.lost_connections,
                    written.acknowledged.len(),
                    self.promise,
                ));
                let lost = written.lost_connections;
                self.written = written.acknowledged;
                if longest_pause.is_some_and(|bound| written.longest_pause > bound) {
                    return Err(format!("{:?} without a write", written.longest_pause));
                }
                match lost_connections {
                    Some(bound) if *bound != lost => Err(format!("{lost} connections were lost")),
                    _ => Ok(()),
                }
            }
            Act::SameData {
                primary,
                replicas,
                with,
                within,
            } => super::run::same_data(self, primary, replicas, with, *within),
            _ => Ok(()),
        }
    }

    fn fault(&self, act: &Act) {
        match act {
            Act::Cut { host, lasting } => {
                self.lab.host(host).cut();
                if let Some(lasting) = lasting {
                    std::thread::sleep(*lasting); // the length of the outage is what is tested
                    self.lab.host(host).heal();
                }
            }
            Act::Heal { host } => self.lab.host(host).heal(),
            Act::PowerOff { host } => self.lab.host(host).power_off(),
            Act::PowerOn { host } => self.lab.host(host).power_on(),
            Act::Disk { host, path, size } => self.lab.host(host).fill(path, size),
            _ => {}
        }
    }

    /// The variables that a script gets: all that was saved, and those of its step.
    pub fn fill(&self, with: &BTreeMap<String, Text>) -> Vec<(String, String)> {
        let mut variables = self.saved.clone();
        for (name, text) in with {
            variables.insert(name.clone(), text.fill(&self.saved));
        }
        variables.into_iter().collect()
    }

    /// Numbers that the last writer got acknowledged.
    pub fn written(&self) -> &[u64] {
        &self.written
    }
}
