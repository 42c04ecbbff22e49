//! Asks OpenSSH's client what ~/.ssh/config means for a host: `ssh -G`, the only reader that knows `Match`, `Include` and tokens.
//!
//! It is left out where no file can change the answer (about 20 ms a host). It must never guess at a file's meaning: a file with
//! anything of weight in it is left to `ssh`, and where `ssh` isn't there the file is not read and that is said.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::route::Answer;
use super::target::{ClientContext, ConfigSource, Target};

const SYSTEM_CONFIG: &str = "/etc/ssh/ssh_config";
const SYSTEM_CONFIG_FOLDER: &str = "/etc/ssh/ssh_config.d";
/// A `Match exec` of the user's may hang.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known about a host before the target's own attributes.
pub(super) struct Asked {
    pub(super) answer: Answer,
    pub(super) warning: Option<String>,
}

/// Answers from the files where they matter, else OpenSSH's defaults.
pub(super) fn ask(target: &Target, context: &ClientContext) -> Result<Asked, String> {
    let file = match &context.config {
        ConfigSource::None => None,
        ConfigSource::System if !system_files_matter(context) => None,
        ConfigSource::System => Some(None),
        ConfigSource::File(file) => Some(Some(file.as_path())),
    };
    let Some(file) = file else {
        return Ok(Asked {
            answer: Answer::defaults(context),
            warning: None,
        });
    };
    match run_ssh(target, file) {
        Ok(text) => Ok(Asked {
            answer: Answer::parse(&text),
            warning: None,
        }),
        Err(Failure::NoClient) => Ok(Asked {
            answer: Answer::defaults(context),
            warning: Some(
                "ssh_config is not read: OpenSSH's client (ssh) is not installed here".to_owned(),
            ),
        }),
        Err(Failure::Said(text)) => Err(text),
    }
}

enum Failure {
    NoClient,
    Said(String),
}

fn run_ssh(target: &Target, file: Option<&Path>) -> Result<String, Failure> {
    let mut command = Command::new("ssh");
    command.arg("-G");
    if let Some(file) = file {
        command.arg("-F").arg(file);
    }
    if let Some(user) = &target.user {
        command.arg("-l").arg(user);
    }
    if let Some(port) = target.port {
        command.arg("-p").arg(port.to_string());
    }
    command
        .arg("--")
        .arg(&target.host)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::NoClient,
        _ => Failure::Said(format!("ssh -G can't be started ({error})")),
    })?;
    let ended = wait(&mut child).map_err(Failure::Said)?;
    let read = |pipe: Option<&mut dyn std::io::Read>| {
        let mut text = Vec::new();
        // What a pipe doesn't give is missing from a message only: a short answer of a successful ssh can't happen.
        let _ = pipe.map(|pipe| pipe.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    };
    let output = read(child.stdout.as_mut().map(|pipe| pipe as _));
    if ended.success() {
        return Ok(output);
    }
    let said = read(child.stderr.as_mut().map(|pipe| pipe as _));
    let said: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("Pseudo-terminal"))
        .collect();
    Err(Failure::Said(format!(
        "`ssh -G {}` says: {}",
        target.host,
        said.join("; ")
    )))
}

/// The answer is a few KiB, far below a pipe's 64: nothing needs to be read while it runs.
fn wait(child: &mut Child) -> Result<std::process::ExitStatus, String> {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(2);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(pause),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!(
                    "`ssh -G` gave no answer within {} s; does a `Match exec` of ~/.ssh/config hang?",
                    PATIENCE.as_secs()
                ));
            }
            Err(error) => return Err(format!("`ssh -G` can't be waited for ({error})")),
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

fn system_files_matter(context: &ClientContext) -> bool {
    file_matters(&context.home.join(".ssh/config")) || file_matters(Path::new(SYSTEM_CONFIG))
}

/// Whether a file says anything that could change how a machine is reached. What can't be read matters: `ssh` shall say why.
fn file_matters(file: &Path) -> bool {
    match std::fs::read_to_string(file) {
        Ok(text) => text_matters(&text, &|| {
            folder_files().iter().any(|file| file_matters(file))
        }),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

fn folder_files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(SYSTEM_CONFIG_FOLDER)
        .into_iter()
        .flatten()
        .flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "conf")
        })
        .collect()
}

