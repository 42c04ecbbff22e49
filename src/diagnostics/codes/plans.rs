//! Codes of what a plan finds: what blocks it, what must be allowed, what is to be known.

use super::{Code, Entry};

codes! { PLANS:
    ENGINE_NOT_BUILT = 601, "the engine isn't built yet",
        "The language knows the engine, but this version of replform can't plan it. Leave its replications out with -exclude to plan the others.";
    HOST_UNREACHABLE = 602, "a host can't be reached",
        "Nothing is known of a member, so nothing that depends on it is planned; unknown is never treated as absent. The rest of the plan can be applied; the exit code then says that something is missing.";
    NOT_OBSERVED = 603, "a member isn't in the observation",
        "The saved observation was made with another configuration. Observe again with the configuration as it is now.";
    OTHER_MANAGER = 604, "another program manages the server",
        "repmgr, Patroni and their like restart and reconfigure servers by themselves. Two managers undo each other's work, so replform refuses to touch such a server.";
    PRIMARY_IS_REPLICA = 605, "the primary is a replica",
        "The server written as primary follows another. A failover that happened is never undone by itself: take the new primary into the configuration, or switch over on purpose.";
    PRIMARY_NOT_RUNNING = 606, "the primary doesn't run",
        "A primary must be installed, running and writable before replicas can be planned: its data is what everything else is copied from.";
    REPLICA_VANISHED = 607, "a replica left the configuration",
        "The primary's marker names a replica that the configuration no longer has. Taking it out means unlinking it, which this version can't do.";
    FOREIGN_DATA = 608, "a target holds other data",
        "The server that is to become a replica holds data that isn't provably a copy of its upstream's. replform never overwrites or deletes such data; with replace_data allowed it sets the directory aside, beside the new one.";
    RESTART = 609, "a server has to restart",
        "A setting can only change by a restart of the database server. Nothing restarts unless allow has \"restart\": write it where reviewers see it, or give -allow=restart once.";
    READS_ELSEWHERE = 610, "a replica reads from another upstream",
        "The server follows another server than the one written. Moving a replica to another upstream isn't built in this version.";
    DIVERGED = 611, "a server has writes that its upstream never had",
        "The server's history left its upstream's. Bringing it back loses those writes, so it is never done by itself; this version can't do it at all.";
    CLAIMED = 612, "an instance belongs to another topology",
        "A marker on the host says that another topology or replication uses this instance. One instance stands in one replication only.";
    LINK_NOT_BUILT = 613, "this kind of link isn't built yet",
        "The language knows this kind of link, but this version can't make it with this engine.";
    DISK_TOO_SMALL = 614, "the disk is too small for the copy",
        "A copy is made beside the data directory and swapped in when it is checked, so both are there at once, and the log that is written meanwhile. It is looked at before the first byte is sent.";
    LESS_MEMORY = 615, "less memory than the upstream",
        "A replica with less memory than its primary may not keep up, and can't carry the load after a switchover. It is a warning, not an obstacle.";
    CLOCK_SKEW = 616, "clocks differ",
        "Lag in seconds compares times of two hosts; when their clocks differ it is wrong by that much. Lag in bytes is not affected.";
    OTHER_VERSION = 617, "another version",
        "Physical replication copies files, which only the same major version can read. Minor versions may differ.";
    OTHER_ARCHITECTURE = 618, "another architecture",
        "Physical replication copies files, which only the same processor architecture can read.";
    NO_PATH = 619, "the replica doesn't reach its upstream",
        "Before anything is installed or copied, the replica tries to reach its upstream's address and port. Look at firewalls and at the server's address in the configuration.";
    NO_PACKAGE = 620, "the package isn't available",
        "The primary's major version must be installable on the replica's host. Add a package source that has it.";
    COLLATIONS_DIFFER = 621, "text may sort differently there",
        "Indexes on text rely on the sort order of the host's C library or ICU. Under another release's order a copied index silently misses rows. Use the same operating system release on both hosts.";
    TABLESPACES = 622, "tablespaces",
        "A base backup writes tablespaces to the same absolute paths on the replica. This version can't check those paths, so it doesn't begin.";
    RETAIN = 623, "log kept for dead replicas",
        "A replica that is away makes its upstream keep log. `retain` caps it; without a cap the upstream's disk may fill.";
    NAME_OUTSIDE_BLOCK = 624, "a variable is set outside replform's block",
        "The app's environment file sets one of the names that replform is to keep, outside of replform's block. Which of the two wins depends on the reader, so it must be settled by hand.";
    APP_UNKNOWN = 625, "an app's host can't be looked at",
        "The app's environment file is left as it is until its host can be reached; plan and apply again then.";
    NO_ENV_DIRECTORY = 626, "the environment file's directory isn't there",
        "replform writes the app's file, but makes no directories for apps: a missing one is usually a wrong path or a host that isn't set up yet.";
    NOT_UNDERSTOOD = 627, "a server isn't understood",
        "The host answered, but the server there is starting, hung, or in a state that can't be judged. Its link is left as it is.";
    SETTING_OVERRIDDEN = 628, "a setting can't be changed by replform's file",
        "replform writes its settings into a file of its own. Where another file or ALTER SYSTEM wins over it, or the configuration has an error, the change would have no effect.";
    CONFIGURATION_RISK = 629, "a setting to know about",
        "The primary's settings have an effect on its replicas that people are often surprised by.";
    HOST_UNFIT = 630, "the host can't be worked on",
        "replform's jobs are systemd units and its commands run as root (directly or by passwordless sudo).";
    ENV_VALUE = 631, "a value that an environment file can't hold",
        "A value in an environment file is one line, without NUL bytes.";
    OTHER_DATA_DIRECTORY = 632, "another data directory",
        "data_directory says which instance is meant; replform never moves the data of a server that exists.";
    REPLICAS_FIRST = 633, "a setting must be raised on the replicas first",
        "A replica whose max_wal_senders (or another of five settings) is below its primary's stops replaying. So such a setting is raised on every replica before the primary; this version doesn't do that by itself.";
    DATA_DIRECTORY_PLACE = 634, "a data directory that can't be moved aside",
        "A copy is swapped in by renaming directories. A data directory that is a symbolic link or a mount point can't be renamed, so nothing is begun.";
    OTHER_JOB = 641, "a job of another plan runs there",
        "A copy that an earlier apply began runs on the host by itself, and isn't the one that this plan needs: its arguments differ, or the version of replform that began it. Two can't run beside each other. A copy that differs only in its rate is taken up.";
    PENDING_RESTART = 642, "others' settings wait for a restart",
        "Somebody changed settings of the server that only a restart brings into force, and left them waiting. The restart that the plan needs would bring them in as well, unreviewed: a server may even not start with them. Settle them first.";
    FORMER_SLOT = 643, "a slot that nobody will read through",
        "A replica that was made by hand read through a slot of its own. replform gives it another one, and never touches what isn't its own: the old slot stays on the upstream, and makes it keep log until it is dropped by hand.";
    PRIMARY_ELECTED = 650, "the set elected another primary",
        "A MongoDB set elects its primary by itself, at a failure or when its members restart. An election that went another way than the configuration's `primary` is drift to know about; it is neither an error nor undone. Write the elected server as primary, or step it down on purpose.";
    EXPOSE = 660, "a database becomes reachable by more than its replicas",
        "A server that asks nobody for a password, or that can only listen everywhere, would be open to whoever reaches its address. Give it a password, or write \"expose\" into allow where reviewers see it: a firewall is then all that protects it.";
    NO_PERSISTENCE = 661, "the primary keeps nothing on disk",
        "A server that saves nothing is empty after a restart, and its replicas then follow it and are empty too. Let it save (save, appendonly), or write \"lose_writes\" into allow.";
    TABLES_NOT_COPIED = 670, "tables that a copy can't carry",
        "MySQL's CLONE copies InnoDB tables; those of other engines arrive empty, without an error. Encrypted tablespaces need their keyring on the replica. So a copy isn't begun while there are such tables.";
    SAME_SERVER_UUID = 671, "two servers with one server_uuid",
        "A MySQL server is known to the others by the server_uuid in its auto.cnf. A machine that was cloned with that file has its original's, and the upstream ends the connection of one whenever the other comes.";
    CHANGES_FILTERED = 672, "changes are left out",
        "Filters of the binary log or of the applier leave schemas or tables out, silently. A replica under such a filter isn't a copy of its upstream, so it isn't made.";
    PRIMARY_READ_ONLY = 673, "the primary is read-only",
        "The server written as primary refuses writes. Somebody or something made it so: after a failover, two servers may believe to be the primary. replform never makes it writable by itself.";
    CERTIFICATE = 680, "a certificate isn't good",
        "With tls = \"verify\" both ends of a link prove themselves. A certificate that has expired, is for other addresses or of another authority would be refused at the next connection, so nothing is begun with it. A certificate that an application's server shows already is never replaced by replform: its authority is to be written in `certificates`.";
    UNENCRYPTED = 681, "replication travels unencrypted",
        "With tls = \"off\" between stacks everything that is replicated can be read and changed on the way. Leave tls out, or write \"verify\": replform makes the certificates.";
}
