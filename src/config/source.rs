//! The texts of this run: read from the configuration directory, bounded and checked, and kept for
//! diagnostics. The only place that opens a user's file.
//!
//! Never writes. A file is looked at before it is read: its kind, and its size against
//! [`LARGEST_FILE`].

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::evaluate::Files;
use crate::diagnostics::{Diagnostic, FileId, SourceText, Span, Texts, codes};

/// The most that is read of one file, in bytes (8 MiB).
pub const LARGEST_FILE: u64 = 8 * 1024 * 1024;

/// The files that this run has seen. Shared by reference; adding needs no `mut`, because
/// `templatefile` adds texts while expressions are worked out.
#[derive(Debug, Default)]
pub struct Sources {
    root: PathBuf,
    files: RwLock<Vec<Arc<SourceText>>>,
}

impl Sources {
    /// Sources whose names are relative to `root`, the directory of the configuration.
    pub fn new(root: impl Into<PathBuf>) -> Sources {
        Sources {
            root: root.into(),
            files: RwLock::default(),
        }
    }

    /// The directory that names are relative to.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Adds a text under a name that is shown as it is. A byte order mark is taken off.
    pub fn add(&self, name: impl Into<String>, text: &str) -> FileId {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        let id = FileId(u32::try_from(files.len()).unwrap_or(u32::MAX));
        files.push(Arc::new(SourceText::new(name.into(), text.into())));
        id
    }

    /// Reads a file and adds it; `path` is relative to the root or absolute.
    ///
    /// # Errors
    /// A directory, a file that can't be read, one over [`LARGEST_FILE`], one that isn't UTF-8 (with
    /// the line and column of the first bad byte) or holds a NUL.
    pub fn read(&self, path: &Path) -> Result<FileId, Diagnostic> {
        let name = self.name_of(path);
        let bytes =
            read_bounded(&self.root.join(path)).map_err(|problem| problem.diagnostic(&name))?;
        match String::from_utf8(bytes) {
            Ok(text) => {
                let id = self.add(name, &text);
                self.refuse_nul(id)?;
                Ok(id)
            }
            Err(error) => Err(self.not_utf8(name, error)),
        }
    }

    /// The text of a file of this run; empty for an id of another.
    pub fn text(&self, file: FileId) -> Arc<str> {
        self.source(file)
            .map_or_else(|| "".into(), |source| source.text.clone())
    }

    /// `main.rf.hcl:3:14`, for messages that name a place without showing it.
    pub fn place(&self, span: Span) -> String {
        match self.source(span.file) {
            Some(source) => {
                let position = source.position(span.start);
                format!("{}:{}:{}", source.name, position.line, position.column)
            }
            None => String::new(),
        }
    }

    fn name_of(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    fn refuse_nul(&self, id: FileId) -> Result<(), Diagnostic> {
        match self.text(id).find('\0') {
            None => Ok(()),
            Some(at) => Err(Diagnostic::error(
                codes::NUL_CHARACTER,
                Span::new(id, at, at + 1),
                "byte 0 stands here",
            )
            .help("save the file as UTF-8 text")),
        }
    }

    fn not_utf8(&self, name: String, error: std::string::FromUtf8Error) -> Diagnostic {
        let at = error.utf8_error().valid_up_to();
        let byte = error.as_bytes().get(at).copied().unwrap_or_default();
        let id = self.add(name, &String::from_utf8_lossy(error.as_bytes()));
        // A byte order mark that was taken off moves everything by its three bytes.
        let shift = if error.as_bytes().starts_with(&[0xef, 0xbb, 0xbf]) {
            3
        } else {
            0
        };
        let start = at.saturating_sub(shift);
        Diagnostic::error(
            codes::NOT_UTF8,
            Span::new(id, start, start + 3),
            format!("byte 0x{byte:02x} here is not UTF-8"),
        )
        .help("save the file as UTF-8")
    }
}

impl Texts for Sources {
    fn source(&self, file: FileId) -> Option<Arc<SourceText>> {
        self.files
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(file.0 as usize)
            .cloned()
    }
}

/// Why a file couldn't be read.
#[derive(Debug)]
pub enum ReadProblem {
    /// A directory or something else that isn't a file.
    NotAFile(&'static str),
    /// Over [`LARGEST_FILE`]; the size where it is known.
    TooLarge(u64),
    /// The operating system said no.
    Io(std::io::Error),
}

impl ReadProblem {
    /// The problem as a short phrase.
    pub fn phrase(&self) -> String {
        match self {
            ReadProblem::NotAFile(what) => format!("it is {what}, not a file"),
            ReadProblem::TooLarge(size) => {
                format!(
                    "it has {size} bytes; at most {} MiB are read",
                    LARGEST_FILE / 1024 / 1024
                )
            }
            ReadProblem::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
                "there is no such file".to_owned()
            }
            ReadProblem::Io(error) => error.to_string(),
        }
    }

