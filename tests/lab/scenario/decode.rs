//! Makes a [`Scenario`] of a page of HCL. The verbs and their attributes are here, and in the README beside the scenarios.

use std::path::Path;
use std::time::Duration;

use hcl_edit::Span as _;
use hcl_edit::structure::Block;
use replform::diagnostics::did_you_mean;

use super::expect::{Exit, Expect};
use super::page::{Attributes, Fault, Page, is_name};
use super::story::{Act, HostWanted, Scenario, Script, Secret, Step, Work};

/// What a script may take, unless the scenario says something else.
const SCRIPT_LIMIT: Duration = Duration::from_secs(120);

/// What replform may take, unless the scenario says something else.
const REPLFORM_LIMIT: Duration = Duration::from_secs(300);

/// How long something is waited for, unless the scenario says something else.
const WAIT_LIMIT: Duration = Duration::from_secs(120);

const VERBS: [&str; 19] = [
    "cut",
    "disk",
    "finish",
    "heal",
    "hear",
    "interrupt",
    "kill",
    "nothing_to_do",
    "on",
    "page",
    "power_off",
    "power_on",
    "replform",
    "same_data",
    "start",
    "stays_secret",
    "wait",
    "writer_starts",
    "writer_stops",
];

/// Reads `FOLDER/scenario.hcl`.
///
/// # Errors
/// The first thing that can't be understood, with file and line.
pub fn read(folder: &Path) -> Result<Scenario, Fault> {
    let path = folder.join("scenario.hcl");
    let name = super::shown(&path);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
    decode(folder, &Page { name, text })
}

/// Reads a page that stands for `FOLDER/scenario.hcl`.
///
/// # Errors
/// As [`read`].
pub fn decode(folder: &Path, page: &Page) -> Result<Scenario, Fault> {
    let body = hcl_edit::parser::parse_body(&page.text).map_err(|error| {
        let (line, what) = (error.location().line(), error.message());
        format!("{}:{line}: {what}", page.name)
    })?;
    let mut file = Attributes::of(page, &body, None);
    let about = file.string("about")?;
    let about = file.need("about", about)?;
    file.finish()?;
    let mut scenario = Scenario {
        folder: folder.to_owned(),
        page: page.name.clone(),
        about,
        hosts: Vec::new(),
        steps: Vec::new(),
    };
    for block in body.blocks() {
        if block.ident.as_str() == "host" {
            scenario.hosts.push(host(page, block)?);
        } else {
            scenario.steps.push(step(page, block)?);
        }
    }
    Ok(scenario)
}

fn labels(block: &Block) -> Vec<String> {
    let labels = block.labels.iter().map(|label| label.as_str().to_owned());
    labels.collect()
}

/// The one label that a block must have.
fn one_label(page: &Page, block: &Block, what: &str) -> Result<String, Fault> {
    match labels(block).as_slice() {
        [label] => Ok(label.clone()),
        _ => {
            let verb = block.ident.as_str();
            Err(page.fault(block.span(), format!("write {verb} \"{what}\" {{ … }}")))
        }
    }
}

fn no_label(page: &Page, block: &Block) -> Result<(), Fault> {
    if block.labels.is_empty() {
        return Ok(());
    }
    let what = format!("{} has no label", block.ident.as_str());
    Err(page.fault(block.span(), what))
}

fn host(page: &Page, block: &Block) -> Result<HostWanted, Fault> {
    let name = one_label(page, block, "NAME")?;
    let mut from = Attributes::of_block(page, block)?;
    let (image, address) = (from.string("image")?, from.string("address")?);
    let host = HostWanted {
        name,
        image: from.need("image", image)?,
        address: from.need("address", address)?,
    };
    from.finish()?;
    Ok(host)
}

fn step(page: &Page, block: &Block) -> Result<Step, Fault> {
    let line = page.line(block.span());
    let title = page.text.lines().nth(line - 1).unwrap_or_default();
    let mut from = Attributes::of_block(page, block)?;
    let act = act(page, block, &mut from)?;
    from.finish()?;
    Ok(Step {
        line,
        title: title
            .split('{')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned(),
        act,
    })
}

fn act(page: &Page, block: &Block, from: &mut Attributes<'_>) -> Result<Act, Fault> {
    let host = || one_label(page, block, "HOST");
    let name = || one_label(page, block, "NAME");
    Ok(match block.ident.as_str() {
        "on" => Act::On {
            hosts: match labels(block) {
                hosts if hosts.is_empty() => return Err(from.fault("on which host?")),
                hosts => hosts,
            },
            work: work(from, SCRIPT_LIMIT)?,
            save: name_of_saved(from)?,
            expect: expect(from)?,
        },
        "wait" => Act::Wait {
            host: host()?,
            work: work(from, WAIT_LIMIT)?,
            expect: expect(from)?,
        },
        "page" => Act::Page {
            file: one_label(page, block, "FILE.rf.hcl")?,
        },
        "replform" => Act::Replform {
            arguments: words(&one_label(page, block, "plan -json")?),
            within: from.duration("within")?.unwrap_or(REPLFORM_LIMIT),
            expect: expect(from)?,
        },
        "start" => Act::Start {
            name: name()?,
            arguments: {
                let line = from.string("replform")?;
                words(&from.need("replform", line)?)
            },
        },
        "hear" => Act::Hear {
            name: name()?,
            says: {
                let says = from.text("says")?;
                from.need("says", says)?
            },
            within: from.duration("within")?.unwrap_or(WAIT_LIMIT),
        },
        "kill" => Act::Kill { name: name()? },
        "interrupt" => Act::Interrupt { name: name()? },
        "finish" => Act::Finish {
            name: name()?,
            within: from.duration("within")?.unwrap_or(REPLFORM_LIMIT),
            expect: expect(from)?,
        },
        "writer_starts" | "writer_stops" | "same_data" | "nothing_to_do" | "stays_secret" => {
            proof(page, block, from)?
        }
        _ => fault(page, block, from)?,
    })
}

