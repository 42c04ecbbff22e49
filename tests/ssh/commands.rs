//! Commands over one connection: bytes both ways, statuses, limits, several at once, locks, and a peer that dies.

use std::time::{Duration, Instant};

use replform::remote::{Command, ExitStatus, Limits, Network, RunErrorKind};

use crate::run;
use crate::server::{limits, start};

#[test]
fn big_input_and_both_outputs_pass_whole_and_at_once() {
    let Some(server) = start() else { return };
    run(async {
        let connection = server.network().connect(&server.target()).await.unwrap();
        let input: Vec<u8> = (0..5_000_000_u32)
            .map(|index| (index % 251) as u8)
            .collect();
        let command = Command::new("head -c 8000000 /dev/zero >&2; cat").stdin(input.clone());
        let output = connection.run(command).await.unwrap();
        assert!(output.status.success());
        assert_eq!(output.stderr.len(), 8_000_000);
        assert!(
            output.stdout == input,
            "{} bytes came back",
            output.stdout.len()
        );
    });
}

#[test]
fn exit_codes_and_signals_are_told() {
    let Some(server) = start() else { return };
    run(async {
        let connection = server.network().connect(&server.target()).await.unwrap();
        let output = connection
            .run(Command::new("echo out; echo err >&2; exit 7"))
            .await
            .unwrap();
        assert_eq!(
            (
                output.status.clone(),
                output.stdout_text().as_str(),
                output.stderr_text().as_str()
            ),
            (ExitStatus::Code(7), "out\n", "err\n")
        );
        let output = connection.run(Command::new("kill -TERM $$")).await.unwrap();
        assert_eq!(output.status, ExitStatus::Signal("TERM".into()));
        let late = "exec >&- 2>&-; sleep 0.3; exit 3";
        assert_eq!(
            connection.run(Command::new(late)).await.unwrap().status,
            ExitStatus::Code(3)
        );
        let script = Command::script("printf '%s|' \"$@\"", &["a b", "it's", "$HOME", ""]).unwrap();
        assert_eq!(
            connection.run(script).await.unwrap().stdout_text(),
            "a b|it's|$HOME||"
        );
    });
}

#[test]
fn a_command_that_leaves_its_input_unread_ends_well() {
    let Some(server) = start() else { return };
    run(async {
        let connection = server.network().connect(&server.target()).await.unwrap();
        let output = connection
            .run(Command::new("exec 0<&-; echo done").stdin(vec![b'x'; 10_000_000]))
            .await
            .unwrap();
        assert_eq!(
            (output.status, output.stdout),
            (ExitStatus::Code(0), b"done\n".to_vec())
        );
    });
}

/// The first eight wait until all eight have begun; none ever sees more than eight.
#[test]
fn many_commands_run_at_once_and_more_than_eight_wait_their_turn() {
    let Some(server) = start() else { return };
    run(async {
        let connection = server.network().connect(&server.target()).await.unwrap();
        let folder = server.folder.path().display();
        let running: Vec<_> = (0..20)
            .map(|index| {
                let command = Command::new(format!(
                    "cd {folder}; touch began.{index} now.{index}; \
                     until set -- began.*; [ $# -ge 8 ]; do sleep 0.05; done; \
                     set -- now.*; echo $# >&2; rm now.{index}; head -c 300000 /dev/zero"
                ));
                connection.start(command.timeout(Duration::from_secs(60)))
            })
            .collect();
        for running in running {
            let output = running.wait().await.unwrap();
            let at_once: usize = output.stderr_text().trim().parse().unwrap();
            assert_eq!(output.stdout.len(), 300_000);
            assert!((1..=8).contains(&at_once), "{at_once} at once");
        }
    });
}

#[test]
fn big_data_on_all_channels_at_once_stays_apart() {
    let Some(server) = start() else { return };
    run(async {
        let connection = server.network().connect(&server.target()).await.unwrap();
        let running: Vec<_> = (0..8_u8)
            .map(|byte| connection.start(Command::new("cat").stdin(vec![byte; 1_500_000])))
            .collect();
        for (byte, running) in (0..8_u8).zip(running) {
            let output = running.wait().await.unwrap();
            assert_eq!(output.stdout.len(), 1_500_000);
            assert!(output.stdout.iter().all(|found| *found == byte));
        }
    });
}

#[test]
fn a_server_that_allows_fewer_channels_is_waited_for() {
    let Some(server) = crate::server::start_with("MaxSessions 2") else {
        return;
    };
    run(async {
        let connection = server.network().connect(&server.target()).await.unwrap();
        let running: Vec<_> = (0..6)
            .map(|_| connection.start(Command::new("sleep 0.1")))
            .collect();
        for running in running {
            assert!(running.wait().await.unwrap().status.success());
        }
    });
}

