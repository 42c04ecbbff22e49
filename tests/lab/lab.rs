//! One lab of one test: brings hosts up through `testdata/lab/lab`, runs commands in them, takes all of it down on drop.
//!
//! It must never work on hosts by itself: the script is the only way in, so what a person does by hand is what tests do.

use std::ffi::OsStr;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;

/// The script that owns labs.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/lab/lab");

/// The longest that one command of a test may take, in seconds: then it is killed and the test fails.
const COMMAND_LIMIT_SECONDS: u32 = 300;

/// Real hosts in a network namespace of their own, gone when this is dropped.
#[derive(Debug)]
pub struct Lab {
    name: String,
    /// Scratch space for configurations and logs, outside the hosts.
    scratch: tempfile::TempDir,
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
        };
        let mut arguments = vec!["up", &lab.name];
        arguments.extend(hosts);
        script(&arguments).expect_success();
        lab
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

    /// Runs a program in the lab's network, at most [`COMMAND_LIMIT_SECONDS`].
    pub fn exec<S: AsRef<OsStr>>(&self, directory: &Path, program_and_arguments: &[S]) -> Ran {
        let mut command = self.command("timeout");
        command.args(["--signal=KILL", &COMMAND_LIMIT_SECONDS.to_string()]);
        command.args(program_and_arguments).current_dir(directory);
        Ran::from(command.output().unwrap())
    }

    /// Runs replform in the lab's network with `directory` as its configuration, without a terminal.
    pub fn replform(&self, directory: &Path, arguments: &[&str]) -> Ran {
        let mut all = vec![env!("CARGO_BIN_EXE_replform")];
        all.extend(arguments);
        self.exec(directory, &all)
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
            .env("HOME", self.scratch());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("REPLFORM_") {
                command.env_remove(name);
            }
        }
        command
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("LAB_KEEP").is_some() {
            return; // someone wants to look at the hosts of the test that failed
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
        let limit = COMMAND_LIMIT_SECONDS.to_string();
        let enter = [
            "enter",
            &self.lab.name,
            self.name,
            "timeout",
            "--signal=KILL",
            &limit,
            "sh",
            "-euc",
            shell,
        ];
        let mut command = Command::new(SCRIPT);
        command
            .args(enter)
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

    /// A command that runs in the host as `user` with nothing between: its pipes are the caller's.
    pub fn command_as(&self, user: &str, program_and_arguments: &[&str]) -> Command {
        let mut command = Command::new(SCRIPT);
        command.args([
            "enter",
            &self.lab.name,
            self.name,
            "setpriv",
            "--init-groups",
        ]);
        command
            .args([format!("--reuid={user}"), format!("--regid={user}")])
            .args(program_and_arguments);
        command
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
    /// SIGKILL: no chance to tidy up.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
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
    /// When it takes longer than a command may.
    pub fn finish(mut self) -> Ran {
        let limit = std::time::Duration::from_secs(COMMAND_LIMIT_SECONDS.into());
        crate::wait::wait_until("replform to end", limit, || {
            self.child.try_wait().unwrap().is_some()
        });
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