/// Only what Debian and Fedora ship, and is known to change nothing here, counts as nothing.
fn text_matters(text: &str, folder_matters: &dyn Fn() -> bool) -> bool {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .any(|line| {
            let mut words = line
                .split(|c: char| c.is_whitespace() || c == '=')
                .filter(|word| !word.is_empty());
            let keyword = words.next().unwrap_or_default().to_ascii_lowercase();
            let values: Vec<&str> = words.collect();
            match keyword.as_str() {
                "sendenv" | "hashknownhosts" | "gssapiauthentication" | "forwardx11trusted" => {
                    false
                }
                "host" => values != ["*"],
                "include" if values == ["/etc/ssh/ssh_config.d/*.conf"] => folder_matters(),
                _ => true,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = "# comment\nInclude /etc/ssh/ssh_config.d/*.conf\n\nHost *\n    SendEnv LANG LC_*\n    HashKnownHosts yes\n    GSSAPIAuthentication yes\n";

    #[test]
    fn the_distributions_file_needs_no_ssh() {
        assert!(!text_matters(DEBIAN, &|| false));
        assert!(text_matters(DEBIAN, &|| true));
    }

    #[test]
    fn anything_of_weight_is_left_to_ssh() {
        for line in [
            "Host db*",
            "Match all",
            "Include other",
            "Port 23",
            "user=anna",
            "ProxyJump b",
            "Unheard of",
        ] {
            assert!(text_matters(line, &|| false), "{line}");
        }
    }

    fn ask_with(
        folder: &Path,
        text: &str,
        target: &Target,
    ) -> Result<super::super::route::Route, String> {
        let file = folder.join("config");
        std::fs::write(&file, text).unwrap();
        let context = ClientContext {
            home: folder.to_owned(),
            user: "anna".into(),
            agent_socket: None,
            interactive: false,
            config: ConfigSource::File(file),
            system_known_hosts: Vec::new(),
        };
        ask(target, &context)?
            .answer
            .settle(target, &context, &mut |_| {})
    }

    #[test]
    fn ssh_itself_answers_host_match_and_tokens() {
        if Command::new("ssh").arg("-V").output().is_err() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let text =
            "Match user deploy\n  Port 2222\nHost db*\n  HostName %h.example.com\n  User anna\n";
        let route = ask_with(folder.path(), text, &Target::new("db1")).unwrap();
        assert_eq!(
            (route.host.as_str(), route.port, route.user.as_str()),
            ("db1.example.com", 22, "anna")
        );
        let target = Target {
            user: Some("deploy".into()),
            ..Target::new("db1")
        };
        let route = ask_with(folder.path(), text, &target).unwrap();
        assert_eq!((route.port, route.user.as_str()), (2222, "deploy"));
        let error = ask_with(folder.path(), "Nonsense yes\n", &Target::new("db1")).unwrap_err();
        assert!(error.contains("Bad configuration option"), "{error}");
    }

    /// Every row of a table in the form of OpenSSH's own regression test; the table isn't ours to keep.
    #[test]
    #[ignore = "needs REPLFORM_SSH_CONFIG_TABLE: a folder with NN/ssh_config.i and expected.tsv"]
    fn agrees_with_a_public_table() {
        let source = PathBuf::from(std::env::var_os("REPLFORM_SSH_CONFIG_TABLE").unwrap());
        let folder = tempfile::tempdir().unwrap();
        let mut rows = 0;
        for row in std::fs::read_to_string(source.join("expected.tsv"))
            .unwrap()
            .lines()
            .skip(1)
        {
            let columns: Vec<&str> = row.split('\t').collect();
            let case = folder.path().join(columns[0]);
            std::fs::create_dir_all(&case).unwrap();
            for file in std::fs::read_dir(source.join(columns[0]))
                .unwrap()
                .flatten()
            {
                let text = std::fs::read_to_string(file.path())
                    .unwrap()
                    .replace("@DIR@", case.to_str().unwrap());
                std::fs::write(case.join(file.file_name()), text).unwrap();
            }
            let main = std::fs::read_to_string(case.join("ssh_config.i")).unwrap();
            let found = ask_with(&case, &main, &Target::new(columns[1])).map(|route| route.host);
            // `${NAME}` and `%h` in Include came after OpenSSH 9.2: an older client answers as if the file weren't there.
            let newer = main.contains("${") || main.contains("%h");
            let right = match columns[2] {
                "ERROR" => found.is_err(),
                wanted => {
                    found.as_deref() == Ok(wanted) || newer && found.as_deref() == Ok(columns[1])
                }
            };
            assert!(right, "{row}: {found:?}");
            rows += 1;
        }
        assert!(rows > 20, "only {rows} rows were read");
    }
}