#[test]
fn lines_come_as_they_are_printed_and_the_heartbeat_ends_with_the_input() {
    let Some(server) = start() else { return };
    run(async {
        let connection = server.network().connect(&server.target()).await.unwrap();
        let script = "read first; echo \"$first\"; while read -r line; do echo \"got $line\"; done; echo released";
        let command = Command::new(format!(
            "sh -c {}",
            replform::remote::quote(script).unwrap()
        ));
        let mut running = connection.start(
            command
                .stdin("hello\n")
                .heartbeat(Duration::from_millis(100)),
        );
        let started = Instant::now();
        assert_eq!(running.line().await.as_deref(), Some("hello"));
        for _ in 0..4 {
            assert_eq!(running.line().await.as_deref(), Some("got beat"));
        }
        assert!(
            started.elapsed() >= Duration::from_millis(280),
            "beats came too fast"
        );
        running.end_input();
        let mut last = String::new();
        while let Some(line) = running.line().await {
            last = line;
        }
        assert_eq!(last, "released");
        assert!(running.wait().await.unwrap().status.success());
    });
}

#[test]
fn a_lock_is_free_again_soon_after_its_client_is_gone() {
    let Some(server) = start() else { return };
    let lock = server.text("lock");
    run(async {
        let network = server.network();
        let connection = network.connect(&server.target()).await.unwrap();
        let held = format!(
            "exec 9>{lock}; flock -n 9 || exit 5; echo held; while l=$(timeout 60 head -n1) && [ -n \"$l\" ]; do :; done"
        );
        let mut running =
            connection.start(Command::new(held.clone()).heartbeat(Duration::from_millis(300)));
        assert_eq!(running.line().await.as_deref(), Some("held"));
        assert_eq!(
            connection.run(Command::new(held)).await.unwrap().status,
            ExitStatus::Code(5)
        );
        drop((running, connection, network));
        let other = server.network().connect(&server.target()).await.unwrap();
        let free = format!("flock -w 20 {lock} true");
        assert!(
            other
                .run(Command::new(free))
                .await
                .unwrap()
                .status
                .success()
        );
    });
}

#[test]
fn limits_of_time_and_output_end_one_command_and_leave_the_connection() {
    let Some(server) = start() else { return };
    run(async {
        let connection = server.network().connect(&server.target()).await.unwrap();
        let beside = connection.start(Command::new("sleep 1; echo beside"));
        let limit = Duration::from_millis(300);
        let error = connection
            .run(Command::new("sleep 60").timeout(limit))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind.clone(), error.reason()),
            (RunErrorKind::TimedOut { after: limit }, "command_timed_out")
        );
        for flood in ["yes", "yes >&2"] {
            let error = connection
                .run(Command::new(flood).output_bytes(100_000))
                .await
                .unwrap_err();
            assert_eq!(
                error.kind,
                RunErrorKind::OutputTooBig {
                    limit_bytes: 100_000
                }
            );
        }
        let running = connection.start(Command::new("sleep 60"));
        running.cancel();
        assert_eq!(
            running.wait().await.unwrap_err().kind,
            RunErrorKind::Cancelled
        );
        assert_eq!(beside.wait().await.unwrap().stdout_text(), "beside\n");
    });
}

#[test]
fn a_machine_that_falls_silent_is_given_up_and_a_command_that_says_nothing_is_not() {
    let (Some(server), Some(healthy)) = (start(), start()) else {
        return;
    };
    run(async {
        let silence = Duration::from_secs(5);
        let limits = Limits {
            silence,
            ..limits()
        };
        let network = Network::new(limits.clone(), server.context());
        let connection = network.connect(&server.target()).await.unwrap();
        let quiet = Network::new(limits, healthy.context());
        let quiet = quiet.connect(&healthy.target()).await.unwrap();
        let quiet = quiet.start(Command::new("sleep 7"));
        let running = connection.start(Command::new("sleep 60"));
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.freeze();
        let started = Instant::now();
        let error = running.wait().await.unwrap_err();
        server.thaw();
        let silent = RunErrorKind::Silent { after: silence };
        assert_eq!((error.kind.clone(), error.reason()), (silent, "silent"));
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{:?}",
            started.elapsed()
        );
        assert!(!connection.is_alive());
        let again = network.connect(&server.target()).await.unwrap();
        assert!(
            again
                .run(Command::new("true"))
                .await
                .unwrap()
                .status
                .success()
        );
        assert!(
            quiet.wait().await.unwrap().status.success(),
            "longer than the limit on silence"
        );
    });
}

#[test]
fn a_connection_that_breaks_fails_its_commands_and_is_replaced() {
    let Some(server) = start() else { return };
    run(async {
        let network = server.network();
        let connection = network.connect(&server.target()).await.unwrap();
        let running = connection.start(Command::new("sleep 60"));
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.cut();
        let error = running.wait().await.unwrap_err();
        assert_eq!(error.reason(), "connection_lost");
        assert!(error.to_string().starts_with("eu/db1: "), "{error}");
        let again = network.connect(&server.target()).await.unwrap();
        assert_eq!(
            again
                .run(Command::new("echo back"))
                .await
                .unwrap()
                .stdout_text(),
            "back\n"
        );
        server.cut();
        let deadline = Instant::now() + Duration::from_secs(30);
        while again.is_alive() {
            assert!(
                Instant::now() < deadline,
                "an idle connection's end was not noticed"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
}
