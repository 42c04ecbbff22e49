//! The one function that makes shell words. Every argument of every remote command goes through it; it must never be
//! by-passed with quotes written by hand.

/// Why a text can't be a shell word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the argument {shown:?} holds a NUL byte, which no command can take")]
pub struct QuoteError {
    shown: String,
}

/// One word for a POSIX shell that stands for exactly `text`. A word that begins with a dash stays one: write `--` before operands.
///
/// # Errors
/// When `text` holds a NUL byte.
pub fn quote(text: &str) -> Result<String, QuoteError> {
    shlex::try_quote(text)
        .map(|word| word.into_owned())
        .map_err(|_| QuoteError {
            shown: text.chars().take(60).collect(),
        })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn through_sh(text: &str) -> String {
        let script = format!("printf %s {}", quote(text).unwrap());
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn awkward_words_survive_sh() {
        for text in [
            "",
            " ",
            "'",
            "\"",
            "$HOME",
            "`id`",
            "a\nb",
            "\\",
            "!x",
            "*",
            "~",
            "é ü",
            "-n",
            "a=b",
            "{a,b}",
            "#",
            "\u{7f}\u{1}",
        ] {
            assert_eq!(through_sh(text), text);
        }
    }

    #[test]
    fn refuses_nul() {
        assert!(quote("a\0b").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn any_word_survives_sh(text in "[^\0]{0,40}") {
            prop_assert_eq!(through_sh(&text), text);
        }
    }
}
