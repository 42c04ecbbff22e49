//! The texts of MongoDB's step scripts, by their names in plans. Each stands on what all engines share, the client of
//! MongoDB's protocol, the readers of settings, and common.sh. Only hosts run them.

/// A script of this folder after the functions that all of them share.
macro_rules! script {
    ($name:literal) => {
        (
            concat!("mongodb/", $name),
            concat!(
                include_str!("../common.sh"),
                include_str!("client.sh"),
                include_str!("conf.sh"),
                include_str!("common.sh"),
                include_str!($name)
            ),
        )
    };
}

/// Name and text of every script.
pub(super) const SCRIPTS: &[(&str, &str)] = &[
    script!("account.sh"),
    script!("configure.sh"),
    script!("keyfile.sh"),
    script!("link.sh"),
    script!("member.sh"),
    script!("provision.sh"),
    script!("verify.sh"),
    script!("votes.sh"),
];
