//! A real sshd of the test's own: loopback, a free port, keys and configuration in a temporary folder, gone with the test.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use replform::remote::{ClientContext, ConfigSource, Limits, Network, Target};

const SSHD: &str = "/usr/sbin/sshd";

pub struct Server {
    pub folder: tempfile::TempDir,
    pub port: u16,
    sshd: Child,
}

/// `None`, with the reason printed, where this machine can't run an sshd of ours.
pub fn start() -> Option<Server> {
    start_with("")
}

/// The same with more lines of sshd_config. Logins have the folder as their home: what the user's own shell starts with is not
/// the test's business, and what the test kills not the user's.
pub fn start_with(lines: &str) -> Option<Server> {
    if !Path::new(SSHD).exists() {
        println!("SKIPPED: {SSHD} is not here; apt-get install openssh-server runs this test");
        return None;
    }
    if rustix::process::getuid().is_root() {
        fs::create_dir_all("/run/sshd").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    make_key(&path.join("host_ed25519"), "ed25519", "");
    make_key(&path.join("host_ecdsa"), "ecdsa", "");
    make_key(&path.join("id"), "ed25519", "");
    fs::copy(path.join("id.pub"), path.join("authorized_keys")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let shown = path.display();
    let config = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {shown}/host_ed25519\nHostKey {shown}/host_ecdsa\n\
         AuthorizedKeysFile {shown}/authorized_keys\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no\nPermitRootLogin yes\nSetEnv HOME={shown}\n{}\n",
        lines.replace("@DIR@", &shown.to_string())
    );
    fs::write(path.join("sshd_config"), config).unwrap();
    let log = fs::File::create(path.join("log")).unwrap();
    let sshd = Command::new(SSHD)
        .args(["-D", "-e", "-f"])
        .arg(path.join("sshd_config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let server = Server { folder, port, sshd };
    server.write_known_hosts(&format!(
        "[127.0.0.1]:{port} {}\n",
        server.key("host_ed25519")
    ));
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            Instant::now() < deadline,
            "sshd doesn't listen: {}",
            server.log()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    Some(server)
}

pub fn make_key(path: &Path, kind: &str, passphrase: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-C", "", "-f"])
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

impl Server {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The public half of a key, kind and base64.
    pub fn key(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("{name}.pub")))
            .unwrap()
            .trim()
            .to_owned()
    }

    pub fn write_known_hosts(&self, text: &str) {
        fs::write(self.path("known_hosts"), text).unwrap();
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    pub fn logins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }

    /// Makes a key that is only the owner's to read out of some text.
    pub fn write_private(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub fn target(&self) -> Target {
        Target {
            name: "eu/db1".into(),
            port: Some(self.port),
            identity_file: Some(self.text("id")),
            known_hosts: Some(self.text("known_hosts")),
            ..Target::new("127.0.0.1")
        }
    }

    pub fn context(&self) -> ClientContext {
        ClientContext {
            home: self.folder.path().to_owned(),
            agent_socket: None,
            config: ConfigSource::None,
            system_known_hosts: Vec::new(),
            ..ClientContext::from_environment(false)
        }
    }

    pub fn network(&self) -> Network {
        Network::new(limits(), self.context())
    }

    /// Stops every process that serves a connection, so that the machine says nothing any more; TCP stays up.
    pub fn freeze(&self) {
        let frozen = descendants(self.sshd.id());
        assert!(!frozen.is_empty());
        signal(&frozen, rustix::process::Signal::STOP);
    }

    /// Lets them go on, so that they can end.
    pub fn thaw(&self) {
        signal(&descendants(self.sshd.id()), rustix::process::Signal::CONT);
    }

    /// Ends every process that serves a connection.
    pub fn cut(&self) {
        signal(&descendants(self.sshd.id()), rustix::process::Signal::KILL);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let children = descendants(self.sshd.id());
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
        signal(&children, rustix::process::Signal::KILL);
    }
}

/// Wide, for machines with much else to do: a test that waits for a limit sets its own.
pub fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(30),
        silence: Duration::from_secs(20),
        ..Limits::default()
    }
}

fn signal(processes: &[u32], signal: rustix::process::Signal) {
    for id in processes {
        let process = rustix::process::Pid::from_raw(i32::try_from(*id).unwrap()).unwrap();
        // It may have ended by itself.
        let _ = rustix::process::kill_process(process, signal);
    }
}

/// Processes below one, found by their parents in /proc.
fn descendants(root: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (id, parent)));
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(
            parents
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(id, _)| *id),
        );
        next += 1;
    }
    found.remove(0);
    found
}
