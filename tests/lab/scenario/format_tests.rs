//! The format itself: what it refuses, with file and line.

use libtest_mimic::{Failed, Trial};

use super::page::Page;
use super::{check, decode, root};

const HOST: &str = "about = \"one\"\n\nhost \"db1\" {\n  image   = \"bookworm-bare\"\n  address = \"10.77.1.11\"\n}\n\n";

/// Each is a name, the lines after the host's, and what must be said about them.
const REFUSED: [(&str, &str, &str); 13] = [
    (
        "an_unknown_attribute",
        "on \"db1\" {\n  run   = \"true\"\n  exits = 1\n}\n",
        "x:10: no attribute \"exits\" here; did you mean `exit`?",
    ),
    (
        "an_unknown_block",
        "cutt \"db1\" {}\n",
        "x:8: no block \"cutt\"; did you mean `cut`?",
    ),
    (
        "an_unknown_host",
        "cut \"db2\" {}\n",
        "x:8: no host \"db2\"",
    ),
    (
        "a_block_in_a_block",
        "on \"db1\" {\n  with {}\n}\n",
        "x:9: no block \"with\" can stand here",
    ),
    (
        "a_number_that_is_a_word",
        "on \"db1\" {\n  run  = \"true\"\n  exit = \"one\"\n}\n",
        "x:10: \"exit\" wants a whole number",
    ),
    (
        "a_time_without_a_unit",
        "cut \"db1\" {\n  lasting = \"20\"\n}\n",
        "x:9: \"lasting\" wants a time",
    ),
    (
        "neither_a_line_nor_a_script",
        "on \"db1\" {}\n",
        "x:8: it wants \"run\"",
    ),
    (
        "a_script_that_is_missing",
        "on \"db1\" {\n  script = \"no.sh\"\n}\n",
        "x:8: no file \"no.sh\"",
    ),
    (
        "what_nobody_saved",
        "on \"db1\" {\n  run    = \"true\"\n  prints = \"${before}\"\n}\n",
        "x:8: nothing was saved as \"before\" before",
    ),
    (
        "an_end_without_a_start",
        "kill \"first\" {}\n",
        "x:8: \"first\" was not started",
    ),
    (
        "a_start_without_an_end",
        "start \"first\" {\n  replform = \"apply\"\n}\n",
        "x: \"first\" is never ended",
    ),
    (
        "a_writer_that_never_stops",
        "writer_starts \"db1\" {}\n",
        "x: the writer is never stopped",
    ),
    (
        "a_story_that_shows_nothing",
        "on \"db1\" {\n  run = \"true\"\n}\n",
        "x: nothing is expected",
    ),
];

/// One test for each.
pub fn trials() -> impl Iterator<Item = Trial> {
    REFUSED.into_iter().map(|(name, lines, told)| {
        Trial::test(format!("format_refuses::{name}"), move || {
            refused(lines, told)
        })
    })
}

fn refused(lines: &str, told: &str) -> Result<(), Failed> {
    let page = Page {
        name: "x".to_owned(),
        text: format!("{HOST}{lines}"),
    };
    // Faults of the page itself are what is looked for; those of the folder don't matter.
    let folder = root();
    let wrong = match decode::decode(&folder, &page) {
        Ok(scenario) => check::check(&scenario),
        Err(fault) => vec![fault],
    };
    if wrong.iter().any(|line| line.starts_with(told)) {
        Ok(())
    } else {
        Err(format!("not told: {told}\n{}", wrong.join("\n")).into())
    }
}
