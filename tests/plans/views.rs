//! The same plans as others see them: cron (drift), a pull request (Markdown, whole and cut down).

use super::*;

/// What `drift` says of every case, in one file: a line a case.
#[test]
fn drift_is_told_in_one_line() {
    let mut got = String::new();
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        let file = saved_observation(&case, folder.path());
        let words = ["drift".to_owned(), format!("-observed={}", file.display())];
        let (text, code) = replform(&configuration(&case), &words);
        assert_eq!(text.lines().count(), 1, "{}: {text}", case.display());
        assert!(!text.contains("canary-4711"), "{}", case.display());
        let name = case.file_name().unwrap().display().to_string();
        got.push_str(&format!("{name}: exit {}: {text}", code.unwrap()));
    }
    compare(&root().join("plans/drift.txt"), &got);
}

#[test]
fn drift_can_be_told_in_every_format_and_what_is_known_left_out() {
    let case = root().join("plans/env-block-changed-by-hand");
    let folder = tempfile::tempdir().unwrap();
    let file = saved_observation(&case, folder.path());
    let ask = |more: &[&str]| {
        let mut words = vec!["drift".to_owned(), format!("-observed={}", file.display())];
        words.extend(more.iter().map(|word| (*word).to_owned()));
        replform(&configuration(&case), &words)
    };
    let out = folder.path().join("drift.prom");
    let (text, code) = ask(&["-format=prometheus", &format!("-o={}", out.display())]);
    assert_eq!((text.as_str(), code), ("", Some(2)));
    let metrics = std::fs::read_to_string(&out).unwrap();
    assert!(
        metrics.contains("replform_drift_items{topology=\"acme\",kind=\"drift\"} 1\n"),
        "{metrics}"
    );
    assert!(metrics.contains("replform_member_healthy{"), "{metrics}");
    let (text, _) = ask(&["-format=nagios"]);
    assert!(
        text.starts_with("REPLFORM CRITICAL - acme: 1 drift on 2 members: eu/web: ")
            && text.ends_with("| drift=1 unhealthy=0 pending=0 unreachable=0\n"),
        "{text}"
    );
    let (text, _) = ask(&["-format=json"]);
    let report: replform::plan::drift::Drift = serde_json::from_str(&text).unwrap();
    let change = &report.items[0].changes[0];
    assert_eq!(
        (change.from.as_deref(), change.to.as_deref()),
        (Some("10.77.20.99"), Some("10.77.20.12"))
    );
    let (text, _) = ask(&["-format=markdown"]);
    assert!(text.contains("| drift | eu/web |"), "{text}");
    for known in ["-ignore=stack.eu.app.web", "-ignore=stack.eu.app.web=drift"] {
        let (text, code) = ask(&[known]);
        assert_eq!(
            (text.as_str(), code),
            ("acme: no drift on 2 members\n", Some(0))
        );
    }
    let (_, code) = ask(&["-ignore=stack.eu.app.web=pending"]);
    assert_eq!(code, Some(2));
    let (text, code) = ask(&["-ignore=stack.eu.app.wep"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("did you mean stack.eu.app.web?"), "{text}");
    let (text, code) = ask(&["-ignore=stack.eu.app.web=gone"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("kinds are drift"), "{text}");
}

#[test]
fn the_schema_of_drift_is_current() {
    let schema = schemars::schema_for!(replform::plan::drift::Drift);
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    compare(&root().join("../schemas/drift.json"), &text);
}

/// All five formats of a case, in its file `drift.txt`, where it has one; without times, hashes and the version.
#[test]
fn drift_reads_as_expected_in_every_format() {
    let pinned: Vec<PathBuf> = cases()
        .into_iter()
        .filter(|case| case.join("drift.txt").exists())
        .collect();
    assert!(pinned.len() >= 5, "{pinned:?}");
    let schema = schemas::schema("drift", None);
    for case in pinned {
        let folder = tempfile::tempdir().unwrap();
        let file = saved_observation(&case, folder.path());
        let mut got = String::new();
        for format in ["text", "json", "markdown", "prometheus", "nagios"] {
            let words = [
                "drift".to_owned(),
                format!("-format={format}"),
                format!("-observed={}", file.display()),
            ];
            let (text, code) = replform(&configuration(&case), &words);
            let text = if format == "json" {
                let mut report: Value = serde_json::from_str(&text).unwrap();
                for name in ["replform", "observed_at", "plan"] {
                    report[name] = json!("-");
                }
                schemas::fits(&schema, &report, &case);
                serde_json::to_string_pretty(&report).unwrap() + "\n"
            } else {
                text.lines().map(without_time).collect()
            };
            got.push_str(&format!("== {format}, exit {}\n{text}", code.unwrap()));
        }
        compare(&case.join("drift.txt"), &got);
    }
}

fn without_time(line: &str) -> String {
    match line.split_once("} ") {
        Some((name, _)) if name.starts_with("replform_observed_timestamp") => {
            format!("{name}}} TIME\n")
        }
        _ => format!("{line}\n"),
    }
}

#[test]
fn comments_read_as_expected_and_keep_what_matters_at_any_size() {
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        let file = saved_observation(&case, folder.path());
        let comment = |limit: Option<usize>| {
            let mut words = vec![
                "plan".to_owned(),
                "-format=markdown".to_owned(),
                format!("-observed={}", file.display()),
            ];
            words.extend(limit.map(|limit| format!("-max-size={limit}")));
            words.extend(arguments(&case));
            replform(&configuration(&case), &words).0
        };
        let whole = comment(None);
        assert!(!whole.contains("canary-4711"), "{}", case.display());
        assert!(whole.starts_with("<!-- replform plan: acme -->\n### acme: "));
        assert_eq!(whole, comment(Some(1_000_000)));
        let name = case.file_name().unwrap().display().to_string();
        if case.join("expected.md").exists() {
            let hash = whole.split("-expect-plan=").nth(1);
            let hash = hash.map_or("no hash", |rest| &rest[..64]);
            let at = whole.split("saved at ").nth(1).unwrap();
            let at = at.split('.').next().unwrap();
            let text = whole.replace(hash, "HASH").replace(at, "TIME");
            let text = text.split("TIME").next().unwrap().to_owned() + "TIME\n";
            compare(&case.join("expected.md"), &text);
        }
        let verdict = whole.lines().nth(1).unwrap();
        let hazards: Vec<&str> = whole
            .lines()
            .filter(|line| {
                ["- BLOCKED", "- NOT", "- allowed"]
                    .iter()
                    .any(|b| line.starts_with(b))
            })
            .collect();
        for limit in [1000, 2500] {
            let cut = comment(Some(limit));
            assert!(cut.chars().count() <= limit, "{name} at {limit}:\n{cut}");
            assert!(cut.contains(verdict), "{name} at {limit}:\n{cut}");
            // Where there is little room a hazard may be shortened; it is left out only where that is said.
            let begins = |line: &str| line.chars().take(90).collect::<String>();
            let kept = hazards.iter().filter(|line| cut.contains(**line)).count();
            let told = hazards.iter().filter(|line| cut.contains(&begins(line)));
            assert!(
                kept == hazards.len()
                    || (limit == 1000
                        && (told.count() == hazards.len() || cut.contains(" more: "))),
                "{name} at {limit}:\n{cut}"
            );
            if cut != whole {
                assert!(cut.contains("Cut to fit this host's limit: "), "{name}");
            }
        }
    }
}

/// Compares with a file; REPLFORM_REWRITE=1 writes it.
fn compare(file: &Path, got: &str) {
    if std::env::var_os("REPLFORM_REWRITE").is_some() {
        std::fs::write(file, got).unwrap();
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    assert!(expected == got, "{} differs:\n{got}", file.display());
}
