//! Configurations of tests: a folder with one page of HCL that points at a lab's key and known_hosts.

use crate::lab::Lab;
use std::path::PathBuf;

/// Writes `hcl` (stacks and replications) below the `replform` and `ssh` blocks of `lab`, and returns the folder.
pub fn project(lab: &Lab, name: &str, hcl: &str) -> PathBuf {
    project_with_ssh(lab, name, "user = \"root\"", hcl)
}

/// As [`project`], with other lines in the `ssh` block.
pub fn project_with_ssh(lab: &Lab, name: &str, ssh: &str, hcl: &str) -> PathBuf {
    let directory = lab.scratch().join(name);
    std::fs::create_dir_all(&directory).unwrap();
    let page = format!(
        "replform {{ topology = \"{name}\" }}\n\nssh {{\n  {ssh}\n  identity_file = \"{}\"\n  known_hosts = \"{}\"\n}}\n\n{hcl}\n",
        lab.identity_file().display(),
        lab.known_hosts().display(),
    );
    std::fs::write(directory.join("main.rf.hcl"), page).unwrap();
    directory
}
