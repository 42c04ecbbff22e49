//! Configurations of tests: a folder with one page of HCL that points at a lab's key and known_hosts.

use crate::lab::Lab;
use std::path::PathBuf;

/// The stack "eu" of a lab: `db1` … as servers, `web` as the application, just the hosts that the lab has.
pub fn stack(hosts: &[&str]) -> String {
    let mut hcl = String::from("\nstack \"eu\" {\n");
    for host in hosts {
        hcl.push_str(match *host {
            "db1" => "  server \"db1\" { host = \"10.77.1.11\" }\n",
            "db2" => "  server \"db2\" { host = \"10.77.1.12\" }\n",
            "db3" => "  server \"db3\" { host = \"10.77.1.13\" }\n",
            "web" => WEB,
            other => panic!("no host {other} in the tests' stack"),
        });
    }
    hcl + "}\n"
}

const WEB: &str = r#"
  app "web" {
    hosts     = ["10.77.1.21"]
    env_file  = "/etc/acme/database.env"
    on_change = "touch /run/acme-reloaded"
  }
"#;

/// One replica that copies at most 10 MB in a second, so that a test can do something in the middle of the copy.
pub const SLOW_COPY: &str = r#"
replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1
  allow   = ["restart"]

  replica "reader" {
    server   = stack.eu.server.db2
    max_rate = "10MB/s"
  }
}
"#;

/// Writes `hcl` (stacks and replications) below the `replform` and `ssh` blocks of `lab`, and returns the folder.
pub fn project(lab: &Lab, topology: &str, hcl: &str) -> PathBuf {
    project_with_ssh(lab, topology, "user = \"root\"", hcl)
}

/// As [`project`], with other lines in the `ssh` block.
pub fn project_with_ssh(lab: &Lab, topology: &str, ssh: &str, hcl: &str) -> PathBuf {
    let directory = lab.scratch().join(topology);
    std::fs::create_dir_all(&directory).unwrap();
    let page = format!(
        "replform {{ topology = \"{topology}\" }}\n\nssh {{\n  {ssh}\n  identity_file = \"{}\"\n  known_hosts = \"{}\"\n}}\n{hcl}",
        lab.identity_file().display(),
        lab.known_hosts().display(),
    );
    std::fs::write(directory.join("main.rf.hcl"), page).unwrap();
    directory
}
