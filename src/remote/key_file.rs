//! Looks into private key files before libssh2 does: its errors don't tell a missing file, a passphrase and garbage apart.
//!
//! Reads only what stands unencrypted in a file; the key itself is never kept.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::known_hosts::take_string;

/// What a key file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyFile {
    /// Not there; the public half may lie beside its place, for the agent.
    Missing { public: Option<Vec<u8>> },
    /// Can be used as it is.
    Plain { public: Option<Vec<u8>> },
    /// Wants a passphrase.
    Encrypted { public: Option<Vec<u8>> },
    /// Can't be used.
    Unusable { why: String },
}

impl KeyFile {
    /// Looks at the file.
    pub(super) fn inspect(path: &Path) -> Self {
        let beside = public_beside(path);
        let bytes = match std::fs::read(path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Self::Missing { public: beside };
            }
            Err(error) => {
                return Self::Unusable {
                    why: format!("it can't be read ({error})"),
                };
            }
        };
        if let Some(why) = too_open(path) {
            return Self::Unusable { why };
        }
        read(&String::from_utf8_lossy(&bytes), beside)
    }
}

fn read(text: &str, beside: Option<Vec<u8>>) -> KeyFile {
    if let Some(public) = parse_public(text) {
        return KeyFile::Missing {
            public: Some(public),
        };
    }
    if text.contains("-----BEGIN OPENSSH PRIVATE KEY-----") {
        return match openssh_header(text) {
            Some((true, public)) => KeyFile::Encrypted {
                public: Some(public),
            },
            Some((false, public)) => KeyFile::Plain {
                public: Some(public),
            },
            None => KeyFile::Unusable {
                why: "its content is damaged".to_owned(),
            },
        };
    }
    if !text.contains("PRIVATE KEY-----") {
        return KeyFile::Unusable {
            why: "it holds no private key".to_owned(),
        };
    }
    match text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        true => KeyFile::Encrypted { public: beside },
        false => KeyFile::Plain { public: beside },
    }
}

/// OpenSSH refuses a key that others may read, and so do we: it isn't private any more.
fn too_open(path: &Path) -> Option<String> {
    let metadata = std::fs::metadata(path).ok()?;
    let others = metadata.mode() & 0o077;
    let ours = metadata.uid() == rustix::process::getuid().as_raw();
    (ours && others != 0).then(|| {
        format!(
            "its mode {:04o} lets others read it: chmod 600 {}",
            metadata.mode() & 0o7777,
            path.display()
        )
    })
}

/// `openssh-key-v1`: cipher, kdf, kdf options, number of keys, the first public key (PROTOCOL.key of openssh-portable).
fn openssh_header(text: &str) -> Option<(bool, Vec<u8>)> {
    let inner = text
        .split_once("-----BEGIN OPENSSH PRIVATE KEY-----")?
        .1
        .split_once("-----END")?
        .0;
    let encoded: Zeroizing<String> = Zeroizing::new(inner.split_whitespace().collect());
    let bytes = Zeroizing::new(STANDARD.decode(encoded.as_bytes()).ok()?);
    let (cipher, rest) = take_string(bytes.strip_prefix(b"openssh-key-v1\0")?)?;
    let (_kdf, rest) = take_string(rest)?;
    let (_options, rest) = take_string(rest)?;
    let (public, _) = take_string(rest.get(4..)?)?;
    Some((cipher != b"none", public.to_vec()))
}

/// `id.pub` of `id`.
fn public_beside(path: &Path) -> Option<Vec<u8>> {
    parse_public(&std::fs::read_to_string(with_suffix(path, ".pub")).ok()?)
}

fn parse_public(text: &str) -> Option<Vec<u8>> {
    let mut words = text.split_whitespace();
    let (algorithm, encoded) = (words.next()?, words.next()?);
    let blob = STANDARD.decode(encoded).ok()?;
    (take_string(&blob)?.0 == algorithm.as_bytes()).then_some(blob)
}

/// `path` with something at the end of its name: `id` and `-cert.pub` make `id-cert.pub`.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::*;

    fn made(folder: &Path, name: &str, arguments: &[&str]) -> Option<PathBuf> {
        let path = folder.join(name);
        let status = Command::new("ssh-keygen")
            .args(["-q", "-C", "", "-f"])
            .arg(&path)
            .args(arguments)
            .status()
            .ok()?;
        status.success().then_some(path)
    }

    #[test]
    fn plain_and_encrypted_keys_of_every_form_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        for (name, arguments, encrypted) in [
            ("a", vec!["-t", "ed25519", "-N", ""], false),
            ("b", vec!["-t", "ed25519", "-N", "secret"], true),
            ("c", vec!["-t", "ecdsa", "-m", "PEM", "-N", ""], false),
            ("d", vec!["-t", "ecdsa", "-m", "PEM", "-N", "secret"], true),
            ("e", vec!["-t", "ecdsa", "-m", "PKCS8", "-N", ""], false),
            (
                "f",
                vec!["-t", "ecdsa", "-m", "PKCS8", "-N", "secret"],
                true,
            ),
        ] {
            let Some(path) = made(folder.path(), name, &arguments) else {
                return;
            };
            let public = public_beside(&path);
            assert!(public.is_some());
            let wanted = if encrypted {
                KeyFile::Encrypted { public }
            } else {
                KeyFile::Plain { public }
            };
            assert_eq!(KeyFile::inspect(&path), wanted, "{arguments:?}");
        }
    }

    #[test]
    fn missing_open_and_odd_files_say_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id");
        assert_eq!(KeyFile::inspect(&path), KeyFile::Missing { public: None });
        std::fs::write(&path, "nonsense").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(
            matches!(KeyFile::inspect(&path), KeyFile::Unusable { why } if why.contains("chmod 600"))
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(
            KeyFile::inspect(&path),
            KeyFile::Unusable {
                why: "it holds no private key".into()
            }
        );
    }
}
