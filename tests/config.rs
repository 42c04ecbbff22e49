//! Whole configurations: what each valid one means, and what each invalid one is told.
//!
//! A case is a folder under testdata/config: `main.rf.hcl` or `main.rf.json`, further files, `arguments.txt` (lines of
//! `-var NAME=VALUE`, `-var-file FILE`, `REPLFORM_VAR_name=VALUE`), and `expected.txt`. With `REPLFORM_REWRITE=1` the
//! expected texts are written anew; read the difference before you commit it.

use std::fmt::Write as _;
use std::path::Path;

use replform::config::format::format;
use replform::config::{Failed, Inputs, Loaded, load};
use replform::diagnostics::{Colour, render_all};
use replform::topology::{
    Names, Replica, Replication, Ssh, Tls, Topology, Upstream, WishedVariable,
};

datatest_stable::harness! {
    { test = invalid, root = "testdata/config/invalid", pattern = r"/main\.rf\.(hcl|json)$" },
    { test = valid, root = "testdata/config/valid", pattern = r"/main\.rf\.(hcl|json)$" },
}

fn is_laid_out(file: &Path) -> datatest_stable::Result<()> {
    let text = std::fs::read_to_string(file)?;
    if format(&text) == text {
        Ok(())
    } else {
        Err("it isn't laid out: replform fmt".into())
    }
}

fn invalid(file: &Path) -> datatest_stable::Result<()> {
    let folder = file.parent().ok_or("a case is a folder")?;
    let text = match load(folder, &inputs(folder)?) {
        Ok(_) => return Err("the configuration is valid".into()),
        Err(Failed {
            diagnostics,
            sources,
        }) => render_all(&diagnostics, &*sources, Colour::Plain),
    };
    compare(folder, &text)
}

fn valid(file: &Path) -> datatest_stable::Result<()> {
    let folder = file.parent().ok_or("a case is a folder")?;
    let text = match load(folder, &inputs(folder)?) {
        Ok(Loaded {
            topology,
            warnings,
            sources,
        }) => {
            if file.extension().is_some_and(|extension| extension == "hcl") {
                is_laid_out(file)?;
            }
            summary(&topology) + &render_all(&warnings, &*sources, Colour::Plain)
        }
        Err(Failed {
            diagnostics,
            sources,
        }) => {
            let text = render_all(&diagnostics, &*sources, Colour::Plain);
            return Err(Box::new(Readable(text)));
        }
    };
    compare(folder, &text)
}

/// An error of several lines: the harness prints it with `Debug`.
struct Readable(String);

impl std::fmt::Debug for Readable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for Readable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Readable {}

fn inputs(folder: &Path) -> datatest_stable::Result<Inputs> {
    let mut inputs = Inputs::default();
    let path = folder.join("arguments.txt");
    if !path.exists() {
        return Ok(inputs);
    }
    for line in std::fs::read_to_string(path)?.lines() {
        if let Some(value) = line.strip_prefix("-var-file ") {
            inputs.var_files.push(value.into());
        } else if let Some(value) = line.strip_prefix("-var ") {
            inputs.vars.push(value.to_owned());
        } else if let Some((name, value)) = line
            .strip_prefix("REPLFORM_VAR_")
            .and_then(|rest| rest.split_once('='))
        {
            inputs.environment.insert(name.to_owned(), value.to_owned());
        } else {
            return Err(format!("arguments.txt: {line}").into());
        }
    }
    Ok(inputs)
}

fn compare(folder: &Path, text: &str) -> datatest_stable::Result<()> {
    let path = folder.join("expected.txt");
    if std::env::var_os("REPLFORM_REWRITE").is_some() {
        std::fs::write(&path, text)?;
        return Ok(());
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if expected == text {
        return Ok(());
    }
    let diff = replform::render::unified("expected.txt", &expected, "now", text);
    Err(format!(
        "{}:\n{diff}\nREPLFORM_REWRITE=1 writes it anew",
        path.display()
    )
    .into())
}

/// A topology as a page of text.
fn summary(topology: &Topology) -> String {
    let mut out = format!("topology {}\n", topology.name);
    for machine in topology.machines.values() {
        let _ = writeln!(
            out,
            "machine {} ({}){}",
            machine.id,
            machine.label,
            ssh(&machine.ssh)
        );
    }
    for server in &topology.servers {
        let _ = writeln!(
            out,
            "server {} on {}: address {}, public {} ({})",
            server.id, server.machine, server.address, server.public_address, server.place
        );
    }
    for app in &topology.apps {
        let machines: Vec<_> = app
            .machines
            .iter()
            .map(|machine| machine.0.as_str())
            .collect();
        let _ = writeln!(
            out,
            "app {} on {}: {}{} ({})",
            app.id,
            machines.join(", "),
            app.env_file,
            app.on_change
                .as_ref()
                .map(|command| format!(", then {command}"))
                .unwrap_or_default(),
            app.place
        );
    }
    for replication in &topology.replications {
        describe_replication(replication, &mut out);
    }
    out
}

fn ssh(ssh: &Ssh) -> String {
    let Ssh {
        host: _,
        port,
        user,
        identity_file,
        known_hosts,
        jump,
        sudo,
    } = ssh;
    let mut text = String::new();
    if let Some(port) = port {
        let _ = write!(text, " port {port}");
    }
    for (name, value) in [
        ("user", user),
        ("identity", identity_file),
        ("known hosts", known_hosts),
        ("jump", jump),
    ] {
        if let Some(value) = value {
            let _ = write!(text, ", {name} {value}");
        }
    }
    if *sudo {
        text.push_str(", sudo");
    }
    text
}

fn describe_replication(replication: &Replication, out: &mut String) {
    let tls = match replication.tls {
        None => "default",
        Some(Tls::Verify) => "verify",
        Some(Tls::Off) => "off",
    };
    let allow: Vec<_> = replication
        .allow
        .iter()
        .map(|(hazard, place)| format!("{hazard} ({place})"))
        .collect();
    let _ = writeln!(
        out,
        "replication {} ({}): {} {}, tls {tls}, retain {:?}, max_lag {:?}, allow [{}]",
        replication.name,
        replication.place,
        replication.engine,
        replication.version.as_deref().unwrap_or("any"),
        replication.retain,
        replication.max_lag,
        allow.join(", "),
    );
    let _ = writeln!(
        out,
        "  primary {} {} {:?}",
        replication.primary.server, replication.primary.address, replication.primary.instance
    );
    for Replica {
        name,
        member,
        upstream,
        max_rate,
        max_lag,
        place,
        account: _,
    } in &replication.replicas
    {
        let from = match upstream {
            Upstream::Primary => "the primary",
            Upstream::Replica(name) => name,
        };
        let _ = writeln!(
            out,
            "  replica {name} ({place}): {} from {from}, rate {max_rate:?}, lag {max_lag:?}, {:?}",
            member.server, member.instance
        );
    }
    if let Some(env) = &replication.env {
        let names = match env.names {
            Names::Replica => "replica",
            Names::Cloud66 => "cloud66",
        };
        let _ = writeln!(out, "  env {}_*, names {names}", env.prefix);
        for target in &env.targets {
            let _ = writeln!(out, "    for {target}");
            for (name, value) in env.variables.get(target).into_iter().flatten() {
                let value = match value {
                    WishedVariable::Plain(text) => text.clone(),
                    WishedVariable::Sensitive(secret) => format!("{secret}"),
                };
                let _ = writeln!(out, "      {name}={value}");
            }
        }
    }
}
