//! Detached jobs: started as systemd units on their host, watched from here, taken up again by whoever comes next.
//!
//! A job's folder on the host says all there is to know (see [`crate::plan::host_files`]); a folder with neither a unit nor a
//! status of its own is unknown, never success.

use std::time::{Duration, Instant};

use super::answer::Answer;
use super::compose::SecretText;
use super::errand::{Errand, LOCK_TRY_SECONDS};
use super::events::{Event, Pace};
use super::outcome::{Failure, Phase};
use super::own::own;
use super::{ComposeError, compose};
use crate::plan::JobCall;
use crate::plan::host_files::{JOBS, job_name};
use crate::remote::{Command, Output};

const LOOK: &str = include_str!("job-look.sh");
const START: &str = include_str!("job-start.sh");
const STOP: &str = include_str!("job-stop.sh");
const WATCH: &str = include_str!("job-watch.sh");
const REMOVE: &str = include_str!("job-remove.sh");

/// The limit of looking, starting and tidying up.
const OWN_LIMIT: Duration = Duration::from_secs(60);
/// How long a host that went silent is tried for while its job goes on.
const PATIENCE: Duration = Duration::from_secs(90);
/// A job that has made no progress for this long is ended on its host (frame.sh).
const STALL: Duration = Duration::from_secs(30 * 60);
/// A watch is begun anew after this long.
const WATCH_SPAN: Duration = Duration::from_secs(3600);

/// One job of one step.
pub(super) struct Jobs<'a> {
    pub(super) errand: Errand<'a>,
    pub(super) job: &'a JobCall,
    pub(super) variables: &'a [(&'a str, &'a str)],
}

/// A folder of a job on its host.
struct Folder {
    id: String,
    hash: String,
    state: FolderState,
}

#[derive(PartialEq, Eq)]
enum FolderState {
    Running,
    Ended(i32),
    Unknown,
}

/// How a watch ended.
enum Watched {
    Ended(i32, Answer),
    Gone(String, Answer),
    Cut(String),
}