/// What shows that all is well.
fn proof(page: &Page, block: &Block, from: &mut Attributes<'_>) -> Result<Act, Fault> {
    Ok(match block.ident.as_str() {
        "writer_starts" => Act::WriterStarts {
            host: one_label(page, block, "HOST")?,
            with: from.environment("with")?,
        },
        "writer_stops" => {
            no_label(page, block)?;
            Act::WriterStops {
                longest_pause: from.duration("longest_pause")?,
                lost_connections: from.number("lost_connections")?,
            }
        }
        "same_data" => {
            no_label(page, block)?;
            let primary = from.string("primary")?;
            let replicas = from.strings("replicas")?;
            Act::SameData {
                primary: from.need("primary", primary)?,
                replicas: from.need("replicas", (!replicas.is_empty()).then_some(replicas))?,
                with: from.environment("with")?,
                within: from.duration("within")?.unwrap_or(WAIT_LIMIT),
            }
        }
        "nothing_to_do" => {
            no_label(page, block)?;
            Act::NothingToDo
        }
        _ => Act::StaysSecret {
            what: one_label(page, block, "the password")?,
            secret: secret(from)?,
        },
    })
}

/// What goes wrong with hosts.
fn fault(page: &Page, block: &Block, from: &mut Attributes<'_>) -> Result<Act, Fault> {
    let host = || one_label(page, block, "HOST");
    Ok(match block.ident.as_str() {
        "cut" => Act::Cut {
            host: host()?,
            lasting: from.duration("lasting")?,
        },
        "heal" => Act::Heal { host: host()? },
        "power_off" => Act::PowerOff { host: host()? },
        "power_on" => Act::PowerOn { host: host()? },
        "disk" => {
            let (path, size) = (from.string("path")?, from.string("size")?);
            Act::Disk {
                host: host()?,
                path: from.need("path", path)?,
                size: from.need("size", size)?,
            }
        }
        unknown => {
            let hint = did_you_mean(unknown, VERBS)
                .unwrap_or_else(|| format!("there are host, {}", VERBS.join(", ")));
            return Err(from.fault(format!("no block \"{unknown}\"; {hint}")));
        }
    })
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn work(from: &mut Attributes<'_>, limit: Duration) -> Result<Work, Fault> {
    Ok(Work {
        script: match (from.string("run")?, from.string("script")?) {
            (Some(line), None) => Script::Line(line),
            (None, Some(file)) => Script::File(file),
            _ => {
                return Err(from.fault("it wants \"run\" (a line of shell) or \"script\" (a file)"));
            }
        },
        with: from.environment("with")?,
        within: from.duration("within")?.unwrap_or(limit),
    })
}

fn name_of_saved(from: &mut Attributes<'_>) -> Result<Option<String>, Fault> {
    match from.string("save")? {
        Some(name) if !is_name(&name) => {
            Err(from.fault("\"save\" wants a name of small letters, digits and _"))
        }
        name => Ok(name),
    }
}

fn secret(from: &mut Attributes<'_>) -> Result<Secret, Fault> {
    if let Some(value) = from.string("value")? {
        return Ok(Secret::Value(value));
    }
    let Some(host) = from.string("on")? else {
        return Err(from.fault("it wants \"value\", or \"on\" (a host) and \"run\" or \"script\""));
    };
    let work = work(from, SCRIPT_LIMIT)?;
    Ok(Secret::Told { host, work })
}

fn expect(from: &mut Attributes<'_>) -> Result<Expect, Fault> {
    let exit = match (from.number("exit")?, from.flag("fails")?) {
        (None, true) => Exit::AnyFailure,
        (Some(_), true) => return Err(from.fault("\"exit\" and \"fails\" say the same twice")),
        (code, false) => Exit::Code(i32::try_from(code.unwrap_or(0)).unwrap_or(i32::MAX)),
    };
    let mut matches = Vec::new();
    for pattern in from.strings("matches")? {
        matches.push(regex::Regex::new(&pattern).map_err(|error| from.fault(error.to_string()))?);
    }
    Ok(Expect {
        exit,
        says: from.texts("says")?,
        lacks: from.texts("lacks")?,
        lines: from.texts("lines")?,
        matches,
        prints: from.text("prints")?,
    })
}
