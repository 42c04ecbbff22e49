//! What a row of the language's table says. Data only.

use crate::diagnostics::nearest;

/// A kind of block.
#[derive(Debug)]
pub struct BlockRow {
    /// Its first word.
    pub name: &'static str,
    /// The label that it carries, if any.
    pub label: Option<Label>,
    /// How often it may stand in the block around it.
    pub count: Count,
    /// Whether `for_each` may stand in it.
    pub for_each: bool,
    /// Whether any attribute may stand in it (`locals`).
    pub open: bool,
    /// What may be written in it.
    pub attributes: &'static [AttributeRow],
    /// The blocks that may stand in it.
    pub blocks: &'static [&'static BlockRow],
    /// One line of help.
    pub help: &'static str,
}

/// What a block's label means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A name of the language: letters, digits, `_` and `-`.
    Name,
    /// A variable's name: an identifier.
    Identifier,
}

/// How often a block may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Exactly once.
    Required,
    /// At most once.
    Optional,
    /// Any number of times, each with another label where it has one.
    Many,
}

/// An attribute.
#[derive(Debug)]
pub struct AttributeRow {
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// Whether it must be written.
    pub required: bool,
    /// What holds where it isn't written, in words or HCL.
    pub default: Option<&'static str>,
    /// One line of help.
    pub help: &'static str,
}

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text that isn't empty and has no control characters.
    Text,
    /// Any text, possibly secret; the only kinds that take sensitive values are this and [`Kind::Variables`].
    Secret,
    /// A name: `[A-Za-z0-9][A-Za-z0-9_-]{0,31}`.
    Name,
    /// A host name or an address.
    Host,
    /// A list of host names or addresses, not empty.
    Hosts,
    /// A port from 1 to 65535.
    Port,
    /// `true` or `false`.
    Bool,
    /// A path that begins with `/`.
    AbsolutePath,
    /// A size, as in `16GB`.
    Size,
    /// A rate, as in `50MB/s`.
    Rate,
    /// A time or a size.
    Lag,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// A list of some of a few words.
    Words(&'static [&'static str]),
    /// A major version, as in `15` or `8.0`.
    MajorVersion,
    /// Which versions of replform may read this, as in `>= 0.1`.
    VersionRequirement,
    /// The name of an environment variable.
    VariableName,
    /// An object of environment variables, worked out once per app.
    Variables,
    /// A reference to a block.
    Reference(Target),
    /// A list of references, not empty.
    References(Target),
    /// A type, such as `list(string)`; not worked out.
    Type,
    /// Anything; worked out where it is used.
    Any,
}

/// What a reference must lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `stack.eu.server.db1`.
    Server,
    /// `stack.eu.app.web`.
    App,
    /// `replica.reader`, in the same replication.
    Replica,
    /// `replication.orders.replica.reader` or `replication.orders.primary`; read as it is written.
    Member,
}

impl Target {
    /// An example, for messages.
    pub fn example(self) -> &'static str {
        match self {
            Self::Server => "stack.eu.server.db1",
            Self::App => "stack.eu.app.web",
            Self::Replica => "replica.reader",
            Self::Member => "replication.orders.replica.reader",
        }
    }

    /// What it is, with its article.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Server => "a server",
            Self::App => "an app",
            Self::Replica => "a replica",
            Self::Member => "a member of a replication",
        }
    }
}

impl Kind {
    /// What is wanted, for messages: `a port from 1 to 65535`.
    pub fn wanted(self) -> String {
        match self {
            Self::Text | Self::Secret => "a string".to_owned(),
            Self::Name => {
                "a name of letters, digits, \"_\" and \"-\", at most 32 characters".to_owned()
            }
            Self::Host => "a host name or an address".to_owned(),
            Self::Hosts => "a list of host names or addresses".to_owned(),
            Self::Port => "a port from 1 to 65535".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::AbsolutePath => "a path that begins with \"/\"".to_owned(),
            Self::Size => "a size, as in \"16GB\"".to_owned(),
            Self::Rate => "a rate, as in \"50MB/s\"".to_owned(),
            Self::Lag => "a time or a size, as in \"30s\" or \"64MB\"".to_owned(),
            Self::Word(words) => format!("one of {}", quoted(words)),
            Self::Words(words) => format!("a list of {}", quoted(words)),
            Self::MajorVersion => "a major version, as in \"15\"".to_owned(),
            Self::VersionRequirement => "a requirement, as in \">= 0.1\"".to_owned(),
            Self::VariableName => {
                "a name of letters, digits and \"_\" that doesn't begin with a digit".to_owned()
            }
            Self::Variables => "an object of strings, as in { ORDERS_URL = \"…\" }".to_owned(),
            Self::Reference(target) => format!("{}, as in {}", target.noun(), target.example()),
            Self::References(target) => format!("a list such as [{}]", target.example()),
            Self::Type => "a type, as in list(string)".to_owned(),
            Self::Any => "a value".to_owned(),
        }
    }

    /// Whether a sensitive value may stand here: it will never be shown.
    pub fn takes_secrets(self) -> bool {
        matches!(self, Self::Secret | Self::Variables | Self::Any)
    }
}

/// `"a", "b" or "c"`.
pub fn quoted(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

impl BlockRow {
    /// The row of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&'static AttributeRow> {
        self.attributes.iter().find(|row| row.name == name)
    }

    /// The row of a block inside.
    pub fn block(&self, name: &str) -> Option<&'static BlockRow> {
        self.blocks.iter().copied().find(|row| row.name == name)
    }
}

/// A hint at the word that was meant.
pub fn nearest_word(text: &str, words: &[&'static str]) -> Option<String> {
    nearest(text, words.iter().copied()).map(|word| format!("did you mean \"{word}\"?"))
}
