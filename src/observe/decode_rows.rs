//! The sections of a probe that are rows: environment files, markers, jobs, locks, reach. Pure.

use std::collections::BTreeMap;

use super::decode::{ProbeError, Section};
use super::request::reach_key;
use super::{
    Authority, EnvFile, Job, JobState, LockHolder, MarkerFile, OutsideName, Reach, TlsFiles,
};
use crate::topology::Bytes;

/// Decodes `reach`: `HOST PORT WORD [WHY]`.
pub(super) fn reach(section: &Section<'_>) -> Result<BTreeMap<String, Reach>, ProbeError> {
    let mut tries = BTreeMap::new();
    for line in &section.lines {
        let mut words = line.splitn(4, ' ');
        let (Some(address), Some(port), Some(word)) = (words.next(), words.next(), words.next())
        else {
            return Err(section.error(format!("{line:?}")));
        };
        let port: u16 = port
            .parse()
            .map_err(|_| section.error(format!("{port:?} is no port")))?;
        let result = match word {
            "open" => Reach::Open,
            "refused" => Reach::Refused,
            "timed_out" => Reach::TimedOut,
            "failed" => Reach::Failed {
                why: words.next().unwrap_or_default().trim().to_owned(),
            },
            other => return Err(section.error(format!("{other:?}"))),
        };
        tries.insert(reach_key(address, port), result);
    }
    Ok(tries)
}

/// Decodes `tls NAME`; what openssl didn't say isn't known.
pub(super) fn tls_files(section: &Section<'_>) -> TlsFiles {
    let mut files = TlsFiles::default();
    for line in &section.lines {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "clock" => files.seen_at = rest.parse().unwrap_or(0),
            "authority" => {
                let end = rest.split_once(' ');
                files.authority = end.and_then(|(key, expires_at)| {
                    Some(Authority {
                        key: key.to_owned(),
                        expires_at: expires_at.parse().ok()?,
                    })
                });
            }
            "place" => files.place = rest.to_owned(),
            "missing" => files.missing.push(rest.to_owned()),
            "ca" => files.trusts = rest.to_owned(),
            "expires" => files.expires_at = rest.parse().ok(),
            "subject" => files.subject = rest.to_owned(),
            "names" => {
                let names = rest.split(',').filter(|name| !name.is_empty());
                files.names = names.map(str::to_owned).collect();
            }
            "trusted" => files.trusted = rest == "yes",
            "key" => files.key_fits = rest == "fits",
            _ => {}
        }
    }
    files
}

/// Decodes `env PATH`.
pub(super) fn env_file(section: &Section<'_>) -> Result<EnvFile, ProbeError> {
    let mut file = EnvFile::default();
    let mut block: Option<String> = None;
    let mut told = false;
    for line in &section.lines {
        if let Some(said) = line.strip_prefix('|') {
            env_line(section, said, &mut file, &mut block)?;
            continue;
        }
        match line.split_once(' ') {
            Some(("directory", word)) => file.directory_exists = word == "yes",
            Some(("pending", replication)) => file.pending.push(replication.to_owned()),
            Some(("file", "absent")) => told = true,
            Some(("file", "read")) => (told, file.exists) = (true, true),
            Some(("file", word)) => {
                let why = word.strip_prefix("unreadable ").unwrap_or(word);
                (told, file.exists) = (true, true);
                file.unreadable = Some(why.to_owned());
            }
            _ => return Err(section.error(format!("{line:?}"))),
        }
    }
    if told {
        Ok(file)
    } else {
        Err(section.error("it doesn't say whether the file is there"))
    }
}

fn env_line(
    section: &Section<'_>,
    said: &str,
    file: &mut EnvFile,
    block: &mut Option<String>,
) -> Result<(), ProbeError> {
    match said.split_once(' ') {
        Some(("begin", replication)) => {
            file.blocks.insert(replication.to_owned(), Vec::new());
            *block = Some(replication.to_owned());
        }
        Some(("line", text)) => {
            let lines = block.as_ref().and_then(|name| file.blocks.get_mut(name));
            lines
                .ok_or_else(|| section.error("a line outside a block"))?
                .push(text.to_owned());
        }
        Some(("outside", place)) => {
            let (name, line) = place
                .rsplit_once(' ')
                .and_then(|(name, line)| Some((name, line.parse().ok()?)))
                .ok_or_else(|| section.error("a line number is missing"))?;
            file.outside.push(OutsideName {
                name: name.to_owned(),
                line,
            });
        }
        None if said == "end" => *block = None,
        None if said.is_empty() => {}
        _ => return Err(section.error("an unknown word")),
    }
    Ok(())
}

