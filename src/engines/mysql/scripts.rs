//! The texts of MySQL's step scripts, by their names in plans. Each stands on what all engines share and on common.sh. Only hosts run them.

/// A script of this folder after the functions that all of them share.
macro_rules! script {
    ($name:literal) => {
        (
            concat!("mysql/", $name),
            concat!(
                include_str!("../common.sh"),
                include_str!("common.sh"),
                include_str!($name)
            ),
        )
    };
}

/// Name and text of every script.
pub(super) const SCRIPTS: &[(&str, &str)] = &[
    script!("account.sh"),
    script!("backup.sh"),
    script!("cleanup.sh"),
    script!("configure.sh"),
    script!("encrypted.sh"),
    script!("link.sh"),
    script!("login.sh"),
    script!("provision.sh"),
    script!("reread.sh"),
    script!("restore.sh"),
    script!("retire.sh"),
    script!("show.sh"),
    script!("unlink.sh"),
    script!("verify.sh"),
];
