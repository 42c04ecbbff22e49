//! The bytes under a session: a TCP connection, or one end of a socket pair whose other end a bastion's thread or a ProxyCommand holds.
//!
//! Every wait is bounded; every failure comes back as a kind with words. Nothing here speaks SSH beyond looking at the greeting.

use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{SockRef, TcpKeepalive};

use super::error::{ConnectErrorKind, Stage};
use super::route::Family;

/// A stream that libssh2 and our poll loop share.
#[derive(Clone)]
pub(super) struct Stream(Arc<Kind>);

enum Kind {
    Tcp(TcpStream),
    Local(UnixStream),
    Program {
        stream: UnixStream,
        _child: ProxyProcess,
    },
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &*self.0 {
            Kind::Tcp(stream) => stream.as_fd(),
            Kind::Local(stream) | Kind::Program { stream, .. } => stream.as_fd(),
        }
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl Stream {
    /// A stream through a bastion's channel.
    pub(super) fn through_bastion(stream: UnixStream) -> Self {
        Self(Arc::new(Kind::Local(stream)))
    }

    /// Ends both directions, so that nothing that still wants to send can block. A stream that is gone already is as good.
    pub(super) fn shut(&self) {
        let _ = match &*self.0 {
            Kind::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Kind::Local(stream) | Kind::Program { stream, .. } => stream.shutdown(Shutdown::Both),
        };
    }

    /// Connects by TCP, trying each of the name's addresses within `limit`, and looks at the greeting.
    pub(super) fn dial(
        host: &str,
        port: u16,
        family: Family,
        limit: Duration,
    ) -> Result<Self, ConnectErrorKind> {
        let deadline = Instant::now() + limit;
        let addresses = resolve(host, port, family)?;
        let mut last = None;
        for (index, address) in addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            if share.is_zero() {
                break;
            }
            match TcpStream::connect_timeout(address, share) {
                Ok(stream) => {
                    guard(&stream).map_err(|error| ConnectErrorKind::Client {
                        text: error.to_string(),
                    })?;
                    await_greeting(&stream, limit)?;
                    return Ok(Self(Arc::new(Kind::Tcp(stream))));
                }
                Err(error) => last = Some(error),
            }
        }
        Err(match last {
            Some(error) => connect_failure(&error, limit),
            None => ConnectErrorKind::TimedOut {
                stage: Stage::Connection,
                after: limit,
            },
        })
    }

    /// Starts a ProxyCommand and talks to its standard input and output.
    pub(super) fn through_program(command: &str) -> Result<Self, ConnectErrorKind> {
        let failed = |error: io::Error| ConnectErrorKind::ProxyCommand {
            text: format!("{command:?} can't be started ({error})"),
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let input = OwnedFd::from(theirs.try_clone().map_err(failed)?);
        let child = Command::new("sh")
            .arg("-c")
            .arg(format!("exec {command}"))
            .stdin(Stdio::from(input))
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        Ok(Self(Arc::new(Kind::Program {
            stream: ours,
            _child: ProxyProcess(child),
        })))
    }

    /// Whether the greeting has been looked at already.
    pub(super) fn is_tcp(&self) -> bool {
        matches!(&*self.0, Kind::Tcp(_))
    }
}

/// A ProxyCommand that ends with its stream.
struct ProxyProcess(Child);

impl Drop for ProxyProcess {
    fn drop(&mut self) {
        // It may be gone already; either way nothing is left to do about it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn resolve(host: &str, port: u16, family: Family) -> Result<Vec<SocketAddr>, ConnectErrorKind> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = (host, port)
        .to_socket_addrs()
        .map_err(|error| ConnectErrorKind::NameNotFound {
            text: error
                .to_string()
                .trim_start_matches("failed to lookup address information: ")
                .to_owned(),
        })?;
    let wanted: Vec<SocketAddr> = found
        .filter(|address| match family {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        })
        .collect();
    match wanted.is_empty() {
        true => Err(ConnectErrorKind::NameNotFound {
            text: "it has no address of the wanted family".to_owned(),
        }),
        false => Ok(wanted),
    }
}

/// A peer that vanishes is noticed: probes after 15 s, every 5 s, three of them; unanswered data after 30 s.
fn guard(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(15))
        .with_interval(Duration::from_secs(5))
        .with_retries(3);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(Duration::from_secs(30)))?;
    stream.set_nodelay(true)
}

fn connect_failure(error: &io::Error, limit: Duration) -> ConnectErrorKind {
    use io::ErrorKind as K;
    match error.kind() {
        K::ConnectionRefused => ConnectErrorKind::Refused,
        K::TimedOut | K::WouldBlock => ConnectErrorKind::TimedOut {
            stage: Stage::Connection,
            after: limit,
        },
        K::HostUnreachable
        | K::NetworkUnreachable
        | K::NetworkDown
        | K::AddrNotAvailable
        | K::PermissionDenied => ConnectErrorKind::NoRoute {
            text: error.to_string(),
        },
        K::ConnectionReset => ConnectErrorKind::Dropped {
            attempts: 1,
            text: error.to_string(),
        },
        _ => ConnectErrorKind::Client {
            text: error.to_string(),
        },
    }
}

