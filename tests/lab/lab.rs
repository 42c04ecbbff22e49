//! One lab of one test: brings hosts up through `testdata/lab/lab`, runs commands in them, takes all of it down on drop.
//!
//! It must never work on hosts by itself: the script is the only way in, so what a person does by hand is what tests do.

use std::ffi::OsStr;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::time::Duration;

/// The script that owns labs.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/lab/lab");

/// The longest that one command of a test may take unless the test says otherwise: then it is killed and the test fails.
const COMMAND_LIMIT: Duration = Duration::from_secs(300);

/// Real hosts in a network namespace of their own, gone when this is dropped.
#[derive(Debug)]
pub struct Lab {
    name: String,
    /// Scratch space for configurations and logs, outside the hosts.
    scratch: tempfile::TempDir,
    kept: bool,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit status as the shell would see it; 137 when it was killed for taking too long.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// One host of a lab.
#[derive(Debug, Clone, Copy)]
pub struct Host<'lab> {
    lab: &'lab Lab,
    name: &'lab str,
}

impl Lab {
    /// Boots `hosts`, each written `HOST=IMAGE@ADDRESS`, and waits until all answer.
    ///
    /// # Panics
    /// When they don't come up: no test can go on without them.
    pub fn up(test: &str, hosts: &[&str]) -> Self {
        remove_labs_of_dead_tests();
        let name = format!("t-{test}-{}", std::process::id());
        let lab = Self {
            name,
            scratch: tempfile::tempdir().unwrap(),
            kept: false,
        };
        let mut arguments = vec!["up", &lab.name];
        arguments.extend(hosts);
        script(&arguments).expect_success();
        lab.let_ssh_in();
        lab
    }

    /// Commands of the lab have a home directory of their own, with the lab's key and known_hosts where ssh looks for them.
    fn let_ssh_in(&self) {
        let folder = self.scratch().join(".ssh");
        std::fs::create_dir(&folder).unwrap();
        for file in [self.identity_file(), self.known_hosts()] {
            std::os::unix::fs::symlink(&file, folder.join(file.file_name().unwrap())).unwrap();
        }
    }

    /// Leaves the hosts up where someone wants to look at those of a test that failed.
    pub fn keep_if_wanted(&mut self) {
        self.kept = std::env::var_os("LAB_KEEP").is_some();
    }

    /// The host called `name`.
    pub fn host<'lab>(&'lab self, name: &'lab str) -> Host<'lab> {
        Host { lab: self, name }
    }

    /// Name of the lab as the script knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A folder for this test's files, removed with the lab.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// The lab's private key, let in as root and as deploy on every host.
    pub fn identity_file(&self) -> PathBuf {
        Path::new("/run/replform-lab")
            .join(&self.name)
            .join("id_ed25519")
    }

    /// The host keys of every host.
    pub fn known_hosts(&self) -> PathBuf {
        Path::new("/run/replform-lab")
            .join(&self.name)
            .join("known_hosts")
    }

    /// Runs a program in the lab's network, at most [`COMMAND_LIMIT`].
    pub fn exec<S: AsRef<OsStr>>(&self, directory: &Path, program_and_arguments: &[S]) -> Ran {
        self.exec_within(directory, program_and_arguments, COMMAND_LIMIT)
    }

    /// Runs a program in the lab's network; after `within` it is killed.
    pub fn exec_within<S: AsRef<OsStr>>(
        &self,
        directory: &Path,
        program_and_arguments: &[S],
        within: Duration,
    ) -> Ran {
        let mut command = self.command("timeout");
        command.args(timeout_arguments(within));
        command.args(program_and_arguments).current_dir(directory);
        Ran::from(command.output().unwrap())
    }

    /// Runs replform in the lab's network with `directory` as its configuration, without a terminal.
    pub fn replform(&self, directory: &Path, arguments: &[&str]) -> Ran {
        self.replform_within(directory, arguments, COMMAND_LIMIT)
    }

    /// As [`Lab::replform`]; after `within` it is killed.
    pub fn replform_within(&self, directory: &Path, arguments: &[&str], within: Duration) -> Ran {
        let mut all = vec![env!("CARGO_BIN_EXE_replform")];
        all.extend(arguments);
        self.exec_within(directory, &all, within)
    }

    /// Starts replform and comes back at once. Its output goes to `LOG.out` and `LOG.err` in [`Lab::scratch`].
    pub fn spawn_replform(&self, directory: &Path, log: &str, arguments: &[&str]) -> Running {
        let open =
            |end: &str| std::fs::File::create(self.scratch().join(format!("{log}.{end}"))).unwrap();
        let mut command = self.command(env!("CARGO_BIN_EXE_replform"));
        command
            .args(arguments)
            .current_dir(directory)
            .stdout(open("out"))
            .stderr(open("err"));
        Running {
            child: command.spawn().unwrap(),
            log: self.scratch().join(log),
        }
    }

    /// OpenSSH's client in the lab's network, as a person would call it: the lab's key, its known_hosts, nothing else.
    pub fn ssh_command(&self, target: &str) -> Command {
        let mut command = self.command("ssh");
        command.args([
            "-F",
            "none",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "StrictHostKeyChecking=yes",
            "-i",
        ]);
        command.arg(self.identity_file()).arg("-o");
        command
            .arg(format!(
                "UserKnownHostsFile={}",
                self.known_hosts().display()
            ))
            .arg(target);
        command
    }

    /// `nsenter` becomes the program itself, so the child's pid is the program's.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/rf-{}", self.name))
            .arg(program);
        command
            .stdin(Stdio::null())
            .env_remove("SSH_AUTH_SOCK")
            .env("HOME", self.scratch())
            .env("PATH", with_replform());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("REPLFORM_") {
                command.env_remove(name);
            }
        }
        command
    }
}