/// Decodes `markers`: `file NAME`, then its text behind `|`, or `damaged WHY`.
pub(super) fn markers(section: &Section<'_>) -> Result<BTreeMap<String, MarkerFile>, ProbeError> {
    let mut texts: BTreeMap<String, (String, Option<String>)> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in &section.lines {
        if let Some(name) = line.strip_prefix("file ") {
            texts.insert(name.to_owned(), (String::new(), None));
            current = Some(name.to_owned());
            continue;
        }
        let entry = current.as_ref().and_then(|name| texts.get_mut(name));
        let Some((text, damage)) = entry else {
            return Err(section.error("text before its file's name"));
        };
        if let Some(said) = line.strip_prefix('|') {
            text.push_str(said);
            text.push('\n');
        } else if let Some(why) = line.strip_prefix("damaged ") {
            *damage = Some(why.to_owned());
        }
    }
    let read = |(name, (text, damage)): (String, (String, Option<String>))| {
        let marker = match (damage, serde_json::from_str(&text)) {
            (None, Ok(content)) => MarkerFile::Read { content },
            (None, Err(error)) => MarkerFile::Damaged {
                why: format!("it is not JSON: {error}"),
            },
            (Some(why), _) => MarkerFile::Damaged { why },
        };
        (name, marker)
    };
    Ok(texts.into_iter().map(read).collect())
}

/// Decodes `jobs`: `job FOLDER`, then a line a fact.
pub(super) fn jobs(section: &Section<'_>) -> Result<BTreeMap<String, Job>, ProbeError> {
    let mut jobs = BTreeMap::new();
    for rows in groups(&section.lines, "job ") {
        let (folder, rows) = rows;
        let fact = |key: &str| -> &str {
            rows.iter()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
                .unwrap_or_default()
                .trim()
        };
        let (name, end) = folder.rsplit_once('.').unwrap_or((folder, ""));
        let id = if fact("id").is_empty() {
            end
        } else {
            fact("id")
        };
        let hash = fact("hash");
        let mut progress = fact("progress").split_whitespace().map(str::parse::<u64>);
        let done = progress.next().and_then(Result::ok).map(Bytes);
        let total = progress.next().and_then(Result::ok).map(Bytes);
        let age = fact("age")
            .parse::<i64>()
            .map_err(|_| section.error(format!("no age of {folder}")))?;
        jobs.insert(
            folder.to_owned(),
            Job {
                name: name.to_owned(),
                id: id.to_owned(),
                arguments_hash: hash.to_owned(),
                state: job_state(fact("status"), fact("active"), id, hash),
                done,
                total: total.filter(|total| total.0 > 0),
                age_seconds: u64::try_from(age).unwrap_or(0),
            },
        );
    }
    Ok(jobs)
}

/// A status counts only when id and hash are this job's own; without one, and without a running unit, nothing is known.
fn job_state(status: &str, active: &str, id: &str, hash: &str) -> JobState {
    let words: Vec<&str> = status.split_whitespace().collect();
    if let [status_id, status_hash, code] = words.as_slice()
        && *status_id == id
        && *status_hash == hash
        && let Ok(code) = code.parse()
    {
        return JobState::Ended { code };
    }
    match active {
        "active" | "activating" | "reloading" | "deactivating" => JobState::Running,
        _ => JobState::Unknown,
    }
}

/// Decodes `locks`: `lock AGE NAME`, `holder TEXT`.
pub(super) fn locks(section: &Section<'_>) -> Result<Vec<LockHolder>, ProbeError> {
    groups(&section.lines, "lock ")
        .into_iter()
        .map(|(head, rows)| {
            let (age, lock) = head
                .split_once(' ')
                .and_then(|(age, lock)| Some((age.parse::<i64>().ok()?, lock)))
                .ok_or_else(|| section.error(format!("{head:?}")))?;
            let holder = rows
                .iter()
                .find_map(|line| line.strip_prefix("holder"))
                .unwrap_or_default();
            Ok(LockHolder {
                lock: lock.to_owned(),
                holder: holder.trim().to_owned(),
                age_seconds: u64::try_from(age).unwrap_or(0),
            })
        })
        .collect()
}

/// The lines divided at those that begin with `head`; each group with the rest of its head line.
fn groups<'a>(lines: &[&'a str], head: &str) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for &line in lines {
        if let Some(rest) = line.strip_prefix(head) {
            groups.push((rest, Vec::new()));
        } else if let Some((_, rows)) = groups.last_mut() {
            rows.push(line);
        }
    }
    groups
}
