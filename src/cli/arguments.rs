//! Arguments that several commands share, and Terraform's spelling of options.

use std::ffi::OsString;

use clap::Args;

/// `-var` and `-var-file`, in the order given.
#[derive(Args, Clone, Debug, Default)]
pub struct VariableArguments {
    /// Set a variable of the configuration; may be given several times
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// Read variables from a file (*.rfvars or *.rfvars.json); may be given several times
    #[arg(long = "var-file", value_name = "FILE")]
    pub var_files: Vec<String>,
}

/// Gives `-out=x` the two dashes that the parser wants. Single letters (`-h`, `-o FILE`) stay, and so does
/// everything after `--`.
pub fn with_two_dashes(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut literal = false;
    arguments
        .into_iter()
        .map(|argument| {
            literal |= argument == "--";
            if literal || !is_long(&argument) {
                return argument;
            }
            let mut two = OsString::from("-");
            two.push(argument);
            two
        })
        .collect()
}

/// One dash, a letter, then at least one more letter or dash of a name.
fn is_long(argument: &OsString) -> bool {
    let Some(text) = argument.to_str().and_then(|text| text.strip_prefix('-')) else {
        return false;
    };
    let name = text.split('=').next().unwrap_or_default();
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic()) && characters.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_options_get_their_second_dash() {
        let given = [
            "-chdir=x", "plan", "-out", "-o", "f", "-", "--json", "-1", "--", "-var",
        ];
        let want = [
            "--chdir=x",
            "plan",
            "--out",
            "-o",
            "f",
            "-",
            "--json",
            "-1",
            "--",
            "-var",
        ];
        let got = with_two_dashes(given.map(OsString::from));
        assert_eq!(got, want.map(OsString::from));
    }
}