    fn diagnostic(&self, name: &str) -> Diagnostic {
        let code = match self {
            ReadProblem::TooLarge(_) => codes::FILE_TOO_LARGE,
            _ => codes::FILE_UNREADABLE,
        };
        Diagnostic::without_place(code, format!("{name}: {}", self.phrase()))
    }
}

/// Reads a whole file of at most [`LARGEST_FILE`] bytes.
///
/// # Errors
/// When it isn't a plain file, is too large or can't be read.
pub fn read_bounded(path: &Path) -> Result<Vec<u8>, ReadProblem> {
    let metadata = std::fs::metadata(path).map_err(ReadProblem::Io)?;
    if metadata.is_dir() {
        return Err(ReadProblem::NotAFile("a directory"));
    }
    if !metadata.is_file() {
        // A pipe or device could block or never end.
        return Err(ReadProblem::NotAFile("a pipe, socket or device"));
    }
    if metadata.len() > LARGEST_FILE {
        return Err(ReadProblem::TooLarge(metadata.len()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(ReadProblem::Io)?;
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(ReadProblem::Io)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(ReadProblem::TooLarge(bytes.len() as u64));
    }
    Ok(bytes)
}

/// The most that `fileset` looks through.
const MOST_FILES: usize = 10_000;

/// The files below `root`, as paths that start there, sorted; links to folders aren't followed. `folder`: how people call it.
pub(super) fn list_files(root: &Path, folder: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(next) = open.pop() {
        let entries = std::fs::read_dir(&next)
            .map_err(|error| format!("can't look into {folder}: {error}"))?;
        for entry in entries {
            let entry = entry.map_err(|error| format!("can't look into {folder}: {error}"))?;
            let kind = entry
                .file_type()
                .map_err(|error| format!("can't look into {folder}: {error}"))?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if let Ok(path) = entry.path().strip_prefix(root) {
                found.push(path.display().to_string());
            }
            if found.len() + open.len() > MOST_FILES {
                return Err(format!(
                    "{folder} holds more than {MOST_FILES} files and folders"
                ));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The files that expressions may read: paths start at the configuration directory, `~` is the home
/// directory. Each file is read once a run, as a text and as bytes.
#[derive(Debug)]
pub struct Directory<'a> {
    sources: &'a Sources,
    home: Option<PathBuf>,
    texts: Mutex<BTreeMap<PathBuf, Result<FileId, String>>>,
    bytes: Mutex<BTreeMap<PathBuf, Arc<[u8]>>>,
}

impl<'a> Directory<'a> {
    /// Files beside the configuration in `sources`; `home` is what `~` means.
    pub fn new(sources: &'a Sources, home: Option<PathBuf>) -> Directory<'a> {
        Directory {
            sources,
            home,
            texts: Mutex::default(),
            bytes: Mutex::default(),
        }
    }

    /// A path as [`Sources`] takes it: relative to the configuration directory, or absolute.
    fn path(&self, path: &str) -> Result<PathBuf, String> {
        if path.contains('\0') {
            return Err("a path can't hold a NUL character".to_owned());
        }
        match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => Ok(home.join(rest)),
            (Some(_), None) => {
                Err("`~` stands for the home directory, but HOME is not set".to_owned())
            }
            (None, _) => Ok(PathBuf::from(path)),
        }
    }

    /// A diagnostic names the file; here it stands in the label of the call, which does, too.
    fn phrase(&self, path: &Path, problem: Diagnostic) -> String {
        let text = if problem.detail.is_empty() {
            problem.label
        } else {
            problem.detail
        };
        let name = self.sources.name_of(path);
        text.strip_prefix(&format!("{name}: "))
            .map_or(text.clone(), str::to_owned)
    }
}

impl Files for Directory<'_> {
    fn read(&self, path: &str) -> Result<FileId, String> {
        let path = self.path(path)?;
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || {
            let text = self.sources.read(&path);
            text.map_err(|problem| self.phrase(&path, problem))
        };
        texts.entry(path.clone()).or_insert_with(read).clone()
    }

    fn bytes(&self, path: &str) -> Result<Arc<[u8]>, String> {
        let full = self.sources.root().join(self.path(path)?);
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = bytes.get(&full) {
            return Ok(Arc::clone(earlier));
        }
        let read: Arc<[u8]> = read_bounded(&full)
            .map_err(|problem| problem.phrase())?
            .into();
        bytes.insert(full, Arc::clone(&read));
        Ok(read)
    }

    fn exists(&self, path: &str) -> Result<bool, String> {
        match std::fs::metadata(self.sources.root().join(self.path(path)?)) {
            Ok(metadata) if metadata.is_file() => Ok(true),
            Ok(_) => Err("it is a directory or something else that isn't a file".to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, String> {
        list_files(&self.sources.root().join(self.path(folder)?), folder)
    }

    fn sources(&self) -> &Sources {
        self.sources
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::{Colour, render};

    fn read(bytes: &[u8]) -> (Sources, Result<FileId, Diagnostic>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.rf.hcl"), bytes).unwrap();
        let sources = Sources::new(folder.path());
        let result = sources.read(Path::new("main.rf.hcl"));
        (sources, result)
    }

    #[test]
    fn a_byte_order_mark_is_taken_off() {
        let (sources, result) = read(b"\xef\xbb\xbfa = 1\n");
        assert_eq!(&*sources.text(result.unwrap()), "a = 1\n");
    }

    #[test]
    fn a_bad_byte_is_shown_with_line_and_column() {
        let (sources, result) = read(b"a = 1\nb = \"\xff\"\n");
        let text = render(&result.unwrap_err(), &sources, Colour::Plain);
        assert!(
            text.contains("main.rf.hcl:2:6") && text.contains("0xff"),
            "{text}"
        );
    }

    #[test]
    fn a_nul_is_refused() {
        assert_eq!(
            read(b"a = \"\0\"\n").1.unwrap_err().code,
            codes::NUL_CHARACTER
        );
    }

    #[test]
    fn a_directory_is_named_and_not_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("x.rf.hcl")).unwrap();
        let error = Sources::new(folder.path())
            .read(Path::new("x.rf.hcl"))
            .unwrap_err();
        assert_eq!(error.detail, "x.rf.hcl: it is a directory, not a file");
    }

    #[test]
    fn a_large_file_is_refused_by_its_size_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::File::create(folder.path().join("x.rf.hcl"))
            .unwrap()
            .set_len(50_000_000)
            .unwrap();
        let error = Sources::new(folder.path())
            .read(Path::new("x.rf.hcl"))
            .unwrap_err();
        assert_eq!(error.code, codes::FILE_TOO_LARGE);
    }
}
