//! Logging in: keys of all sorts, the agent, certificates, and what is said when none fits.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::time::{Duration, Instant};

use replform::remote::{ClientContext, Command, ConnectErrorKind, Network, Target};

use crate::run;
use crate::server::{Server, limits, make_key, start, start_with};

fn authorize(server: &Server, key: &str) {
    std::fs::copy(
        server.path(&format!("{key}.pub")),
        server.path("authorized_keys"),
    )
    .unwrap();
}

#[test]
fn a_key_that_the_server_does_not_know_is_refused_with_all_that_was_tried() {
    let Some(server) = start() else { return };
    make_key(&server.path("wrong"), "ed25519", "");
    let target = Target {
        identity_file: Some(server.text("wrong")),
        ..server.target()
    };
    let error = run(server.network().connect(&target)).unwrap_err();
    assert_eq!(error.reason(), "authentication_failed");
    let text = error.to_string();
    for part in [
        "eu/db1 (",
        "login as ",
        "wrong (refused)",
        "The server offers: publickey",
    ] {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
}

#[test]
fn key_files_that_cannot_be_used_are_said_before_anything_is_tried() {
    let Some(server) = start() else { return };
    make_key(&server.path("locked"), "ed25519", "secret");
    server.write_private("odd", "nonsense\n");
    let network = server.network();
    for (file, reason) in [
        ("none", "key_file_missing"),
        ("locked", "key_file_encrypted"),
        ("odd", "key_file_unusable"),
    ] {
        let target = Target {
            identity_file: Some(server.text(file)),
            ..server.target()
        };
        let error = run(network.connect(&target)).unwrap_err();
        assert_eq!(error.reason(), reason);
        assert!(error.to_string().contains(&server.text(file)), "{error}");
    }
}

#[test]
fn every_kind_of_key_logs_in() {
    let Some(server) = start() else { return };
    for (kind, extra) in [
        ("rsa", None),
        ("ecdsa", None),
        ("ecdsa", Some("PEM")),
        ("ecdsa", Some("PKCS8")),
    ] {
        let path = server.path(&format!("{kind}{}", extra.unwrap_or_default()));
        make_key(&path, kind, "");
        if let Some(form) = extra {
            let status = Process::new("ssh-keygen")
                .args(["-q", "-p", "-N", "", "-m", form, "-f"])
                .arg(&path)
                .stdout(Stdio::null())
                .status();
            assert!(status.unwrap().success());
        }
        authorize(&server, path.file_name().unwrap().to_str().unwrap());
        let target = Target {
            identity_file: Some(path.display().to_string()),
            ..server.target()
        };
        run(server.network().connect(&target)).unwrap();
    }
}

#[test]
fn a_user_certificate_beside_the_key_logs_in() {
    let Some(server) =
        start_with("TrustedUserCAKeys @DIR@/authority.pub\nAuthorizedPrincipalsFile none")
    else {
        return;
    };
    make_key(&server.path("authority"), "ed25519", "");
    make_key(&server.path("certified"), "ed25519", "");
    let user = ClientContext::from_environment(false).user;
    let signed = Process::new("ssh-keygen")
        .args(["-q", "-I", "test", "-n", &user, "-s"])
        .arg(server.path("authority"))
        .arg(server.path("certified.pub"))
        .status();
    assert!(signed.unwrap().success());
    let target = Target {
        identity_file: Some(server.text("certified")),
        ..server.target()
    };
    run(server.network().connect(&target)).unwrap();
}

/// An agent of the test's own.
struct Agent {
    process: Child,
    socket: PathBuf,
}

impl Agent {
    fn start(folder: &Path) -> Self {
        let socket = folder.join("agent");
        let process = Process::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let agent = Self {
            process: process.unwrap(),
            socket,
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        // The socket's file is there a moment before anything listens.
        while UnixStream::connect(&agent.socket).is_err() {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(5));
        }
        agent
    }

    fn add(&self, key: &Path) {
        let added = Process::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &self.socket)
            .status();
        assert!(added.unwrap().success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_agents_twelfth_key_is_reached_though_the_server_takes_six_tries() {
    let Some(server) = start() else { return };
    let agent = Agent::start(server.folder.path());
    for index in 0..11 {
        let key = server.path(&format!("wrong{index}"));
        make_key(&key, "ed25519", "");
        agent.add(&key);
    }
    let network = || {
        Network::new(
            limits(),
            ClientContext {
                agent_socket: Some(agent.socket.clone()),
                ..server.context()
            },
        )
    };
    let target = Target {
        identity_file: None,
        ..server.target()
    };
    let error = run(network().connect(&target)).unwrap_err();
    assert!(
        matches!(&error.kind, ConnectErrorKind::AuthenticationFailed { tried, .. } if tried.len() == 11),
        "{error}"
    );
    agent.add(&server.path("id"));
    let connection = run(network().connect(&target)).unwrap();
    assert!(
        run(connection.run(Command::new("true")))
            .unwrap()
            .status
            .success()
    );
}

#[test]
fn the_agent_unlocks_a_key_file_that_is_encrypted_here() {
    let Some(server) = start() else { return };
    make_key(&server.path("locked"), "ed25519", "");
    authorize(&server, "locked");
    let agent = Agent::start(server.folder.path());
    agent.add(&server.path("locked"));
    let locked = Process::new("ssh-keygen")
        .args(["-q", "-p", "-P", "", "-N", "secret", "-f"])
        .arg(server.path("locked"))
        .stdout(Stdio::null())
        .status();
    assert!(locked.unwrap().success());
    let network = Network::new(
        limits(),
        ClientContext {
            agent_socket: Some(agent.socket.clone()),
            ..server.context()
        },
    );
    let target = Target {
        identity_file: Some(server.text("locked")),
        ..server.target()
    };
    run(network.connect(&target)).unwrap();
}

#[test]
fn usual_key_files_of_the_home_directory_are_found() {
    let Some(server) = start() else { return };
    std::fs::create_dir(server.path(".ssh")).unwrap();
    std::fs::copy(server.path("id"), server.path(".ssh/id_ed25519")).unwrap();
    std::fs::copy(server.path("known_hosts"), server.path(".ssh/known_hosts")).unwrap();
    let target = Target {
        identity_file: None,
        known_hosts: None,
        ..server.target()
    };
    run(server.network().connect(&target)).unwrap();
}
