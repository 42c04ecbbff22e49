//! Every code of a diagnostic, with its constant summary and the text of `replform explain`.
//!
//! A new kind of error is one row in the table of its area. Codes are never reused or renumbered:
//! people search for them. Areas: 00 files and syntax, 01 expressions, 02 blocks and attributes,
//! 03 variables and locals, 04 topology, 05 hosts and SSH, 06 plans, 07 apply, 08 command line.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A code such as `RF0107`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Code(pub u16);

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.to_string()
    }
}

impl TryFrom<String> for Code {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is no code of this version of replform"))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RF{:04}", self.0)
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The code.
    pub code: Code,
    /// What the first line of the error says, always the same.
    pub summary: &'static str,
    /// A few sentences for `replform explain`: what it means, why it matters, how to mend it.
    pub explain: &'static str,
}

impl Code {
    /// The summary of the code's row.
    pub fn summary(self) -> &'static str {
        self.entry().map_or("error", |entry| entry.summary)
    }

    /// The code's row.
    pub fn entry(self) -> Option<&'static Entry> {
        ALL.iter()
            .flat_map(|area| area.iter())
            .find(|entry| entry.code == self)
    }

    /// Reads `RF0107`, `rf107` or `107`.
    pub fn parse(text: &str) -> Option<Code> {
        let digits = text
            .strip_prefix("RF")
            .or_else(|| text.strip_prefix("rf"))
            .unwrap_or(text);
        let code = Code(digits.parse().ok()?);
        code.entry().map(|entry| entry.code)
    }
}

