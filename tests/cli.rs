//! The command line from outside: spelling of options, exit codes, what goes to which stream.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn replform(folder: &Path, arguments: &[&str], input: &str) -> Output {
    use std::io::Write as _;
    let mut child = Command::new(env!("CARGO_BIN_EXE_replform"))
        .current_dir(folder)
        .args(arguments)
        .env_clear()
        .env("REPLFORM_VAR_user", "from the environment")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads no input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// Exit code, standard output, standard error.
fn parts(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

const GOOD: &str = "replform {\n  topology = \"acme\"\n}\n";

#[test]
fn usage_errors_exit_1_and_name_the_nearest_option() {
    let here = folder(&[]);
    let (code, out, err) = parts(&replform(here.path(), &["validate", "-jsno"], ""));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("did you mean -json?"), "{err}");
    let (code, _, err) = parts(&replform(here.path(), &["validat"], ""));
    assert!(code == 1 && err.contains("validate"), "{err}");
    let (code, _, err) = parts(&replform(here.path(), &[], ""));
    assert!(code == 1 && err.contains("Main commands:"), "{err}");
}

#[test]
fn help_and_version_go_to_standard_output() {
    let here = folder(&[]);
    for arguments in [&["-help"][..], &["--help"], &["-h"]] {
        let (code, out, err) = parts(&replform(here.path(), arguments, ""));
        assert!(code == 0 && out.contains("Other commands:") && err.is_empty());
    }
    let (code, out, _) = parts(&replform(here.path(), &["validate", "-help"], ""));
    assert!(code == 0 && out.contains(" -var-file <FILE>"), "{out}");
    let version = concat!("replform v", env!("CARGO_PKG_VERSION"));
    for arguments in [&["-version"][..], &["version"]] {
        let (code, out, _) = parts(&replform(here.path(), arguments, ""));
        assert!(code == 0 && out.starts_with(version), "{out}");
    }
    let json = replform(here.path(), &["version", "-json"], "");
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["replform_version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn validate_says_so_and_reports_json_in_terraforms_shape() {
    let here = folder(&[
        ("good/main.rf.hcl", GOOD),
        ("bad/main.rf.hcl", "replform {}\n"),
    ]);
    let (code, out, err) = parts(&replform(here.path(), &["-chdir=good", "validate"], ""));
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, "Success! The configuration is valid.\n");
    let (code, out, err) = parts(&replform(here.path(), &["-chdir", "bad", "validate"], ""));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("main.rf.hcl:1:1"), "{err}");
    let (code, out, err) = parts(&replform(
        here.path(),
        &["-chdir=bad", "validate", "-json"],
        "",
    ));
    assert_eq!((code, err.as_str()), (1, ""));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["valid"], false);
    assert_eq!(json["error_count"], 1);
    assert_eq!(json["warning_count"], 0);
    let diagnostic = &json["diagnostics"][0];
    assert_eq!(diagnostic["severity"], "error");
    assert_eq!(diagnostic["range"]["filename"], "main.rf.hcl");
    assert_eq!(diagnostic["range"]["start"]["line"], 1);
    assert_eq!(diagnostic["snippet"]["code"], "replform {}");
}