/// Scripts call replform as a person does: by its name.
fn with_replform() -> std::ffi::OsString {
    let own = Path::new(env!("CARGO_BIN_EXE_replform")).parent().unwrap();
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(own.to_owned()).chain(std::env::split_paths(&usual));
    std::env::join_paths(all).unwrap()
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.keep_if_wanted();
        }
        if self.kept {
            return;
        }
        let down = script(&["down", &self.name]);
        if !std::thread::panicking() {
            down.expect_success();
        }
    }
}

impl Host<'_> {
    /// Runs a shell script as root in the host, past its network and sshd, so it works with the link cut too.
    pub fn sh(&self, shell: &str) -> Ran {
        self.sh_with_input(shell, "")
    }

    /// As [`Host::sh`], with `input` on its standard input.
    pub fn sh_with_input(&self, shell: &str, input: &str) -> Ran {
        self.run(
            &["sh", "-euc", shell].map(str::to_owned),
            input,
            COMMAND_LIMIT,
        )
    }

    /// Runs a program as root in the host, with `input` on its standard input; after `within` it is killed.
    pub fn run(&self, program_and_arguments: &[String], input: &str, within: Duration) -> Ran {
        let mut limited = vec!["timeout".to_owned()];
        limited.extend(timeout_arguments(within));
        limited.extend_from_slice(program_and_arguments);
        let mut command = self.command(&limited);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let feeder = std::thread::spawn(move || {
            // A script that doesn't read its input to the end closes the pipe: no fault.
            stdin.write_all(input.as_bytes()).ok();
        });
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        Ran::from(output)
    }

    /// A program that runs as root in the host with nothing between: its pipes are the caller's.
    pub fn command(&self, program_and_arguments: &[String]) -> Command {
        let mut command = Command::new(SCRIPT);
        command
            .args(["enter", &self.lab.name, self.name])
            .args(program_and_arguments);
        command
    }

    /// The host's name in its lab.
    pub fn name(&self) -> &str {
        self.name
    }

    /// Unplugs the network cable.
    pub fn cut(&self) {
        script(&["cut", &self.lab.name, self.name]).expect_success();
    }

    /// Plugs the network cable in again.
    pub fn heal(&self) {
        script(&["heal", &self.lab.name, self.name]).expect_success();
    }

    /// Every process of the host dies at once.
    pub fn power_off(&self) {
        script(&["power-off", &self.lab.name, self.name]).expect_success();
    }

    /// Boots the host again from the same disk and waits until it answers.
    pub fn power_on(&self) {
        script(&["power-on", &self.lab.name, self.name]).expect_success();
    }

    /// Puts a disk of `size` (`300M`) over `path`; called again with a larger size, it grows.
    pub fn fill(&self, path: &str, size: &str) {
        script(&["fill", &self.lab.name, self.name, path, size]).expect_success();
    }
}

impl Ran {
    /// # Panics
    /// With all that the command said, unless it ended with `code`.
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit status; the command said:\n{self}");
        self
    }

    /// # Panics
    /// With all that the command said, unless it ended with 0.
    pub fn expect_success(self) -> Self {
        self.expect_code(0)
    }

    /// Standard output without the blanks around it.
    pub fn line(&self) -> &str {
        self.stdout.trim()
    }

    /// Whether either stream has `text` in it, wherever its lines were broken.
    pub fn says(&self, text: &str) -> bool {
        let unbroken = |stream: &str| stream.split_whitespace().collect::<Vec<_>>().join(" ");
        unbroken(&self.stdout).contains(text) || unbroken(&self.stderr).contains(text)
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: exit_code(output.status),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "--- exit {}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

/// A replform that runs beside the test; killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// SIGKILL: no chance to tidy up. Tells what it had said.
    pub fn kill(mut self) -> Ran {
        self.child.kill().unwrap();
        self.end()
    }

    /// Ctrl-C.
    pub fn interrupt(&self) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    }

    /// What it has said on standard error so far.
    pub fn talk(&self) -> String {
        std::fs::read_to_string(self.log.with_extension("err")).unwrap()
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// When it takes longer than `within`.
    pub fn finish(mut self, within: Duration) -> Ran {
        crate::wait::wait_until("replform to end", within, || {
            self.child.try_wait().unwrap().is_some()
        });
        self.end()
    }

    fn end(&mut self) -> Ran {
        let code = exit_code(self.child.wait().unwrap());
        let read = |end: &str| std::fs::read_to_string(self.log.with_extension(end)).unwrap();
        Ran {
            code,
            stdout: read("out"),
            stderr: read("err"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already in most tests; then both fail and nothing is left to do.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What makes `timeout` kill after so long.
fn timeout_arguments(within: Duration) -> [String; 2] {
    let seconds = format!("{:.1}", within.as_secs_f64());
    ["--signal=KILL".to_owned(), seconds]
}

/// Runs the lab's script.
pub fn script(arguments: &[&str]) -> Ran {
    Ran::from(
        Command::new(SCRIPT)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap(),
    )
}

fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// A test that was killed could not take its lab down; its name tells whose it was. One process cleans up, once.
fn remove_labs_of_dead_tests() {
    static DONE: Mutex<bool> = Mutex::new(false);
    let mut done = DONE.lock().unwrap();
    if *done {
        return;
    }
    *done = true;
    for entry in std::fs::read_dir("/run/replform-lab")
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name
            .strip_prefix("t-")
            .and_then(|rest| rest.rsplit_once('-'))
            .map(|(_, pid)| pid.to_owned());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            script(&["down", &name]);
        }
    }
}
