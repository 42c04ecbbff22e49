//! Functions of files and paths. `basename` and `dirname` look at text only; the others read through the
//! scope's [`Files`], from the configuration directory.

use std::collections::BTreeMap;

use super::super::evaluate::{Budget, Evaluator, Files, Resolved, Scope, evaluate};
use super::super::parse::parse_template;
use super::super::tree::Traversal;
use super::super::value::Value;
use super::call::{Arguments, Outcome, Problem};
use crate::diagnostics::Diagnostic;

pub(super) fn basename(arguments: &Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    let trimmed = text.trim_end_matches('/');
    let name = match (text.is_empty(), trimmed.is_empty()) {
        (true, _) => ".",
        (false, true) => "/",
        (false, false) => trimmed.rsplit('/').next().unwrap_or(trimmed),
    };
    Ok(Value::string(name))
}

pub(super) fn dirname(arguments: &Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    let folder = text.rfind('/').map_or("", |at| &text[..=at]);
    Ok(Value::string(clean(folder)))
}

/// A path without `.`, `..` and double slashes where the text alone can tell.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            _ => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

fn files<'a>(evaluator: &Evaluator<'a>) -> Result<&'a dyn Files, Problem> {
    let scope: &'a dyn Scope = evaluator.scope;
    scope
        .files()
        .ok_or_else(|| Problem::Call("files can't be read here".into()))
}

pub(super) fn file(evaluator: &mut Evaluator<'_>, arguments: &Arguments<'_>) -> Outcome {
    let files = files(evaluator)?;
    let file = files
        .read(&arguments.text(0)?)
        .map_err(|problem| Problem::Argument(0, problem))?;
    Ok(Value::string(files.sources().text(file)))
}

pub(super) fn fileexists(evaluator: &mut Evaluator<'_>, arguments: &Arguments<'_>) -> Outcome {
    let exists = files(evaluator)?.exists(&arguments.text(0)?);
    exists
        .map(Value::bool)
        .map_err(|problem| Problem::Argument(0, problem))
}

/// The names inside a template file: the given variables and nothing else.
struct TemplateScope<'a> {
    variables: &'a BTreeMap<String, Value>,
    files: &'a dyn Files,
}

impl Scope for TemplateScope<'_> {
    fn resolve(
        &self,
        reference: &Traversal,
        _: &mut Budget,
    ) -> Result<Option<Resolved>, Vec<Diagnostic>> {
        Ok(self.variables.get(&reference.root).map(|value| Resolved {
            value: value.clone(),
            consumed: 0,
        }))
    }

    fn candidates(&self) -> Vec<String> {
        self.variables.keys().cloned().collect()
    }

    fn files(&self) -> Option<&dyn Files> {
        Some(self.files)
    }

    fn is_template(&self) -> bool {
        true
    }
}

pub(super) fn templatefile(evaluator: &mut Evaluator<'_>, arguments: &Arguments<'_>) -> Outcome {
    if evaluator.scope.is_template() {
        return Err(Problem::Call(
            "a template can't read further templates".into(),
        ));
    }
    let files = files(evaluator)?;
    let variables = arguments.entries(1)?;
    let path = arguments.text(0)?;
    let file = files
        .read(&path)
        .map_err(|problem| Problem::Argument(0, problem))?;
    let size = files.sources().text(file).len();
    evaluator
        .spend_bytes(size, arguments.span)
        .map_err(|_| Problem::Told)?;
    let scope = TemplateScope { variables, files };
    let result = parse_template(file, files.sources())
        .and_then(|template| evaluate(&template, &scope, evaluator.budget));
    match result {
        Ok(mut value) => {
            value.span = None;
            Ok(value)
        }
        Err(diagnostics) => {
            let from_here = |diagnostic: Diagnostic| {
                diagnostic.note(arguments.span, "the template is read here")
            };
            evaluator
                .diagnostics
                .extend(diagnostics.into_iter().map(from_here));
            Err(Problem::Told)
        }
    }
}

/// The file that the first argument names, as it is: a keystore or an archive has a digest and a base64 form, too.
pub(super) fn bytes_of_file(
    evaluator: &mut Evaluator<'_>,
    arguments: &Arguments<'_>,
) -> Result<std::sync::Arc<[u8]>, Problem> {
    files(evaluator)?
        .bytes(&arguments.text(0)?)
        .map_err(|problem| Problem::Argument(0, problem))
}

