//! Routes: ssh_config's answers under the target's attributes.

use super::super::target::ConfigSource;
use super::*;

const ANSWER: &str = "host b\nuser deploy\nhostname B.example.com\nport 2022\naddressfamily inet\nidentitiesonly yes\n\
identityagent /run/agent\nidentityfile ~/.ssh/id_%r\nidentityfile /keys/two words\ncertificatefile ~/x-cert.pub\nhostkeyalias alias\n\
globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2\nuserknownhostsfile /root/a /tmp/with space/kh\nproxyjump anna@one:22,[2001:db8::1]:2222\n";

fn context() -> ClientContext {
    ClientContext {
        home: "/home/anna".into(),
        user: "anna".into(),
        agent_socket: Some("/run/default-agent".into()),
        interactive: false,
        config: ConfigSource::None,
        system_known_hosts: vec!["/etc/kh".into()],
    }
}

fn settle(answer: &str, target: &Target) -> Result<Route, String> {
    Answer::parse(answer).settle(target, &context(), &mut |warning| panic!("{warning}"))
}

#[test]
fn what_ssh_answers_is_taken_where_the_target_is_silent() {
    let route = settle(ANSWER, &Target::new("b")).unwrap();
    assert_eq!(
        (route.host.as_str(), route.port, route.user.as_str()),
        ("b.example.com", 2022, "deploy")
    );
    assert_eq!(
        route.identities.optional,
        [
            PathBuf::from("/home/anna/.ssh/id_deploy"),
            "/keys/two words".into()
        ]
    );
    assert_eq!(
        route.identities.certificates,
        [PathBuf::from("/home/anna/x-cert.pub")]
    );
    assert_eq!(route.identities.agent, Some("/run/agent".into()));
    assert_eq!(route.identities.agent_keys, AgentKeys::Configured);
    let files = [
        "/root/a",
        "/tmp/with space/kh",
        "/etc/ssh/ssh_known_hosts",
        "/etc/ssh/ssh_known_hosts2",
    ];
    assert_eq!(route.known_hosts, files.map(PathBuf::from));
    assert_eq!(route.host_key_alias.as_deref(), Some("alias"));
    assert_eq!(route.family, Family::V4);
    assert_eq!(
        route.proxy,
        Proxy::Jump(parse_jump("anna@one:22,[2001:db8::1]:2222").unwrap())
    );
}

#[test]
fn the_targets_attributes_win() {
    let target = Target {
        port: Some(22),
        user: Some("root".into()),
        identity_file: Some("~/k".into()),
        known_hosts: Some("~/kh".into()),
        jump: Some("none".into()),
        ..Target::new("b")
    };
    let route = settle(ANSWER, &target).unwrap();
    assert_eq!(
        (route.port, route.user.as_str(), route.proxy),
        (22, "root", Proxy::Direct)
    );
    assert_eq!(route.identities.required, Some("/home/anna/k".into()));
    assert!(route.identities.optional.is_empty());
    assert_eq!(route.known_hosts[0], PathBuf::from("/home/anna/kh"));
}

#[test]
fn without_ssh_config_openssh_defaults_hold() {
    let mut warn = |warning: String| panic!("{warning}");
    let route = Answer::defaults(&context())
        .settle(&Target::new("DB1"), &context(), &mut warn)
        .unwrap();
    assert_eq!(
        (route.host.as_str(), route.port, route.user.as_str()),
        ("db1", 22, "anna")
    );
    assert_eq!(route.identities.optional.len(), 3);
    assert_eq!(route.identities.agent, Some("/run/default-agent".into()));
    assert_eq!(route.known_hosts.last(), Some(&"/etc/kh".into()));
}

#[test]
fn jump_lists_are_read_as_proxyjump() {
    let hop = |host: &str, port, user: Option<&str>| Hop {
        host: host.into(),
        port,
        user: user.map(str::to_owned),
    };
    for (text, wanted) in [
        ("bastion", hop("bastion", None, None)),
        (
            "anna@bastion:2222",
            hop("bastion", Some(2222), Some("anna")),
        ),
        (
            "ssh://anna@bastion:22/",
            hop("bastion", Some(22), Some("anna")),
        ),
        ("[2001:db8::1]:22", hop("2001:db8::1", Some(22), None)),
        ("2001:db8::1", hop("2001:db8::1", None, None)),
        ("a@b@host", hop("host", None, Some("a@b"))),
    ] {
        assert_eq!(parse_jump(text), Ok(vec![wanted]), "{text}");
    }
    assert_eq!(parse_jump("a, b").unwrap().len(), 2);
    for text in [
        "",
        "a,",
        "host:",
        "host:0",
        "host:x",
        "@host",
        "-oProxyCommand=x",
        "two words",
        "[::1]x",
    ] {
        assert!(parse_jump(text).is_err(), "{text} was taken");
    }
}

#[test]
fn proxy_command_tokens_are_filled_in_and_unknown_ones_refused() {
    let command = |text: &str| {
        settle(
            &format!("hostname h\nproxycommand {text}\n"),
            &Target::new("alias"),
        )
        .map(|route| route.proxy)
    };
    assert_eq!(
        command("nc %h %p %r %n 100%%"),
        Ok(Proxy::Command("nc h 22 anna alias 100%".into()))
    );
    assert_eq!(command("none"), Ok(Proxy::Direct));
    assert!(command("nc %k").unwrap_err().contains("%k"));
}

#[test]
fn an_agent_named_by_a_variable_is_said_not_to_count() {
    let mut warnings = Vec::new();
    let answer = Answer::parse("identityagent $MINE\n");
    let route = answer
        .settle(&Target::new("a"), &context(), &mut |warning| {
            warnings.push(warning)
        })
        .unwrap();
    assert_eq!(route.identities.agent, None);
    assert!(warnings[0].contains("$MINE"));
}