/// What the first bytes of a server tell.
#[derive(Debug, PartialEq, Eq)]
enum Greeting {
    Ssh,
    Unclear,
    /// sshd that is too busy or has had enough of this client says so instead of greeting.
    Turned(String),
    Other(String),
}

fn read_greeting(bytes: &[u8]) -> Greeting {
    let first: &[u8] = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let first = String::from_utf8_lossy(&first[..first.len().min(80)])
        .trim_end()
        .to_owned();
    if bytes
        .split(|byte| *byte == b'\n')
        .any(|line| line.starts_with(b"SSH-"))
    {
        return Greeting::Ssh;
    }
    if first.starts_with("Exceeded MaxStartups") || first.starts_with("Not allowed at this time") {
        return Greeting::Turned(first);
    }
    let binary = bytes
        .iter()
        .any(|byte| *byte < b' ' && !b"\r\n\t".contains(byte));
    let spoken = ["HTTP/", "220 ", "220-", "* OK", "+OK", "-ERR"]
        .iter()
        .any(|start| first.starts_with(start));
    match binary || spoken || bytes.len() >= GREETING_BYTES {
        true => Greeting::Other(first),
        false => Greeting::Unclear,
    }
}

const GREETING_BYTES: usize = 4096;

/// Waits for the server's first line without taking it from libssh2, which can't tell these cases apart.
fn await_greeting(stream: &TcpStream, limit: Duration) -> Result<(), ConnectErrorKind> {
    let deadline = Instant::now() + limit;
    let mut bytes = vec![0; GREETING_BYTES];
    let mut seen = String::new();
    let dropped = |text: &str| ConnectErrorKind::Dropped {
        attempts: 1,
        text: text.to_owned(),
    };
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(match seen.is_empty() {
                true => ConnectErrorKind::TimedOut {
                    stage: Stage::Handshake,
                    after: limit,
                },
                false => ConnectErrorKind::NotSsh { text: seen },
            });
        }
        let peeked = stream
            .set_read_timeout(Some(left))
            .and_then(|()| stream.peek(&mut bytes));
        match peeked {
            Ok(0) => return Err(dropped("it closed the connection without a greeting")),
            Ok(count) => match read_greeting(&bytes[..count]) {
                Greeting::Ssh => break,
                Greeting::Turned(text) => return Err(dropped(&text)),
                Greeting::Other(text) => return Err(ConnectErrorKind::NotSsh { text }),
                Greeting::Unclear => {
                    seen = String::from_utf8_lossy(&bytes[..count.min(80)])
                        .trim_end()
                        .to_owned();
                    std::thread::sleep(Duration::from_millis(10));
                }
            },
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock
                | io::ErrorKind::TimedOut
                | io::ErrorKind::Interrupted => {}
                _ => return Err(dropped(&error.to_string())),
            },
        }
    }
    stream
        .set_read_timeout(None)
        .map_err(|error| ConnectErrorKind::Client {
            text: error.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_are_told_apart() {
        for (bytes, wanted) in [
            ("SSH-2.0-OpenSSH_9.2\r\n", Greeting::Ssh),
            ("Welcome\r\nSSH-2.0-x\r\n", Greeting::Ssh),
            ("SS", Greeting::Unclear),
            ("Welcome\r\n", Greeting::Unclear),
            (
                "Exceeded MaxStartups\r\n",
                Greeting::Turned("Exceeded MaxStartups".into()),
            ),
            (
                "HTTP/1.1 400 Bad Request\r\n\r\n",
                Greeting::Other("HTTP/1.1 400 Bad Request".into()),
            ),
            (
                "220 mail ESMTP\r\n",
                Greeting::Other("220 mail ESMTP".into()),
            ),
        ] {
            assert_eq!(read_greeting(bytes.as_bytes()), wanted, "{bytes}");
        }
        assert!(matches!(read_greeting(b"J\0\0\0\n8.0"), Greeting::Other(_)));
    }

    #[test]
    fn a_port_where_nothing_listens_is_refused() {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let error = Stream::dial("127.0.0.1", free, Family::Any, Duration::from_secs(20)).err();
        assert_eq!(error, Some(ConnectErrorKind::Refused));
    }

    #[test]
    fn a_server_that_says_nothing_and_one_that_hangs_up_are_told_apart() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let limit = Duration::from_millis(200);
        let error = Stream::dial("127.0.0.1", port, Family::Any, limit).err();
        assert_eq!(
            error,
            Some(ConnectErrorKind::TimedOut {
                stage: Stage::Handshake,
                after: limit
            })
        );
        let closer = std::thread::spawn(move || {
            for _ in 0..2 {
                drop(listener.accept().unwrap());
            }
        });
        let error = Stream::dial("127.0.0.1", port, Family::Any, Duration::from_secs(20)).err();
        assert!(
            matches!(error, Some(ConnectErrorKind::Dropped { .. })),
            "{error:?}"
        );
        closer.join().unwrap();
    }
}
