//! env.sh on real files with a real `sh`: only our block changes, on_change runs surely and only when owed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::*;
use crate::plan::{Argument, Call, Sensitive};
use crate::secret::Secret;

struct App {
    folder: tempfile::TempDir,
    on_change: String,
    on_change_seconds: u32,
    block: String,
}

impl App {
    fn new(content: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if let Some(content) = content {
            fs::write(folder.path().join("app.env"), content).unwrap();
        }
        Self {
            folder,
            on_change: String::new(),
            on_change_seconds: 30,
            block: "DB_ADDRESS=10.0.0.1\nDB_PORT=5432".to_owned(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self) -> String {
        fs::read_to_string(self.path("app.env")).unwrap()
    }

    fn phases(&self, phases: &str) -> Output {
        let path = |name: &str| self.path(name).display().to_string();
        let call = Call::new("apply/env.sh", 30)
            .text("path", path("app.env"))
            .text("begin_line", BEGIN)
            .text("end_line", END)
            .with(
                "block",
                Argument::Sensitive(Box::new(Sensitive {
                    text: Secret::new(self.block.clone()),
                    hash: String::new(),
                })),
            )
            .with(
                "names",
                Argument::Lines(vec!["DB_ADDRESS".to_owned(), "DB_PORT".to_owned()]),
            )
            .text("on_change", self.on_change.clone())
            .number("on_change_seconds", self.on_change_seconds)
            .text("pending", path("pending/acme.orders.pending.1"));
        // The journal isn't this test's: `changed` of the frame is put back to the prelude's.
        let ending =
            format!("changed() {{ printf 'changed %s\\n' \"$1\"; }}; replform_main {phases}");
        let text = compose(&call, &[], &ending, &Secrets::new()).unwrap();
        let script = self.path("script");
        fs::write(&script, &*text).unwrap();
        Command::new("sh")
            .stdin(fs::File::open(script).unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .unwrap()
    }

    fn apply(&self) -> (i32, String) {
        let output = self.phases("check run verify");
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(text).unwrap(),
        )
    }
}

const BEGIN: &str = "# replform begin acme.orders: kept by replform";
const END: &str = "# replform end acme.orders";
const BLOCK: &str = "# replform begin acme.orders: kept by replform\nDB_ADDRESS=10.0.0.1\nDB_PORT=5432\n# replform end acme.orders\n";

#[test]
fn a_new_block_goes_to_the_end_and_the_rest_stays() {
    let app = App::new(Some("SECRET=it's\n#DB_PORT=1\nLAST=no newline"));
    fs::set_permissions(app.path("app.env"), fs::Permissions::from_mode(0o604)).unwrap();
    let (code, said) = app.apply();
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        app.read(),
        format!("SECRET=it's\n#DB_PORT=1\nLAST=no newline\n{BLOCK}")
    );
    let mode = fs::metadata(app.path("app.env"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o604);
    assert!(!said.contains("SECRET"), "{said}");
}

#[test]
fn a_missing_file_is_made_with_its_mode() {
    let app = App::new(None);
    let (code, said) = app.apply();
    assert_eq!(code, 0, "{said}");
    assert_eq!(app.read(), BLOCK);
    let mode = fs::metadata(app.path("app.env"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o640);
}

#[test]
fn a_block_is_replaced_where_it_stands_and_an_equal_one_is_left_alone() {
    let mut app = App::new(Some(&format!("A=1\n{BLOCK}B=2\n")));
    app.block = "DB_ADDRESS=10.9.9.9".to_owned();
    let (code, said) = app.apply();
    assert_eq!(code, 0, "{said}");
    let expected = "A=1\n# replform begin acme.orders: kept by replform\nDB_ADDRESS=10.9.9.9\n# replform end acme.orders\nB=2\n";
    assert_eq!(app.read(), expected);
    let (code, said) = app.apply();
    assert_eq!((code, said.contains("changed")), (0, false), "{said}");
}

#[test]
fn a_block_of_an_older_replform_is_known_by_its_name() {
    let app = App::new(Some(
        "# replform begin acme.orders\r\nDB_PORT=1\r\n# replform end acme.orders\r\n# replform begin acme.orders2: x\n",
    ));
    let (code, said) = app.apply();
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        app.read(),
        format!("{BLOCK}# replform begin acme.orders2: x\n")
    );
}

#[test]
fn a_link_is_followed_and_stays_a_link() {
    let app = App::new(None);
    fs::write(app.path("real.env"), "A=1\n").unwrap();
    std::os::unix::fs::symlink("real.env", app.path("app.env")).unwrap();
    assert_eq!(app.apply().0, 0);
    assert!(app.path("app.env").is_symlink());
    assert_eq!(
        fs::read_to_string(app.path("real.env")).unwrap(),
        format!("A=1\n{BLOCK}")
    );
}

#[test]
fn our_name_outside_the_block_is_refused_with_its_line() {
    for line in ["DB_PORT=1", "  export DB_PORT = x"] {
        let before = format!("A=1\n{line}\n");
        let app = App::new(Some(&before));
        let (code, said) = app.apply();
        assert_eq!(code, 20, "{said}");
        assert!(said.contains("line 2: DB_PORT"), "{said}");
        assert_eq!(app.read(), before);
    }
}

#[test]
fn half_a_block_is_refused() {
    for before in [
        &format!("{BEGIN}\nA=1\n"),
        &format!("{END}\n"),
        &format!("{END}\n{BEGIN}\n"),
        &format!("{BLOCK}{BLOCK}"),
    ] {
        let app = App::new(Some(before.as_str()));
        let (code, said) = app.apply();
        assert_eq!(code, 20, "{before}: {said}");
        assert_eq!(app.read(), *before);
    }
}

#[test]
fn a_missing_directory_is_refused() {
    let app = App::new(None);
    std::os::unix::fs::symlink("nowhere/x.env", app.path("app.env")).unwrap();
    assert_eq!(app.apply().0, 20);
}

#[test]
fn on_change_is_owed_until_it_succeeds_and_runs_only_when_owed() {
    let mut app = App::new(Some("A=1\n"));
    let count = app.path("count");
    app.on_change = "echo it broke; exit 3".to_owned();
    let (code, said) = app.apply();
    assert_eq!(code, 21, "{said}");
    assert!(
        said.contains("code 3") && said.contains("it broke"),
        "{said}"
    );
    assert!(app.path("pending/acme.orders.pending.1").exists());
    assert_eq!(app.read(), format!("A=1\n{BLOCK}"));
    app.on_change = format!("echo x >>{}", count.display());
    assert_eq!(app.apply().0, 0);
    assert_eq!(app.apply().0, 0);
    assert_eq!(fs::read_to_string(&count).unwrap(), "x\n");
    assert!(!app.path("pending/acme.orders.pending.1").exists());
}

#[test]
fn an_on_change_that_hangs_is_ended() {
    let mut app = App::new(None);
    (app.on_change, app.on_change_seconds) = ("sleep 30".to_owned(), 1);
    let (code, said) = app.apply();
    assert_eq!(code, 21, "{said}");
    assert!(said.contains("within 1 s"), "{said}");
}

#[test]
fn what_on_change_leaves_running_does_not_hold_the_step() {
    let mut app = App::new(None);
    app.on_change = "sleep 25 & exit 0".to_owned();
    let began = std::time::Instant::now();
    let (code, said) = app.apply();
    assert_eq!(code, 0, "{said}");
    assert!(began.elapsed() < std::time::Duration::from_secs(20));
}

/// A disk that is full while the new text is written must be seen wherever our block stands, last included.
#[test]
fn a_new_text_that_does_not_fit_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.env");
    fs::write(&file, "DATABASE_PASSWORD=theirs\n# begin\nA=1\n# end\n").unwrap();
    for (first, last) in [(2, 4), (0, 0)] {
        let script = format!(
            "{}\nbegin_line='# begin' block='A=2' end_line='# end' file={} first={first} last={last}\n\
             if env_new_text >/dev/full 2>/dev/null; then echo unseen; else echo seen; fi\n",
            include_str!("env.sh"),
            file.display()
        );
        let output = std::process::Command::new("sh")
            .arg("-c")
            .arg(script)
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "seen\n",
            "block at {first}"
        );
    }
}