macro_rules! codes {
    ($table:ident: $($name:ident = $number:literal, $summary:literal, $explain:literal;)+) => {
        $(#[doc = $summary] pub const $name: Code = Code($number);)+
        /// The rows of one area.
        pub const $table: &[Entry] = &[$(Entry { code: $name, summary: $summary, explain: $explain }),+];
    };
}

mod apply;
mod command_line;
mod language;
mod plans;
pub use apply::*;
pub use command_line::*;
pub use language::*;
pub use plans::*;

/// All areas, in the order of their numbers.
pub const ALL: &[&[Entry]] = &[
    FILES,
    EXPRESSIONS,
    BLOCKS,
    VARIABLES,
    TOPOLOGY,
    PLANS,
    APPLY,
    COMMAND_LINE,
];

codes! { FILES:
    FILE_UNREADABLE = 1, "a file can't be read",
        "The file exists but reading it failed: permissions, a directory with a file's name, a broken link. The detail holds what the operating system said.";
    FILE_TOO_LARGE = 2, "a file is too large",
        "Configuration files are read up to 8 MiB. A page of HCL is a few kilobytes; a larger file is almost always the wrong file. Split generated configuration over several files.";
    NOT_UTF8 = 3, "a file is not UTF-8",
        "Configuration must be UTF-8. The place given is the first byte that isn't. Save the file again as UTF-8; a file that was compressed or encrypted has to be unpacked first.";
    NUL_CHARACTER = 4, "a NUL character",
        "A NUL character (byte 0) can't stand in a configuration: no host name, path or setting can hold one. It usually comes from a UTF-16 file or a broken copy.";
    UNTERMINATED = 5, "something that was opened is never closed",
        "A quote, bracket, comment or heredoc starts here and the file ends before it does. The place is where it opens; look there for the missing end.";
    SYNTAX = 6, "invalid syntax",
        "The text is not valid HCL at this place. One error is shown per top-level block, so mending one can show the next of the same block.";
    JSON_SYNTAX = 7, "invalid JSON",
        "A *.rf.json file is plain JSON: no comments (use the property \"//\"), no trailing commas, double quotes only.";
    JSON_SHAPE = 8, "JSON of the wrong shape",
        "In HCL's JSON form a block is an object, its labels are the names of nested objects, and several blocks of a kind are an array. An attribute's value is any JSON value, its strings being templates.";
    DUPLICATE_ATTRIBUTE = 9, "an attribute is set twice",
        "Each attribute and each key of an object may be set once. The second one would silently win, so it is an error.";
    CONTROL_CHARACTER = 10, "an invalid character",
        "Quotes are straight double quotes, and names and operators are plain characters. Text copied from a web page or a word processor often brings typographic quotes or invisible spaces along.";
}

codes! { EXPRESSIONS:
    NO_SUCH_NAME = 101, "no such name",
        "An expression mentions a name that isn't defined here. Variables are var.NAME, locals are local.NAME, servers stack.STACK.server.NAME.";
    NO_SUCH_ATTRIBUTE = 102, "no such attribute",
        "The object has no attribute or key of this name. Use lookup(map, key, default) or try(…) where it may be missing.";
    NO_SUCH_FUNCTION = 103, "no such function",
        "The function isn't one of the language's. Functions behave as Terraform's of the same name; the list stands in the reference.";
    WRONG_ARGUMENTS = 104, "wrong number of arguments",
        "The function was called with too few or too many arguments.";
    INVALID_ARGUMENT = 105, "invalid argument",
        "The function can't work with this argument; the label says why.";
    WRONG_TYPE = 106, "a value of the wrong type",
        "The value can't be used here and can't be converted. Numbers, booleans and strings convert into one another where the text allows it; lists and objects don't convert to them.";
    NULL_VALUE = 107, "a null value",
        "null means \"not set\". It can't take part in arithmetic, templates or conditions. Test for it first: x == null ? … : …, or use coalesce(x, default).";
    INDEX_OUT_OF_RANGE = 108, "no such element",
        "Lists count from 0, and a negative index is an error. Use element(list, n) to count round.";
    DIVISION_BY_ZERO = 109, "division by zero",
        "Neither / nor % can divide by zero. Test the divisor first: n == 0 ? 0 : x / n.";
    INCONSISTENT_CONDITIONAL = 110, "the two results of a condition have different types",
        "Both results of condition ? a : b must have one type, so that what follows doesn't depend on the condition. Convert one of them: tostring(…), or null for \"not set\".";
    DUPLICATE_KEY = 111, "a key that was there before",
        "A for expression that makes an object gave the same key twice. Write `...` after the value to collect all values of a key in a list.";
    TOO_MUCH_WORK = 112, "the expression is too large to work out",
        "Evaluating stops after a million steps or 64 MiB of results, so that a slip (a list that multiplies itself) ends in an error rather than in a machine without memory.";
    TOO_DEEP = 113, "the expression is nested too deeply",
        "Expressions that refer to one another hundreds of levels deep stop here. It is usually a generated file or a chain of locals that could be a list.";
    CUSTOM_ERROR = 114, "no alternative worked",
        "try(…) evaluates its arguments in turn and takes the first that works. None of them did.";
    NUMBER_OUT_OF_RANGE = 115, "a number out of range",
        "The number is too large or too small to be worked with exactly.";
    INVALID_TYPE = 116, "invalid type",
        "A type is one of any, string, number, bool, list(T), set(T), map(T), tuple([T, …]) and object({ name = T, … }), where an object's attribute may be optional(T) or optional(T, default).";
    NOT_ITERABLE = 117, "a value that can't be iterated over",
        "for and splat expressions go over lists, sets, maps and objects.";
    NOT_STATIC = 118, "not a plain reference",
        "Here a plain reference is wanted, such as stack.eu.server.db1, not a computed value.";
    TEMPLATE_RESULT = 119, "a value that can't stand inside a string",
        "Only strings, numbers and booleans can be put into a template. Use join(\", \", list) for a list or jsonencode(value) for anything.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_and_summary_stands_once_and_is_explained() {
        let entries: Vec<_> = ALL.iter().flat_map(|area| area.iter()).collect();
        let numbers: BTreeSet<_> = entries.iter().map(|entry| entry.code).collect();
        let summaries: BTreeSet<_> = entries.iter().map(|entry| entry.summary).collect();
        assert_eq!(numbers.len(), entries.len());
        assert_eq!(summaries.len(), entries.len());
        for entry in entries {
            assert!(entry.explain.len() > 40, "{} needs a text", entry.code);
            assert!(!entry.summary.ends_with('.'), "{}", entry.code);
        }
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        assert_eq!(Code::parse("RF0101"), Some(NO_SUCH_NAME));
        assert_eq!(Code::parse("rf101"), Some(NO_SUCH_NAME));
        assert_eq!(Code::parse("RF9999"), None);
    }
}
