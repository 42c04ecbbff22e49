//! Reaching machines: host keys, jump hosts, proxies, sharing, and servers that hang up.

use std::fs;
use std::time::{Duration, Instant};

use replform::remote::{
    ClientContext, Command, ConfigSource, ConnectErrorKind, Limits, Network, Target,
};

use crate::run;
use crate::server::{Server, limits, make_key, start, start_with};

#[test]
fn an_unknown_host_key_is_refused_with_the_line_to_add_which_then_works() {
    let Some(server) = start() else { return };
    server.write_known_hosts("");
    let error = run(server.network().connect(&server.target())).unwrap_err();
    assert_eq!(error.reason(), "key_unknown");
    let ConnectErrorKind::KeyUnknown {
        fingerprint,
        line,
        file,
        ..
    } = error.kind.clone()
    else {
        panic!("{error}")
    };
    assert!(
        fingerprint.starts_with("SHA256:") && file == server.text("known_hosts"),
        "{error}"
    );
    assert!(error.to_string().contains(&line));
    server.write_known_hosts(&format!("{line}\n"));
    run(server.network().connect(&server.target())).unwrap();
}

#[test]
fn a_changed_host_key_is_refused_and_the_old_ones_place_is_named() {
    let Some(server) = start() else { return };
    let (port, id) = (server.port, server.key("id"));
    server.write_known_hosts(&format!("# comment\n[127.0.0.1]:{port} {id}\n"));
    let error = run(server.network().connect(&server.target())).unwrap_err();
    assert_eq!(error.reason(), "key_changed");
    assert!(
        error
            .to_string()
            .contains(&format!("{}:2", server.text("known_hosts"))),
        "{error}"
    );
    assert_eq!(server.logins(), 0);
}

#[test]
fn revoked_keys_and_authorities_are_refused() {
    let Some(server) = start() else { return };
    let (port, key) = (server.port, server.key("host_ed25519"));
    server.write_known_hosts(&format!("[127.0.0.1]:{port} {key}\n@revoked * {key}\n"));
    assert_eq!(
        run(server.network().connect(&server.target()))
            .unwrap_err()
            .reason(),
        "key_revoked"
    );
    server.write_known_hosts(&format!("@cert-authority * {key}\n"));
    let error = run(server.network().connect(&server.target())).unwrap_err();
    assert_eq!(error.reason(), "key_authority_unsupported");
    assert_eq!(server.logins(), 0);
}

#[test]
fn the_server_is_asked_for_the_kind_of_key_that_is_known() {
    let Some(server) = start() else { return };
    let (port, key) = (server.port, server.key("host_ecdsa"));
    server.write_known_hosts(&format!("a bad line\n[127.0.0.1]:{port} {key}\n"));
    let network = server.network();
    run(network.connect(&server.target())).unwrap();
    assert!(
        network.warnings()[0].contains("known_hosts:1"),
        "{:?}",
        network.warnings()
    );
}

/// The jump list and known_hosts for several servers of a test; each takes the first one's key.
fn behind(servers: &[&Server], jump: &str) -> Target {
    let lines: Vec<String> = servers
        .iter()
        .map(|server| format!("[127.0.0.1]:{} {}", server.port, server.key("host_ed25519")))
        .collect();
    servers[0].write_known_hosts(&lines.join("\n"));
    for server in servers {
        fs::copy(servers[0].path("id.pub"), server.path("authorized_keys")).unwrap();
    }
    let last = servers[servers.len() - 1];
    Target {
        port: Some(last.port),
        jump: Some(jump.to_owned()),
        ..servers[0].target()
    }
}

#[test]
fn two_jump_hosts_lead_to_the_third_with_all_bytes() {
    let (Some(one), Some(two), Some(three)) = (start(), start(), start()) else {
        return;
    };
    let target = behind(
        &[&one, &two, &three],
        &format!("127.0.0.1:{},127.0.0.1:{}", one.port, two.port),
    );
    run(async {
        let connection = one.network().connect(&target).await.unwrap();
        let output = connection
            .run(Command::new("echo $SSH_CONNECTION >&2; cat").stdin(vec![7; 3_000_000]))
            .await
            .unwrap();
        assert_eq!(output.stdout, vec![7; 3_000_000]);
        assert!(
            output
                .stderr_text()
                .trim()
                .ends_with(&three.port.to_string())
        );
    });
}

