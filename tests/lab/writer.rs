//! A live application: the engine's `writer.sh`, run in the primary's host. Its acknowledged writes are counted and timed here.
//!
//! The script prints each number as soon as the server acknowledged its write, and `lost` whenever it lost its connection
//! (it connects again by itself, and never uses a number twice: one whose answer was lost is unknown, not acknowledged).
//! It runs as a unit, so that its end is the end of all it started.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::lab::Lab;
use crate::wait::wait_until;

const UNIT: &str = "lab-writer";
const SCRIPT: &str = "/run/lab-writer.sh";

/// A writer at work.
#[derive(Debug)]
pub struct Writer {
    host: String,
    child: Child,
    acknowledged: Arc<AtomicU64>,
    listener: JoinHandle<Written>,
}

/// What a writer did.
#[derive(Debug, Default)]
pub struct Written {
    /// Numbers whose write the server acknowledged, in order.
    pub acknowledged: Vec<u64>,
    /// The longest time without an acknowledged write, between two of them.
    pub longest_pause: Duration,
    /// How often the connection was lost.
    pub lost_connections: u32,
}

impl Writer {
    /// Starts the script on a host and waits for its first writes.
    ///
    /// # Panics
    /// When it doesn't write.
    pub fn start(lab: &Lab, host: &str, script: &str, variables: &[(String, String)]) -> Self {
        let save = ["sh", "-c", &format!("cat >{SCRIPT}")].map(str::to_owned);
        let lab_host = lab.host(host);
        lab_host
            .run(&save, script, Duration::from_secs(10))
            .expect_success();
        let mut command = vec![
            "systemd-run".to_owned(),
            "--quiet".to_owned(),
            "--pipe".to_owned(),
            "--collect".to_owned(),
            format!("--unit={UNIT}"),
        ];
        let set = variables
            .iter()
            .map(|(name, value)| format!("--setenv={name}={value}"));
        command.extend(set);
        command.extend(["bash", SCRIPT].map(str::to_owned));
        let mut child = lab_host.command(&command);
        child
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = child.spawn().unwrap();
        let output = child.stdout.take().unwrap();
        let acknowledged = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&acknowledged);
        let writer = Self {
            host: host.to_owned(),
            child,
            acknowledged,
            listener: std::thread::spawn(move || listen(output, &counter)),
        };
        wait_until("the writer's first writes", Duration::from_secs(20), || {
            writer.acknowledged() > 10
        });
        writer
    }

    fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// Lets the writer do some more writes, so that a pause that isn't over yet is seen, then ends it.
    ///
    /// # Panics
    /// When it doesn't write any more.
    pub fn stop(mut self, lab: &Lab) -> Written {
        let target = self.acknowledged() + 20;
        wait_until("the writer to go on", Duration::from_secs(60), || {
            self.acknowledged() >= target
        });
        let stop = ["systemctl", "stop", UNIT].map(str::to_owned);
        lab.host(&self.host)
            .run(&stop, "", Duration::from_secs(30))
            .expect_success();
        self.child.wait().unwrap();
        self.listener.join().unwrap()
    }
}

fn listen(output: ChildStdout, counter: &AtomicU64) -> Written {
    let mut written = Written::default();
    let mut last: Option<Instant> = None;
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if let Ok(n) = line.trim().parse() {
            let now = Instant::now();
            let pause = last.map_or(Duration::ZERO, |before| now - before);
            written.longest_pause = pause.max(written.longest_pause);
            last = Some(now);
            written.acknowledged.push(n);
            counter.fetch_add(1, Ordering::SeqCst);
        } else if line.trim() == "lost" {
            written.lost_connections += 1;
        }
    }
    written
}
