//! Areas 02 to 04: blocks and attributes, variables and locals, the topology.

use super::{Code, Entry};

codes! { BLOCKS:
    NO_SUCH_BLOCK = 201, "no such block",
        "The language has no block of this name at this place. The note lists those that may stand here; a name that is nearly right is suggested.";
    UNKNOWN_ATTRIBUTE = 202, "an attribute that isn't known",
        "The block has no attribute of this name. The note lists those that may stand in it. Values of your own go into a locals block.";
    MISSING_ATTRIBUTE = 203, "a required attribute is missing",
        "The block can't do without this attribute, and it has no default.";
    MISSING_BLOCK = 204, "a required block is missing",
        "The configuration needs exactly one replform block, in any of its files: it names the topology, and that name is written into the markers on the hosts.";
    BLOCK_TWICE = 205, "a block stands twice",
        "This block may stand only once at its place, over all files. Merge the two.";
    WRONG_LABELS = 206, "wrong number of labels",
        "Some blocks carry one label, their name: server \"db1\" { … }. Others carry none.";
    INVALID_NAME = 207, "an invalid name",
        "Names of stacks, servers, apps, replications and replicas, and the keys of for_each, become parts of file names, slots and accounts on the hosts. They begin with a letter or digit, go on with letters, digits, \"_\" and \"-\", and have at most 32 characters.";
    DUPLICATE_LABEL = 208, "a label is used twice",
        "Two blocks of one kind can't have the same label at the same place. All *.rf.hcl and *.rf.json files of the directory are one configuration, so the other one may stand in another file.";
    INVALID_VALUE = 209, "an invalid value",
        "The attribute takes values of a certain form only; the label at the caret says which.";
    SENSITIVE_VALUE = 210, "a sensitive value would be shown",
        "Everything that plans, logs and markers show must not be sensitive. Sensitive values may stand in admin { password = … } and in env { variables = … } only.";
    INVALID_FOR_EACH = 211, "an invalid for_each",
        "for_each takes a map, an object or a set of strings, and makes one block of each element; each.key and each.value are its key and value. For a list of strings write toset([…]).";
    NOT_BUILT_YET = 212, "not built yet",
        "The language knows this, but this version of replform can't do it yet. It says so rather than ignore what you wrote. Take it out, or wait for a later version.";
    BLOCK_OR_ATTRIBUTE = 213, "a block and an attribute are mixed up",
        "A block is written NAME { … }, without \"=\"; an attribute is written NAME = VALUE.";
    MANY_MORE = 215, "many more errors",
        "Only the first errors of a run are shown. They often have one cause: mend it, and run the command again.";
    ALREADY_TOLD = 299, "an error that was told elsewhere",
        "Stands for an error that has been told at another place. When it is printed, that didn't happen, which is a fault of replform: please report it with the configuration.";
    NO_FILES = 214, "no configuration here",
        "replform reads every *.rf.hcl and *.rf.json file of the current directory, or of the one that -chdir names. It doesn't look into directories below.";
}

codes! { VARIABLES:
    VARIABLE_NOT_SET = 301, "a variable has no value",
        "Each variable needs a value: a default, a line in a *.auto.rfvars file, -var-file FILE, -var NAME=VALUE, or REPLFORM_VAR_name in the environment. Nothing is ever asked for.";
    UNDECLARED_VARIABLE = 302, "a value for a variable that isn't declared",
        "A value was given for a variable that no variable block declares. Values from the environment may be superfluous; those of variables files give a warning, because such a file may serve several configurations; with -var it is an error, because the slip would go unnoticed.";
    INVALID_VARIABLE_VALUE = 303, "a variable's value doesn't fit its type",
        "The value can't be converted to the variable's type. Values of -var and of the environment are taken as plain text where the type is string, number or bool, or where there is none; otherwise they are read as an expression, as in -var 'hosts=[\"a\", \"b\"]'.";
    VALIDATION_FAILED = 304, "a variable's value isn't valid",
        "A validation block of the variable gave false for the value. The note is its error_message.";
    INVALID_VALIDATION = 305, "an invalid validation",
        "A validation's condition must mention its own variable, as var.NAME, and be true or false; its error_message must be a text.";
    NOT_CONSTANT = 306, "a value that must be constant",
        "A variable's default, sensitive and nullable, and the values in *.rfvars files, can't mention variables, locals or blocks. Values that depend on others are locals.";
    CYCLE = 307, "values that depend on each other in a circle",
        "To work out this value, its own value is needed. The label shows the way round; cut it at one place.";
    INVALID_VARIABLE_ARGUMENT = 308, "-var isn't NAME=VALUE",
        "-var takes a name and a value with \"=\" between them: -var user=deploy. Quote it for the shell where the value has spaces or brackets.";
    NOT_HERE = 309, "a name that means nothing here",
        "each.key and each.value are there only in blocks with for_each; replica.NAME only inside its replication; primary and replicas only in env { variables = … }.";
}