/// libssh2 sends a command's end of input, a channel's close and its answers from its stack: one that met a full way could never
/// be finished, and all stood still. A packet of data holds 32700 bytes and is taken whole or not at all, so with one more of them
/// from command to command the end of input comes to stand behind the packet that fills the way.
#[test]
fn an_end_of_input_that_finds_the_way_full_gets_through() {
    let (Some(bastion), Some(inner)) = (start(), start()) else {
        return;
    };
    let target = behind(&[&bastion, &inner], "none");
    let gulps = bastion.path("gulps.sh");
    fs::write(&gulps, include_str!("gulps.sh")).unwrap();
    let config = format!(
        "Host db\n HostName 127.0.0.1\n Port {}\n IdentityFile {id}\n UserKnownHostsFile {known}\n \
         ProxyCommand sh {} {} ssh -F none -q -i {id} -o UserKnownHostsFile={known} -o BatchMode=yes -p {} -W %h:%p 127.0.0.1\n",
        inner.port,
        gulps.display(),
        bastion.text("gulp"),
        bastion.port,
        id = bastion.text("id"),
        known = bastion.text("known_hosts"),
    );
    fs::write(bastion.path("config"), config).unwrap();
    let context = ClientContext {
        config: ConfigSource::File(bastion.path("config")),
        ..bastion.context()
    };
    run(async {
        let connection = Network::new(limits(), context)
            .connect(&Target::new("db"))
            .await
            .unwrap();
        for packets in 1..=10 {
            let input = vec![packets; 32_700 * usize::from(packets)];
            let command = Command::new("cat").stdin(input.clone());
            let output = connection.run(command).await;
            let output = output.unwrap_or_else(|error| panic!("{packets} packets: {error}"));
            assert!(output.stdout == input, "{packets} packets");
        }
    });
    drop(target);
}

/// One sshd under fourteen addresses (it takes sixteen at most): as many machines to the network.
const ADDRESSES: std::ops::Range<u8> = 100..114;

fn start_many() -> Option<Server> {
    let listen: Vec<String> = ADDRESSES
        .map(|last| format!("ListenAddress 127.0.0.{last}"))
        .collect();
    start_with(&format!("MaxStartups 100\n{}", listen.join("\n")))
}

/// Targets behind the bastion, and the line that makes known_hosts know them all.
fn machines(bastion: &Server, inner: &Server) -> Vec<Target> {
    let target = behind(&[bastion, inner], &format!("127.0.0.1:{}", bastion.port));
    let known = fs::read_to_string(bastion.path("known_hosts")).unwrap();
    bastion.write_known_hosts(&format!(
        "{known}\n[127.0.0.*]:{} {}\n",
        inner.port,
        inner.key("host_ed25519")
    ));
    ADDRESSES
        .map(|last| Target {
            host: format!("127.0.0.{last}"),
            name: format!("host{last}"),
            ..target.clone()
        })
        .collect()
}

#[test]
fn many_machines_behind_one_bastion_share_its_session() {
    let (Some(bastion), Some(inner)) = (start(), start_many()) else {
        return;
    };
    run(async {
        let network = bastion.network();
        let mut tasks = tokio::task::JoinSet::new();
        for target in machines(&bastion, &inner) {
            let network = network.clone();
            tasks.spawn(async move {
                let connection = network.connect(&target).await.unwrap();
                connection
                    .run(Command::new("cat").stdin(vec![1; 300_000]))
                    .await
                    .unwrap()
                    .stdout
                    .len()
            });
        }
        while let Some(done) = tasks.join_next().await {
            assert_eq!(done.unwrap(), 300_000);
        }
    });
    assert_eq!((bastion.logins(), inner.logins()), (1, 14));
}

