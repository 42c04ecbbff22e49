//! A live application: one row per commit every 5 ms, each acknowledged number remembered with its time.
//!
//! It runs psql inside the primary's host over the local socket, so it writes before the server listens on the network and
//! loses its connection when the server restarts, as an application would. It connects again at once and never uses a
//! number twice: a number whose answer was lost is unknown, not acknowledged.

use crate::lab::Host;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Pause between two commits.
const PAUSE: Duration = Duration::from_millis(5);

/// A writer at work.
#[derive(Debug)]
pub struct Writer {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    thread: std::thread::JoinHandle<Written>,
}

/// What a writer did.
#[derive(Debug)]
pub struct Written {
    /// Numbers whose commit the server acknowledged, in order.
    pub acknowledged: Vec<u64>,
    /// The longest time without an acknowledged commit, between two of them.
    pub longest_gap: Duration,
    /// How often the connection was lost.
    pub lost_connections: u32,
}

impl Writer {
    /// Makes the table `writer` and starts to write into it.
    pub fn start(lab_host: Host<'_>) -> Self {
        crate::postgresql::sql(
            lab_host,
            "create table if not exists writer (n bigint primary key, at timestamptz not null)",
        );
        let psql = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "postgres"];
        let mut command = lab_host.command_as("postgres", &psql);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicU64::new(0));
        let (stopping, counter) = (Arc::clone(&stop), Arc::clone(&acknowledged));
        let thread =
            std::thread::spawn(move || write(|| command.spawn().unwrap(), &stopping, &counter));
        let writer = Self {
            stop,
            acknowledged,
            thread,
        };
        crate::wait::wait_until(
            "the writer's first commits",
            Duration::from_secs(10),
            || writer.acknowledged() > 10,
        );
        writer
    }

    /// How many commits were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// Lets the writer do some more commits, so that a gap that isn't over yet is seen, then ends it.
    pub fn stop(self) -> Written {
        let target = self.acknowledged() + 20;
        crate::wait::wait_until("the writer to go on", Duration::from_secs(60), || {
            self.acknowledged() >= target
        });
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

/// One connection: a psql that answers each statement with the number it inserted.
struct Connection {
    child: Child,
    statements: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Connection {
    fn open(mut child: Child) -> Self {
        let statements = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            statements,
            answers,
        }
    }

    /// Inserts `n`; true when the server acknowledged the commit.
    fn insert(&mut self, n: u64) -> bool {
        let sent = writeln!(
            self.statements,
            "insert into writer values ({n}, clock_timestamp()) returning n;"
        );
        let mut answer = String::new();
        sent.is_ok()
            && self.answers.read_line(&mut answer).is_ok()
            && answer.trim() == n.to_string()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.child.kill().ok(); // it has ended by itself when the connection was lost
        self.child.wait().ok();
    }
}

fn write(mut connect: impl FnMut() -> Child, stop: &AtomicBool, counter: &AtomicU64) -> Written {
    let mut written = Written {
        acknowledged: Vec::new(),
        longest_gap: Duration::ZERO,
        lost_connections: 0,
    };
    let mut connection = Connection::open(connect());
    let mut last = None;
    let mut n = 0;
    while !stop.load(Ordering::SeqCst) {
        n += 1;
        if connection.insert(n) {
            let now = Instant::now();
            written.longest_gap = last
                .map_or(Duration::ZERO, |before| now - before)
                .max(written.longest_gap);
            last = Some(now);
            written.acknowledged.push(n);
            counter.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(PAUSE);
        } else {
            written.lost_connections += 1;
            connection = Connection::open(connect());
        }
    }
    written
}