impl Jobs<'_> {
    fn failure(&self, phase: Phase, message: impl AsRef<str>) -> Failure {
        self.errand.failure(phase, message)
    }

    /// Runs the job to its end, and leaves its folder: attaches to one that runs, takes the result of one that is done, else starts one.
    pub(super) async fn run(&self) -> Result<Answer, Failure> {
        let hash = self.job.call.identity().ok_or_else(|| {
            let unknown = ComposeError::UnknownScript(self.job.call.script.clone());
            self.failure(Phase::Reach, unknown.to_string())
        })?;
        let name = job_name(&self.job.name);
        let folders = self.look(&name).await?;
        if let Some(other) = folders
            .iter()
            .find(|f| f.state == FolderState::Running && f.hash != hash)
        {
            return Err(self.failure(
                Phase::Lock,
                format!("the job {name}.{} runs there with other arguments; wait for it, or stop its unit replform-{name}.{}", other.id, other.id),
            ));
        }
        let mut id = None;
        if let Some(running) = folders.iter().find(|f| f.state == FolderState::Running) {
            self.errand.context.events.send(Event::Attached {
                step: self.errand.step.clone(),
            });
            id = Some(running.id.clone());
        } else if let Some(done) = folders
            .iter()
            .find(|f| f.state == FolderState::Ended(0) && f.hash == hash)
            && self.still_holds(&name, &done.id).await?
        {
            self.errand
                .note("it was done already, and is whole: taken up".to_owned());
            id = Some(done.id.clone());
        }
        let stale: Vec<&str> = folders
            .iter()
            .map(|f| f.id.as_str())
            .filter(|other| Some(*other) != id.as_deref())
            .collect();
        self.remove(&name, &stale).await?;
        let id = match id {
            Some(id) => id,
            None => self.start(&name, &hash).await?,
        };
        // Its folder stays: until what it made has been used, the next apply finds it by it.
        self.watch_to_the_end(&name, &id).await
    }

    /// Removes the folders of all jobs of this name; none of them may run.
    ///
    /// # Errors
    /// When the machine can't be reached, or one of them runs.
    pub(super) async fn forget(&self) -> Result<(), Failure> {
        let name = job_name(&self.job.name);
        let folders = self.look(&name).await?;
        let ids: Vec<&str> = folders.iter().map(|folder| folder.id.as_str()).collect();
        self.remove(&name, &ids).await
    }

    /// A text of apply's own.
    async fn command(&self, script: &str, variables: &[(&str, &str)]) -> Result<Output, Failure> {
        let text = own(script, variables)
            .map_err(|error| self.failure(Phase::Reach, error.to_string()))?;
        self.errand.run(&text, OWN_LIMIT).await
    }

    async fn look(&self, name: &str) -> Result<Vec<Folder>, Failure> {
        let output = self.command(LOOK, &[("name", name)]).await?;
        let text = output.stdout_text();
        if text.lines().last() != Some("looked") {
            return Err(self.failure(
                Phase::Reach,
                format!(
                    "its jobs can't be looked at: {}",
                    output.stderr_text().trim()
                ),
            ));
        }
        Ok(text.lines().filter_map(folder).collect())
    }

    async fn remove(&self, name: &str, ids: &[&str]) -> Result<(), Failure> {
        if ids.is_empty() {
            return Ok(());
        }
        let output = self
            .command(REMOVE, &[("name", name), ("ids", &ids.join("\n"))])
            .await?;
        if output.status.success() {
            Ok(())
        } else {
            Err(self.failure(
                Phase::Reach,
                format!("an old job's folder stays: {}", output.stderr_text().trim()),
            ))
        }
    }

    /// A job that ended well long ago: is what it made still there?
    async fn still_holds(&self, name: &str, id: &str) -> Result<bool, Failure> {
        match self.phases(name, id, "check verify").await {
            Ok(_) => Ok(true),
            Err(failure) if matches!(failure.phase, Phase::Check | Phase::Verify) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// The job's script with the variables of one of its folders.
    fn text(&self, name: &str, id: &str, ending: &str) -> Result<SecretText, Failure> {
        let folder = format!("{JOBS}/{name}.{id}");
        let stall = STALL.as_secs().to_string();
        let mut variables = self.variables.to_vec();
        variables.push(("job", folder.as_str()));
        variables.push(("replform_stall", stall.as_str()));
        let secrets = &self.errand.context.secrets;
        compose(&self.job.call, &variables, ending, secrets)
            .map_err(|error| self.failure(Phase::Reach, error.to_string()))
    }

    /// Phases of the job's script over SSH, under the instance's lock.
    async fn phases(&self, name: &str, id: &str, phases: &str) -> Result<Answer, Failure> {
        let ending = format!(
            "replform_lock \"$replform_lock_file\" \"$replform_who\" {LOCK_TRY_SECONDS}\nreplform_step_phases {phases}"
        );
        let text = self.text(name, id, &ending)?;
        let limit = Duration::from_secs(self.job.call.timeout_seconds + LOCK_TRY_SECONDS);
        self.errand.under_lock(&text, limit).await
    }

    async fn start(&self, name: &str, hash: &str) -> Result<String, Failure> {
        let id = random_id().map_err(|why| self.failure(Phase::Reach, why))?;
        self.phases(name, &id, "check").await?;
        let text = self.text(
            name,
            &id,
            &format!("replform_job {id} {hash} \"$replform_lock_file\""),
        )?;
        let start = [
            ("name", name),
            ("id", id.as_str()),
            ("hash", hash),
            ("seconds", "0"),
            ("text", text.as_str()),
            ("stop", STOP),
        ];
        let output = self.command(START, &start).await?;
        if output.status.success() && output.stdout_text().trim() == "started" {
            Ok(id)
        } else {
            let said = output.stderr_text();
            Err(self.failure(
                Phase::Run,
                format!("the job wasn't started: {}", said.trim()),
            ))
        }
    }

    /// Watches until the job ends, through lost connections.
    async fn watch_to_the_end(&self, name: &str, id: &str) -> Result<Answer, Failure> {
        let mut pace = Pace::default();
        let mut deadline = Instant::now() + PATIENCE;
        loop {
            let began = Instant::now();
            match self.watch(name, id, &mut pace).await {
                Watched::Ended(0, answer) => return Ok(answer),
                Watched::Ended(code, answer) => return Err(self.ended_badly(code, answer)),
                Watched::Gone(how, answer) => {
                    let mut failure = self.failure(Phase::Run, how);
                    failure.log = self.redacted(&answer.log);
                    return Err(failure);
                }
                Watched::Cut(why) => {
                    if began.elapsed() > Duration::from_secs(20) {
                        deadline = Instant::now() + PATIENCE;
                    }
                    if Instant::now() > deadline {
                        let mut failure = self.failure(
                            Phase::Run,
                            format!("the host can't be reached any more: {why}"),
                        );
                        "the job goes on there by itself; the next apply takes it up"
                            .clone_into(&mut failure.state);
                        return Err(failure);
                    }
                    tokio::time::sleep(Duration::from_secs(2)).await;
                }
            }
        }
    }

    fn ended_badly(&self, code: i32, mut answer: Answer) -> Failure {
        let phase = Phase::from_code(code).unwrap_or(Phase::Run);
        let message = match (phase, &answer.held) {
            (Phase::Lock, Some(holder)) => format!("{holder} still works there"),
            _ => answer
                .log
                .pop()
                .unwrap_or_else(|| format!("the job ended with code {code} and said nothing")),
        };
        let mut failure = self.failure(phase, message);
        failure.log = self.redacted(&answer.log);
        failure
    }

    fn redacted(&self, log: &[String]) -> Vec<String> {
        let secrets = &self.errand.context.secrets;
        log.iter().map(|line| secrets.redact(line)).collect()
    }

    async fn watch(&self, name: &str, id: &str, pace: &mut Pace) -> Watched {
        let text = match own(WATCH, &[("name", name), ("id", id)]) {
            Ok(text) => text,
            Err(error) => return Watched::Cut(error.to_string()),
        };
        let connection = match self.errand.context.connect(self.errand.machine).await {
            Ok(connection) => connection,
            Err(error) => return Watched::Cut(error.to_string()),
        };
        let mut running = connection.start(
            Command::new("sh -s")
                .stdin(text.as_bytes().to_vec())
                .timeout(WATCH_SPAN),
        );
        let mut answer = Answer::default();
        while let Some(line) = running.line().await {
            let (word, rest) = line.split_once(' ').unwrap_or((line.as_str(), ""));
            match word {
                "at" => self.progress(rest, pace),
                "ended" => return Watched::Ended(rest.trim().parse().unwrap_or(1), answer),
                "lost" => {
                    return Watched::Gone(
                        format!(
                            "the job was ended from outside ({rest}); run replform apply again"
                        ),
                        answer,
                    );
                }
                "unknown" => {
                    return Watched::Gone("the job is gone without a result (killed, or the host restarted); run replform apply again".to_owned(), answer);
                }
                "absent" => {
                    return Watched::Gone(
                        "the job's folder is gone; run replform apply again".to_owned(),
                        answer,
                    );
                }
                _ => answer.line(&line),
            }
        }
        match running.wait().await {
            Ok(output) => Watched::Cut(format!("watching ended with {}", output.status)),
            Err(error) => Watched::Cut(error.to_string()),
        }
    }

    /// `SECONDS DONE TOTAL`.
    fn progress(&self, rest: &str, pace: &mut Pace) {
        let mut numbers = rest.split_whitespace();
        let at = numbers.next().and_then(|text| text.parse::<f64>().ok());
        let mut bytes = || numbers.next().and_then(|text| text.parse::<u64>().ok());
        if let (Some(at), Some(done), Some(total)) = (at, bytes(), bytes()) {
            let total = if total == 0 {
                self.job.expected.map_or(0, |bytes| bytes.0)
            } else {
                total
            };
            let progress = pace.add(at, done, total);
            self.errand.context.events.send(Event::Progress {
                step: self.errand.step.clone(),
                progress,
            });
        }
    }
}

/// `job ID HASH STATE [CODE]`.
fn folder(line: &str) -> Option<Folder> {
    let mut words = line.strip_prefix("job ")?.split(' ');
    let (id, hash) = (words.next()?.to_owned(), words.next()?.to_owned());
    let state = match (words.next()?, words.next()) {
        ("running", _) => FolderState::Running,
        ("ended", Some(code)) => FolderState::Ended(code.parse().ok()?),
        _ => FolderState::Unknown,
    };
    Some(Folder { id, hash, state })
}

fn random_id() -> Result<String, String> {
    let mut bytes = [0_u8; 4];
    openssl::rand::rand_bytes(&mut bytes)
        .map_err(|error| format!("no random number can be made on this machine: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