/// A port whose connections hang, as those to a machine that is off: its queue of connections is full.
struct Hanging {
    listener: socket2::Socket,
    _waiting: Vec<socket2::Socket>,
}

impl Hanging {
    fn new() -> Self {
        let socket =
            || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let listener = socket();
        listener
            .bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let connect = || {
            let waiting = socket();
            waiting.set_nonblocking(true).unwrap();
            // In progress is all it will ever be.
            let _ = waiting.connect(&address);
            waiting
        };
        Self {
            _waiting: (0..4).map(|_| connect()).collect(),
            listener,
        }
    }

    fn port(&self) -> u16 {
        self.listener
            .local_addr()
            .unwrap()
            .as_socket()
            .unwrap()
            .port()
    }
}

/// Connections to a port of this machine that were begun and not answered.
fn unanswered(port: u16) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let (remote, syn_sent) = (format!("0100007F:{port:04X}"), "02");
    table
        .lines()
        .filter(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            fields.get(2) == Some(&remote.as_str()) && fields.get(3) == Some(&syn_sent)
        })
        .count()
}

#[test]
fn a_dead_machine_behind_the_bastion_does_not_hold_up_the_others() {
    let (Some(bastion), Some(inner)) = (start(), start_many()) else {
        return;
    };
    let hanging = Hanging::new();
    run(async {
        let network = Network::new(
            Limits {
                connect: Duration::from_secs(12),
                ..limits()
            },
            bastion.context(),
        );
        let targets = machines(&bastion, &inner);
        let dead = Target {
            host: "127.0.0.1".into(),
            port: Some(hanging.port()),
            ..targets[0].clone()
        };
        network.connect(&targets[0]).await.unwrap();
        let (late, before) = (network.clone(), unanswered(hanging.port()));
        let dead = tokio::task::spawn(async move { late.connect(&dead).await.unwrap_err() });
        while unanswered(hanging.port()) == before {
            assert!(!dead.is_finished());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut tasks = tokio::task::JoinSet::new();
        for target in targets.into_iter().skip(1).take(6) {
            let network = network.clone();
            tasks.spawn(async move { network.connect(&target).await.map(drop) });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap().unwrap();
        }
        assert!(!dead.is_finished(), "the others had to wait for it");
        assert_eq!(dead.await.unwrap().reason(), "timed_out");
    });
    assert_eq!((bastion.logins(), inner.logins()), (2, 7));
}

#[test]
fn what_fails_on_the_way_names_the_hop() {
    let (Some(bastion), Some(inner)) = (start(), start()) else {
        return;
    };
    let jump = format!("127.0.0.1:{}", bastion.port);
    let target = behind(&[&bastion, &inner], &jump);
    drop(inner);
    let error = run(bastion.network().connect(&target)).unwrap_err();
    assert_eq!(error.reason(), "jump_failed");
    assert!(
        error.to_string().contains(&format!(
            "the jump host {}@{jump} gets no connection",
            bastion.context().user
        )),
        "{error}"
    );
    bastion.write_known_hosts("");
    let error = run(bastion.network().connect(&target)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("can't be reached: its host key is not known"),
        "{error}"
    );
    let nowhere = Target {
        jump: Some("127.0.0.1:1".into()),
        ..target
    };
    let error = run(bastion.network().connect(&nowhere)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("127.0.0.1:1 can't be reached: connection refused"),
        "{error}"
    );
}

#[test]
fn ssh_config_leads_through_aliases_and_a_proxy_command() {
    let (Some(bastion), Some(inner)) = (start(), start()) else {
        return;
    };
    let target = behind(&[&bastion, &inner], "none");
    let (known, id) = (bastion.text("known_hosts"), bastion.text("id"));
    let proxy = format!(
        "ssh -F none -q -i {id} -o UserKnownHostsFile={known} -o BatchMode=yes -p {} -W %h:%p 127.0.0.1",
        bastion.port
    );
    let config = format!(
        "Host db\n HostName 127.0.0.1\n Port {}\n IdentityFile {id}\n UserKnownHostsFile {known}\n ProxyCommand {proxy}\n",
        inner.port
    );
    fs::write(bastion.path("config"), config).unwrap();
    let context = ClientContext {
        config: ConfigSource::File(bastion.path("config")),
        ..bastion.context()
    };
    let network = Network::new(limits(), context);
    let connection = run(network.connect(&Target::new("db"))).unwrap();
    assert_eq!(
        run(connection.run(Command::new("echo through")))
            .unwrap()
            .stdout_text(),
        "through\n"
    );
    assert_eq!((bastion.logins(), inner.logins()), (1, 1));
    drop(target);
}

#[test]
fn one_machine_is_connected_to_once_however_many_ask() {
    let Some(server) = start() else { return };
    run(async {
        let network = server.network();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (network, target) = (network.clone(), server.target());
            tasks.spawn(async move {
                network
                    .connect(&target)
                    .await
                    .map(|connection| connection.name().to_owned())
            });
        }
        while let Some(done) = tasks.join_next().await {
            assert_eq!(done.unwrap().unwrap(), "eu/db1");
        }
    });
    assert_eq!(server.logins(), 1);
}

