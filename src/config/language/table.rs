//! The table itself.

use super::rows::{AttributeRow, BlockRow, Count, Kind, Label, Target};
use crate::engines::registry::{DESCRIPTIONS, Description, NAMES, Primary};

/// The engines, as `engine` spells them; each has a block of its name.
pub const ENGINES: &[&str] = &NAMES;

const HAZARDS: &[&str] = &["restart", "replace_data", "lose_writes", "expose"];

const fn optional(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> AttributeRow {
    let default = if default.is_empty() {
        None
    } else {
        Some(default)
    };
    AttributeRow {
        name,
        kind,
        required: false,
        default,
        help,
    }
}

const fn required(name: &'static str, kind: Kind, help: &'static str) -> AttributeRow {
    AttributeRow {
        name,
        kind,
        required: true,
        default: None,
        help,
    }
}

/// A block without label, `for_each` or blocks inside; the base of the rows below.
const PLAIN: BlockRow = BlockRow {
    name: "",
    label: None,
    count: Count::Optional,
    for_each: false,
    open: false,
    attributes: &[],
    blocks: &[],
    help: "",
};

/// What may stand in a file.
pub static ROOT: BlockRow = BlockRow {
    count: Count::Required,
    blocks: &[
        &REPLFORM,
        &VARIABLE,
        &LOCALS,
        &SSH,
        &STACK,
        &REPLICATION,
        &MOVED,
        &REMOVED,
    ],
    help: "The files of one directory, read as one configuration.",
    ..PLAIN
};

static REPLFORM: BlockRow = BlockRow {
    name: "replform",
    count: Count::Required,
    attributes: &[
        required(
            "topology",
            Kind::Name,
            "The topology's name; written into the markers on the hosts.",
        ),
        optional(
            "required_version",
            Kind::VersionRequirement,
            "",
            "Which versions of replform may read this.",
        ),
    ],
    help: "The topology's name and the version of replform that it needs.",
    ..PLAIN
};

static VARIABLE: BlockRow = BlockRow {
    name: "variable",
    label: Some(Label::Identifier),
    count: Count::Many,
    attributes: &[
        optional(
            "type",
            Kind::Type,
            "any",
            "The type that values are converted to.",
        ),
        optional(
            "default",
            Kind::Any,
            "",
            "The value where none is given; without it, one must be given.",
        ),
        optional("description", Kind::Text, "", "What it is for."),
        optional("sensitive", Kind::Bool, "false", "Never print its value."),
        optional(
            "nullable",
            Kind::Bool,
            "true",
            "Whether null may be given; where not, null means the default.",
        ),
    ],
    blocks: &[&VALIDATION],
    help: "A value that is given from outside, as var.NAME.",
    ..PLAIN
};

static VALIDATION: BlockRow = BlockRow {
    name: "validation",
    count: Count::Many,
    attributes: &[
        required(
            "condition",
            Kind::Any,
            "True where the value may be used; mentions var.NAME.",
        ),
        required("error_message", Kind::Any, "What is said where it isn't."),
    ],
    help: "A condition that the variable's value must meet.",
    ..PLAIN
};

static LOCALS: BlockRow = BlockRow {
    name: "locals",
    count: Count::Many,
    open: true,
    help: "Values of your own, as local.NAME.",
    ..PLAIN
};

static SSH: BlockRow = BlockRow {
    name: "ssh",
    attributes: &[
        optional(
            "user",
            Kind::Text,
            "as ~/.ssh/config says",
            "The login user.",
        ),
        optional(
            "identity_file",
            Kind::Text,
            "as ~/.ssh/config says",
            "The private key's file.",
        ),
        optional(
            "known_hosts",
            Kind::Text,
            "as ~/.ssh/config says",
            "The file of known host keys.",
        ),
        optional(
            "jump",
            Kind::Text,
            "as ~/.ssh/config says",
            "Jump hosts, as user@host:port, separated by commas.",
        ),
        optional(
            "sudo",
            Kind::Bool,
            "false",
            "Run commands through passwordless sudo.",
        ),
    ],
    help: "How to log in: at the top level for every host; in a server or app over that, attribute by attribute.",
    ..PLAIN
};

static STACK: BlockRow = BlockRow {
    name: "stack",
    label: Some(Label::Name),
    count: Count::Many,
    blocks: &[&SERVER, &APP],
    help: "Servers and apps that share a private network.",
    ..PLAIN
};

static SERVER: BlockRow = BlockRow {
    name: "server",
    label: Some(Label::Name),
    count: Count::Many,
    for_each: true,
    attributes: &[
        required("host", Kind::Host, "Where SSH goes."),
        optional("port", Kind::Port, "22", "The SSH port."),
        optional(
            "address",
            Kind::Host,
            "host",
            "What databases and apps of the same stack use.",
        ),
        optional(
            "public_address",
            Kind::Host,
            "address",
            "What other stacks use.",
        ),
    ],
    blocks: &[&SSH],
    help: "A machine that databases run on.",
    ..PLAIN
};

static APP: BlockRow = BlockRow {
    name: "app",
    label: Some(Label::Name),
    count: Count::Many,
    for_each: true,
    attributes: &[
        required("hosts", Kind::Hosts, "Where SSH goes: the app's machines."),
        required(
            "env_file",
            Kind::AbsolutePath,
            "The environment file that replform keeps a block in.",
        ),
        optional(
            "on_change",
            Kind::Text,
            "",
            "The command that runs on the host after the file changed.",
        ),
    ],
    blocks: &[&SSH],
    help: "An application that reads database addresses from an environment file.",
    ..PLAIN
};

static REPLICATION: BlockRow = BlockRow {
    name: "replication",
    label: Some(Label::Name),
    count: Count::Many,
    for_each: true,
    attributes: &[
        required("engine", Kind::Word(ENGINES), "The database engine."),
        optional(
            "version",
            Kind::MajorVersion,
            "whatever runs on the primary",
            "The major version to require.",
        ),
        required(
            "primary",
            Kind::Reference(Target::Server),
            "The server that takes writes.",
        ),
        optional(
            "tls",
            Kind::Word(&["verify", "off"]),
            "\"verify\" between stacks, \"off\" inside one",
            "What the ends of a link prove to one another.",
        ),
        optional(
            "retain",
            Kind::Size,
            "the engine's",
            "The most that a dead replica may make its upstream keep.",
        ),
        optional(
            "max_lag",
            Kind::Lag,
            "\"60s\"",
            "Above it a replica is unhealthy.",
        ),
        optional(
            "allow",
            Kind::Words(HAZARDS),
            "[]",
            "The hazards that the reviewers accept.",
        ),
    ],
    blocks: &REPLICATION_BLOCKS,
    help: "A primary, its replicas, and the apps that must know them.",
    ..PLAIN
};

static REPLICA: BlockRow = BlockRow {
    name: "replica",
    label: Some(Label::Name),
    count: Count::Many,
    for_each: true,
    attributes: &[
        required("server", Kind::Reference(Target::Server), "Where it runs."),
        optional(
            "upstream",
            Kind::Reference(Target::Replica),
            "the primary",
            "The replica that it reads from instead of the primary.",
        ),
        optional(
            "max_rate",
            Kind::Rate,
            "no limit",
            "The rate limit of the copy.",
        ),
        optional(
            "max_lag",
            Kind::Lag,
            "the replication's",
            "Above it this replica is unhealthy.",
        ),
    ],
    blocks: &REPLICA_BLOCKS,
    help: "A server that follows the primary, or another replica.",
    ..PLAIN
};

const DATA_DIRECTORY: AttributeRow = optional(
    "data_directory",
    Kind::AbsolutePath,
    "the distribution's",
    "The instance's data directory.",
);

/// How many engines there are.
const COUNT: usize = DESCRIPTIONS.len();

/// Each engine's attributes: a port with its own default, the data directory, and where members elect, an arbiter.
static ENGINE_ATTRIBUTES: [[AttributeRow; 3]; COUNT] = {
    let mut all = [const { [DATA_DIRECTORY, DATA_DIRECTORY, ARBITER] }; COUNT];
    let mut i = 0;
    while i < COUNT {
        all[i][0] = optional(
            "port",
            Kind::Port,
            DESCRIPTIONS[i].default_port_text,
            "The database's port.",
        );
        i += 1;
    }
    all
};

/// Each engine's block.
static ENGINE_BLOCKS: [BlockRow; COUNT] = {
    let mut all = [const { PLAIN }; COUNT];
    let mut i = 0;
    while i < COUNT {
        all[i] = engine_block(&DESCRIPTIONS[i], &ENGINE_ATTRIBUTES[i]);
        i += 1;
    }
    all
};

const fn engine_block(engine: &Description, attributes: &'static [AttributeRow; 3]) -> BlockRow {
    let (without_arbiter, _) = attributes.split_at(2);
    BlockRow {
        name: engine.name,
        attributes: match engine.primary {
            Primary::Written => without_arbiter,
            Primary::Elected => attributes,
        },
        blocks: ADMINS,
        help: "Which instance is meant, where it isn't the distribution's default; a replica's block goes over the replication's.",
        ..PLAIN
    }
}

static REPLICATION_BLOCKS: [&BlockRow; 3 + COUNT] =
    around_engine_blocks([&REPLICA], [&ENV, &CERTIFICATES]);
static REPLICA_BLOCKS: [&BlockRow; COUNT] = around_engine_blocks([], []);

/// Every engine's block, with others before and after them; `N` is the number of all.
const fn around_engine_blocks<const B: usize, const A: usize, const N: usize>(
    before: [&'static BlockRow; B],
    after: [&'static BlockRow; A],
) -> [&'static BlockRow; N] {
    let mut all = [&ENGINE_BLOCKS[0]; N];
    let mut i = 0;
    while i < N {
        all[i] = if i < B {
            before[i]
        } else if i < B + COUNT {
            &ENGINE_BLOCKS[i - B]
        } else {
            after[i - B - COUNT]
        };
        i += 1;
    }
    all
}

const ARBITER: AttributeRow = optional(
    "arbiter",
    Kind::Reference(Target::Server),
    "none",
    "A server that votes and holds no data.",
);

static ADMINS: &[&BlockRow] = &[&ADMIN];

static ADMIN: BlockRow = BlockRow {
    name: "admin",
    attributes: &[
        required("user", Kind::Text, "The account's name."),
        optional("password", Kind::Secret, "", "Its password."),
    ],
    help: "The administrative account, where the engine doesn't let root in.",
    ..PLAIN
};

static ENV: BlockRow = BlockRow {
    name: "env",
    attributes: &[
        required(
            "targets",
            Kind::References(Target::App),
            "The apps whose files are kept.",
        ),
        optional(
            "prefix",
            Kind::VariableName,
            "the engine's name in capitals",
            "What the variables' names begin with.",
        ),
        optional(
            "names",
            Kind::Word(&["replica", "cloud66"]),
            "\"replica\"",
            "Which family of names is written.",
        ),
        optional(
            "variables",
            Kind::Variables,
            "{}",
            "Further variables; primary and replicas are as each app sees them.",
        ),
    ],
    help: "What apps learn about the members, in their environment files.",
    ..PLAIN
};

static CERTIFICATES: BlockRow = BlockRow {
    name: "certificates",
    attributes: &[
        required(
            "ca_file",
            Kind::AbsolutePath,
            "The authority's certificate, on each member's host.",
        ),
        required(
            "cert_file",
            Kind::AbsolutePath,
            "The member's certificate, on its host.",
        ),
        required(
            "key_file",
            Kind::AbsolutePath,
            "The member's key, on its host.",
        ),
    ],
    help: "Certificates on the members' hosts, instead of an authority that replform makes.",
    ..PLAIN
};

static MOVED: BlockRow = BlockRow {
    name: "moved",
    count: Count::Many,
    attributes: &[
        required("from", Kind::Reference(Target::Member), "The old address."),
        required("to", Kind::Reference(Target::Member), "The new address."),
    ],
    help: "A member that goes by another name now.",
    ..PLAIN
};

static REMOVED: BlockRow = BlockRow {
    name: "removed",
    count: Count::Many,
    attributes: &[required(
        "from",
        Kind::Reference(Target::Member),
        "The member's address.",
    )],
    help: "A member that is gone for ever: the others forget it without asking it.",
    ..PLAIN
};