pub(super) fn filebase64(evaluator: &mut Evaluator<'_>, arguments: &Arguments<'_>) -> Outcome {
    use base64::Engine as _;
    let bytes = bytes_of_file(evaluator, arguments)?;
    Ok(Value::string(
        base64::engine::general_purpose::STANDARD.encode(&bytes),
    ))
}

/// The files below a folder whose names match a pattern: `*` and `?` within a name, `**` over folders, `{a,b}`.
pub(super) fn fileset(evaluator: &mut Evaluator<'_>, arguments: &Arguments<'_>) -> Outcome {
    let pattern = arguments.text(1)?;
    let patterns = alternatives(&pattern)
        .ok_or_else(|| Problem::Argument(1, "the pattern has too many alternatives".into()))?;
    let found = files(evaluator)?
        .list(&arguments.text(0)?)
        .map_err(|problem| Problem::Argument(0, problem))?;
    let matching = found.into_iter().filter(|name| {
        let parts: Vec<&str> = name.split('/').collect();
        patterns
            .iter()
            .any(|pattern| path_matches(&pattern.split('/').collect::<Vec<_>>(), &parts))
    });
    Ok(Value::set(matching.map(Value::string).collect()))
}

/// The patterns that `{a,b}` stands for.
fn alternatives(pattern: &str) -> Option<Vec<String>> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(next) = open.pop() {
        if done.len() + open.len() > 256 {
            return None;
        }
        match next
            .find('{')
            .and_then(|at| Some((at, next[at..].find('}')? + at)))
        {
            None => done.push(next),
            Some((from, to)) => {
                open.extend(
                    next[from + 1..to]
                        .split(',')
                        .map(|one| format!("{}{one}{}", &next[..from], &next[to + 1..])),
                );
            }
        }
    }
    Some(done)
}

fn path_matches(pattern: &[&str], parts: &[&str]) -> bool {
    matches_all(
        pattern,
        parts,
        |name| *name == "**",
        |name, part| {
            let characters = |text: &str| text.chars().collect::<Vec<_>>();
            matches_all(
                &characters(name),
                &characters(part),
                |wanted| *wanted == '*',
                |wanted, found| *wanted == '?' || wanted == found,
            )
        },
    )
}

/// Whether the pattern covers all items; a star stands for any number of them. Only the last star is ever tried
/// again, so the work is at most pattern times items, whatever the pattern.
fn matches_all<T>(
    pattern: &[T],
    items: &[T],
    is_star: impl Fn(&T) -> bool,
    is_match: impl Fn(&T, &T) -> bool,
) -> bool {
    let (mut wanted, mut found) = (0, 0);
    let mut last_star = None;
    while found < items.len() {
        match pattern.get(wanted) {
            Some(star) if is_star(star) => {
                last_star = Some((wanted, found));
                wanted += 1;
            }
            Some(one) if is_match(one, &items[found]) => {
                wanted += 1;
                found += 1;
            }
            _ => {
                let Some((star, from)) = last_star else {
                    return false;
                };
                last_star = Some((star, from + 1));
                wanted = star + 1;
                found = from + 1;
            }
        }
    }
    pattern[wanted..].iter().all(is_star)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_paths_in_bounded_time() {
        let long = "a".repeat(200);
        let many_stars = format!("{}b", "a*".repeat(60));
        let many_folders = ["a/"; 60].concat() + "a";
        let deep = "**/".repeat(40) + "b";
        for (pattern, path, wanted) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "x/a.conf", false),
            ("**/*.conf", "a.conf", true),
            ("**/b/*.c?nf", "x/b/y/b/a.conf", true),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXbd", false),
            ("a/**", "b/c", false),
            (many_stars.as_str(), long.as_str(), false),
            (deep.as_str(), many_folders.as_str(), false),
        ] {
            let pattern_parts: Vec<_> = pattern.split('/').collect();
            let path_parts: Vec<_> = path.split('/').collect();
            assert_eq!(
                path_matches(&pattern_parts, &path_parts),
                wanted,
                "{pattern} {path}"
            );
        }
    }
}
