//! `ssh` blocks, and how a host's goes over the top one.

use super::fields::fields;
use crate::config::evaluate::{Budget, Scope};
use crate::config::language::ROOT;
use crate::config::tree::Block;
use crate::diagnostics::{Diagnostic, Span, codes};
use crate::topology::Ssh;

/// The attributes of one `ssh` block.
#[derive(Clone, Debug, Default)]
pub struct SshFields {
    user: Option<String>,
    identity_file: Option<String>,
    known_hosts: Option<String>,
    jump: Option<String>,
    sudo: Option<bool>,
}

/// Reads an `ssh` block.
///
/// # Errors
/// What is wrong in it.
pub fn decode(
    block: &Block,
    scope: &dyn Scope,
    budget: &mut Budget,
) -> Result<SshFields, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let Some(row) = ROOT.block("ssh") else {
        return Ok(SshFields::default());
    };
    let fields = fields(row, &block.body, scope, budget, &mut problems);
    for name in ["user", "jump", "identity_file", "known_hosts"] {
        if let (Some(text), Some(span)) = (fields.text(name), fields.span(name)) {
            check(name, &text, span, &mut problems);
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(SshFields {
        user: fields.text("user"),
        identity_file: fields.text("identity_file"),
        known_hosts: fields.text("known_hosts"),
        jump: fields.text("jump"),
        sudo: fields.bool("sudo"),
    })
}

/// These go to programs as arguments, so nothing may look like an option.
fn check(name: &str, text: &str, span: Span, problems: &mut Vec<Diagnostic>) {
    let mut error = |label: &str, help: &str| {
        problems.push(Diagnostic::error(codes::INVALID_VALUE, span, label).help(help));
    };
    if text.starts_with('-') {
        error(
            "it can't begin with \"-\"",
            "write the name without options",
        );
    } else if name == "jump" {
        let hop = |hop: &str| {
            !hop.is_empty()
                && !hop.starts_with('-')
                && !hop.contains(char::is_whitespace)
                && hop.matches('@').count() <= 1
        };
        if !text.split(',').all(|part| hop(part.trim())) {
            error(
                "jump hosts are written user@host:port, separated by commas",
                "write \"bastion.example.com\" or \"deploy@bastion.example.com:2222\"",
            );
        }
    } else if name == "user" && text.contains(char::is_whitespace) {
        error("a user's name has no spaces", "write the login name alone");
    }
}

impl SshFields {
    /// These over `below`, for a host.
    pub fn over(&self, below: &Self, host: &str, port: Option<u16>) -> Ssh {
        let pick =
            |own: &Option<String>, other: &Option<String>| own.clone().or_else(|| other.clone());
        Ssh {
            host: host.to_owned(),
            port,
            user: pick(&self.user, &below.user),
            identity_file: pick(&self.identity_file, &below.identity_file),
            known_hosts: pick(&self.known_hosts, &below.known_hosts),
            jump: pick(&self.jump, &below.jump),
            sudo: self.sudo.or(below.sudo).unwrap_or_default(),
        }
    }
}