codes! { TOPOLOGY:
    NO_SUCH_STACK = 401, "no such stack",
        "A reference names a stack that no stack block declares, in any file of the directory.";
    NO_SUCH_SERVER = 402, "no such server",
        "A reference names a server that its stack doesn't have. Servers are stack.STACK.server.NAME, or with for_each stack.STACK.server.NAME[\"key\"].";
    NO_SUCH_APP = 403, "no such app",
        "A reference names an app that its stack doesn't have. Apps are stack.STACK.app.NAME, or with for_each stack.STACK.app.NAME[\"key\"].";
    NO_SUCH_REPLICA = 404, "no such replica",
        "upstream names a replica that this replication doesn't have. Replicas of the same replication are replica.NAME, or with for_each replica.NAME[\"key\"].";
    WRONG_REFERENCE = 405, "a reference to the wrong thing",
        "The attribute wants a reference to another kind of block; an example stands at the caret. References stand without quotes.";
    NEEDS_KEY = 406, "one of several blocks must be named",
        "A block with for_each stands for several. A reference to one of them carries its key: stack.eu.server.db[\"a\"].";
    SAME_HOST = 407, "two servers on one host",
        "Two server blocks have the same host and SSH port, so they are one machine. One machine is one server; several databases on it are told apart by the port in the engine's block.";
    SAME_ADDRESS = 408, "two servers with one address",
        "Inside a stack every server has an address of its own, because the others reach it by that. In different stacks equal private addresses are fine.";
    SAME_INSTANCE = 409, "one instance, two parts",
        "An instance (server, engine and port) has one part in one replication: it can't be primary and replica, nor follow twice, nor belong to two replications. Several instances on a server are told apart by port in the engine's block.";
    UPSTREAM_CYCLE = 410, "replicas that follow each other in a circle",
        "Following upstream from replica to replica must end at the primary.";
    FOREIGN_UPSTREAM = 411, "an upstream of another replication",
        "A replica follows its own replication's primary, or a replica of the same replication. Data of another replication isn't a copy of this one.";
    WRONG_ENGINE_BLOCK = 412, "another engine's block",
        "A replication carries the block of its own engine only. The block says which instance is meant; it doesn't choose the engine.";
    TWO_WRITERS = 413, "one variable, two writers",
        "Two places would write the same variable into the same environment file, and the last would win. Give one env block another prefix, or rename the variable.";
    REQUIRED_VERSION = 414, "another version of replform is required",
        "required_version in the replform block doesn't admit the version that runs. Use one that fits, or change the requirement.";
    SET_BETWEEN_STACKS = 415, "a MongoDB set between stacks",
        "Replication between stacks is for PostgreSQL, MySQL, MariaDB and Redis. A MongoDB set elects its own primary and needs all members in one network.";
    EVEN_VOTERS = 416, "an even number of voting members",
        "A MongoDB set elects by majority; with an even number of votes it can tie, and loses its primary sooner. Add a member, take one away, or name an arbiter: mongodb { arbiter = stack.eu.server.db3 }.";
    TWO_LOGINS = 417, "one host, two ways to log in",
        "The same host is logged into in one way. Two blocks name it with different ssh settings.";
}