#[test]
fn a_server_that_hangs_up_on_too_many_is_tried_again() {
    let Some(server) = start_with("MaxStartups 2:100:2") else {
        return;
    };
    run(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let (network, target) = (server.network(), server.target());
            tasks.spawn(async move { network.connect(&target).await.map(drop) });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap().unwrap();
        }
    });
    assert_eq!(server.logins(), 6);
}

#[test]
fn a_frozen_server_and_a_closed_port_are_told_apart() {
    let Some(server) = start() else { return };
    let network = Network::new(
        Limits {
            connect: Duration::from_millis(500),
            ..limits()
        },
        server.context(),
    );
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let frozen = Target {
        port: Some(port),
        ..server.target()
    };
    assert_eq!(
        run(network.connect(&frozen)).unwrap_err().reason(),
        "timed_out"
    );
    drop(silent);
    assert_eq!(
        run(network.connect(&frozen)).unwrap_err().reason(),
        "refused"
    );
    let nameless = Target {
        host: "no-such-host.invalid".into(),
        ..server.target()
    };
    assert_eq!(
        run(network.connect(&nameless)).unwrap_err().reason(),
        "name_not_found"
    );
}

#[test]
fn a_known_hosts_line_without_port_is_enough_for_another_port() {
    let Some(server) = start() else { return };
    make_key(&server.path("unrelated"), "ed25519", "");
    server.write_known_hosts(&format!(
        "127.0.0.1 {}\n127.0.0.1 {}\n",
        server.key("unrelated"),
        server.key("host_ed25519")
    ));
    run(server.network().connect(&server.target())).unwrap();
}

/// The memory that this process holds, in KiB.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
#[ignore = "half a minute and 500 processes of sshd: run it alone when the SSH layer changes"]
fn five_hundred_machines_at_once_do_not_exhaust_this_one() {
    let Some(server) = start_with("MaxStartups 1000") else {
        return;
    };
    let before = resident_kib();
    let started = Instant::now();
    run(async {
        let network = server.network();
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..500 {
            // Another known_hosts file is another machine to the network.
            let known = server.path(&format!("known{index}"));
            fs::copy(server.path("known_hosts"), &known).unwrap();
            let target = Target {
                known_hosts: Some(known.display().to_string()),
                ..server.target()
            };
            let network = network.clone();
            tasks.spawn(async move {
                let connection = network.connect(&target).await.unwrap();
                let output = connection
                    .run(Command::new("head -c 100000 /dev/zero"))
                    .await
                    .unwrap();
                assert_eq!(output.stdout.len(), 100_000);
                connection
            });
        }
        let mut connections = Vec::new();
        while let Some(done) = tasks.join_next().await {
            connections.push(done.unwrap());
        }
        assert!(
            connections
                .iter()
                .all(replform::remote::Connection::is_alive)
        );
        let grown = (resident_kib() - before) / 1024;
        println!("500 connections: {:?}, {grown} MiB", started.elapsed());
        assert!(grown < 200, "{grown} MiB");
    });
}
