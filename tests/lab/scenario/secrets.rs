//! A secret must stand nowhere that it need not: grepped for in all that replform and the hosts wrote down.

use std::time::Duration;

use super::play::Play;
use super::run::{run_work, script_text};
use super::story::Secret;

/// A shorter text could stand somewhere by chance, or is no secret at all.
const SHORTEST: usize = 12;

/// Looks for it in what replform has said so far, in the files it saved, and on every host.
///
/// # Errors
/// Names where it stands; never shows it.
pub fn stays_secret(play: &Play<'_>, what: &str, secret: &Secret) -> Result<(), String> {
    let value = match secret {
        Secret::Value(value) => value.clone(),
        Secret::Told { host, work } => {
            let ran = run_work(play, host, work);
            if ran.code != 0 {
                return Err(format!("{host} doesn't tell {what}\n{}", ran.stderr));
            }
            ran.line().to_owned()
        }
    };
    if value.len() < SHORTEST || value.contains(char::is_whitespace) {
        let length = value.len();
        return Err(format!(
            "{what} is no secret to look for: {length} bytes, or blanks in it"
        ));
    }
    if play.said.contains(&value) {
        return Err(format!("replform shows {what}"));
    }
    for name in super::names_in(&play.project) {
        let path = play.project.join(&name);
        let own = play.scenario.folder.join(&name).exists();
        if !own && path.is_file() {
            let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
            if String::from_utf8_lossy(&bytes).contains(&value) {
                return Err(format!("replform saved {what} in {name}"));
            }
        }
    }
    // It goes in on standard input, so that the search isn't what a recorder of command lines finds.
    let search = script_text(play.scenario, "find-secret.sh");
    let command = ["sh", "-euc", &search].map(str::to_owned);
    for host in &play.scenario.hosts {
        let host = play.lab.host(&host.name);
        let found = host.run(&command, &format!("{value}\n"), Duration::from_secs(120));
        if found.code != 0 || !found.line().is_empty() {
            return Err(format!("{what} stands on {}:\n{found}", host.name()));
        }
    }
    Ok(())
}