#[test]
fn fmt_writes_lists_checks_and_shows() {
    let ugly = "a=1\nbc=2\n";
    let neat = "a  = 1\nbc = 2\n";
    let here = folder(&[
        ("main.rf.hcl", ugly),
        ("values.rfvars", ugly),
        ("deep/x.rf.hcl", ugly),
        ("other.txt", ugly),
    ]);
    let read = |name: &str| std::fs::read_to_string(here.path().join(name)).unwrap();
    let run = |arguments: &[&str]| parts(&replform(here.path(), arguments, ugly));

    let (code, out, _) = run(&["fmt", "-check"]);
    assert_eq!((code, out.as_str()), (3, "main.rf.hcl\nvalues.rfvars\n"));
    let (code, out, _) = run(&["fmt", "-check", "-list=false", "-diff", "main.rf.hcl"]);
    assert!(
        code == 3 && out.starts_with("--- old/main.rf.hcl\n") && out.contains("+bc = 2\n"),
        "{out}"
    );
    assert_eq!(read("main.rf.hcl"), ugly);

    let (code, out, _) = run(&["fmt", "-write=false"]);
    assert_eq!((code, out.as_str()), (0, "main.rf.hcl\nvalues.rfvars\n"));
    let (code, out, _) = run(&["fmt", "-write=false", "-list=false", "main.rf.hcl"]);
    assert_eq!((code, out.as_str()), (0, neat));
    let (code, out, _) = run(&["fmt", "-"]);
    assert_eq!((code, out.as_str()), (0, neat));
    assert_eq!(run(&["fmt", "-check", "-"]).0, 3);

    let (code, out, _) = run(&["fmt", "-recursive"]);
    assert_eq!(
        (code, out.as_str()),
        (0, "deep/x.rf.hcl\nmain.rf.hcl\nvalues.rfvars\n")
    );
    assert_eq!(
        (
            read("main.rf.hcl"),
            read("deep/x.rf.hcl"),
            read("other.txt")
        ),
        (neat.into(), neat.into(), ugly.into())
    );
    assert_eq!(
        run(&["fmt", "-check", "-recursive"]),
        (0, String::new(), String::new())
    );
}

#[test]
fn fmt_leaves_a_file_with_a_syntax_error_alone() {
    let here = folder(&[("main.rf.hcl", "a=\nb=1\n")]);
    let (code, out, err) = parts(&replform(here.path(), &["fmt"], ""));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("main.rf.hcl:1:3"), "{err}");
}

#[test]
fn the_console_answers_line_by_line_and_masks_secrets() {
    let text = format!(
        "{GOOD}variable \"user\" {{}}\nvariable \"word\" {{\n  default = \"hunter2\"\n  sensitive = true\n}}\n"
    );
    let here = folder(&[("main.rf.hcl", &text)]);
    let lines = "upper(var.user)\n\n[1, \"a\"]\nvar.word\n{ a = var.word, \"b c\" = null }\n";
    let (code, out, err) = parts(&replform(here.path(), &["console"], lines));
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "\"FROM THE ENVIRONMENT\"\n[\n  1,\n  \"a\",\n]\n(sensitive)\n{\n  a     = (sensitive)\n  \"b c\" = null\n}\n"
    );
    let (code, out, err) = parts(&replform(here.path(), &["console"], "nope\n1 + 1\n"));
    assert_eq!((code, out.as_str()), (1, "2\n"));
    assert!(err.contains("line 1:1:1"), "{err}");
}

#[test]
fn a_secret_on_the_command_line_is_never_printed() {
    let text = format!(
        "{GOOD}variable \"word\" {{\n  type      = map(string)\n  sensitive = true\n\n  validation {{\n    condition     = length(var.word) > 9\n    error_message = \"not ${{jsonencode(var.word)}}\"\n  }}\n}}\n\nssh {{\n  user = var.word.a\n}}\n"
    );
    let here = folder(&[("main.rf.hcl", &text)]);
    for value in [
        "word={ a = \"hunter2\" }",
        "word=hunter2",
        "word=[\"hunter2\"]",
        "wrod=hunter2",
    ] {
        for more in [&["validate"][..], &["validate", "-json"]] {
            let arguments = [more, &["-var", value]].concat();
            let (code, out, err) = parts(&replform(here.path(), &arguments, ""));
            assert_eq!(code, 1, "{value}");
            assert!(
                !out.contains("hunter2") && !err.contains("hunter2"),
                "{out}{err}"
            );
        }
    }
}

#[test]
fn explain_knows_every_code_that_an_error_prints() {
    let here = folder(&[]);
    let (code, out, _) = parts(&replform(here.path(), &["explain", "RF0402"], ""));
    assert!(
        code == 0 && out.starts_with("RF0402: no such server\n"),
        "{out}"
    );
    let (code, _, err) = parts(&replform(here.path(), &["explain", "RF9999"], ""));
    assert!(code == 1 && err.contains("RF0804"), "{err}");
}

#[test]
fn completions_name_the_commands() {
    let here = folder(&[]);
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = parts(&replform(here.path(), &["completions", shell], ""));
        assert!(code == 0 && out.contains("validate"), "{shell}");
    }
}
