//! Help texts and usage errors, in Terraform's spelling: one dash.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::commands::{GROUPS, Group};
use super::entry::program;
use super::{Context, Exit};
use crate::diagnostics::nearest;

/// Groups the commands under two headings, and lets the last of an option's values win as Terraform does.
pub fn arrange(command: Command) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|subcommand| subcommand.get_name().to_owned())
        .collect();
    let overview = overview(&command);
    let mut command = command
        .disable_help_subcommand(true)
        .args_override_self(true)
        .help_template("Usage: replform [global options] COMMAND [options]\n\n{about}{after-help}\n\nOptions:\n{options}\n")
        .after_help(overview);
    for name in names {
        command = command.mut_subcommand(name, |subcommand| subcommand.args_override_self(true));
    }
    command
}

fn overview(command: &Command) -> String {
    let rows = |wanted: Group| -> String {
        GROUPS
            .iter()
            .filter(|(_, group)| *group == wanted)
            .filter_map(|(name, _)| command.find_subcommand(name.to_lowercase()))
            .map(|subcommand| {
                let about = subcommand.get_about().map(ToString::to_string);
                format!(
                    "  {:<12} {}\n",
                    subcommand.get_name(),
                    about.unwrap_or_default()
                )
            })
            .collect()
    };
    format!(
        "Main commands:\n{}\nOther commands:\n{}\nreplform COMMAND -help says more about one of them.",
        rows(Group::Main),
        rows(Group::Other)
    )
}

/// The help text of a command.
pub fn help(command: &mut Command) -> String {
    one_dash(&command.render_help().to_string())
}

/// Answers what couldn't be parsed; also the way that `-help` takes.
pub fn explain(error: &clap::Error, given: &[OsString]) -> Exit {
    let streams = Context::new(false).streams;
    let text = one_dash(&error.render().to_string());
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match streams.data(&text) {
            Ok(()) => Exit::Done,
            Err(_) => Exit::Error,
        },
        ErrorKind::UnknownArgument => {
            streams.talk(&unknown_argument(error, given).unwrap_or(text));
            Exit::Error
        }
        _ => {
            streams.talk(&text);
            Exit::Error
        }
    }
}

fn unknown_argument(error: &clap::Error, given: &[OsString]) -> Option<String> {
    let ContextValue::String(argument) = error.get(ContextKind::InvalidArg)? else {
        return None;
    };
    let program = program();
    let command = given
        .iter()
        .skip(1)
        .find_map(|word| program.find_subcommand(word))
        .unwrap_or(&program);
    let Some(name) = argument.strip_prefix("--") else {
        return Some(format!(
            "error: unexpected argument \"{argument}\"\n\nreplform {} -help lists what it takes.\n",
            command.get_name()
        ));
    };
    let options: Vec<&str> = command
        .get_arguments()
        .chain(program.get_arguments())
        .filter_map(clap::Arg::get_long)
        .collect();
    let starts = options
        .iter()
        .copied()
        .filter(|option| option.starts_with(name) && name.len() > 1);
    let hint = nearest(name, options.iter().copied())
        .or_else(|| starts.min())
        .map(|option| format!("\nhelp: did you mean -{option}?"))
        .unwrap_or_default();
    let whose = match command.get_name() {
        "replform" => "replform".to_owned(),
        name => format!("replform {name}"),
    };
    Some(format!(
        "error: {whose} has no option -{name}{hint}\n\n{whose} -help lists the options.\n"
    ))
}

/// Spells long options with one dash, as they are documented; two are understood as well.
fn one_dash(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text;
    while let Some(at) = rest.find("--") {
        out.push_str(&rest[..at]);
        before = rest[..at].chars().next_back().unwrap_or(before);
        let after = &rest[at + 2..];
        let is_option = !(before.is_alphanumeric() || before == '-')
            && after.starts_with(|c: char| c.is_ascii_alphabetic());
        out.push_str(if is_option { "-" } else { "--" });
        before = '-';
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::entry::Program;
    use super::*;

    #[test]
    fn help_spells_options_with_one_dash() {
        assert_eq!(
            one_dash("  -h, --help  [--out=x] a--b ---"),
            "  -h, -help  [-out=x] a--b ---"
        );
    }

    #[test]
    fn every_option_and_command_has_a_line_of_help() {
        let program = Program::command();
        for command in program.get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {}",
                    command.get_name(),
                    argument.get_id()
                );
            }
        }
    }

    #[test]
    fn every_command_stands_in_the_overview() {
        let program = Program::command();
        let overview = overview(&program);
        for command in program.get_subcommands() {
            assert!(
                overview.contains(&format!("  {} ", command.get_name())),
                "{}",
                command.get_name()
            );
        }
    }
}
