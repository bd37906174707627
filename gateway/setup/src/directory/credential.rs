//! Passwords from files, descriptors or the terminal; never from arguments, and never shown.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use protocol::secret::Secret;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

use crate::config::Password;

/// More than any password has.
const MOST_BYTES: u64 = 4096;

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    #[error("{}: {}", .0.display(), .1)]
    Unreadable(PathBuf, io::Error),
    #[error("{} holds no password", .0.display())]
    Empty(PathBuf),
    #[error("the password for {0} cannot be asked for: {1}; use password_file or password_fd")]
    NoTerminal(String, io::Error),
    #[error("no password for {0} was given")]
    Interrupted(String),
}

/// The password of an account.
pub fn password(source: &Password, account: &str) -> Result<Secret, CredentialError> {
    match source {
        Password::File(path) => of_file(path),
        // The descriptor's own entry: whoever started the program has opened it.
        Password::Descriptor(number) => of_file(Path::new(&format!("/dev/fd/{number}"))),
        Password::Prompt => asked(account).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => CredentialError::Interrupted(account.to_owned()),
            _ => CredentialError::NoTerminal(account.to_owned(), error),
        }),
    }
}

fn of_file(path: &Path) -> Result<Secret, CredentialError> {
    let mut bytes = Vec::with_capacity(MOST_BYTES as usize);
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes))
        .map_err(|error| CredentialError::Unreadable(path.to_owned(), error))?;
    let secret = line(Secret::new(bytes));
    if secret.is_empty() { Err(CredentialError::Empty(path.to_owned())) } else { Ok(secret) }
}

/// Asks on the terminal, with the echo off.
fn asked(account: &str) -> io::Result<Secret> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    let codes = &before.special_codes;
    let (interrupt, quit) = (codes[SpecialCodeIndex::VINTR], codes[SpecialCodeIndex::VQUIT]);
    let mut silent = before.clone();
    // The keys that would end the program end the line instead: the terminal gets its echo back first.
    silent.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
    silent.special_codes[SpecialCodeIndex::VEOL] = interrupt;
    silent.special_codes[SpecialCodeIndex::VEOL2] = quit;
    tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
    // Asked only now, so that nothing that is typed at once is shown.
    let read = write!(terminal, "Password for {account}: ")
        .and_then(|()| read_line(&mut terminal, &[b'\n', interrupt, quit]));
    tcsetattr(&terminal, OptionalActions::Flush, &before)?;
    writeln!(terminal)?;
    let typed = read?;
    match typed.expose().last() {
        Some(b'\n') => {}
        Some(end) if [interrupt, quit].contains(end) => return Err(io::ErrorKind::Interrupted.into()),
        _ => return Err(io::ErrorKind::UnexpectedEof.into()),
    }
    let secret = line(typed);
    if secret.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(secret) }
}

/// Reads up to one of the ends, which comes along; less if the terminal is gone.
fn read_line(terminal: &mut File, ends: &[u8]) -> io::Result<Secret> {
    // Room for all of it, so that no copy is left behind where it was before.
    let mut typed = Vec::with_capacity(MOST_BYTES as usize);
    let mut terminal = terminal.take(MOST_BYTES);
    let mut byte = [0];
    while terminal.read(&mut byte)? > 0 {
        typed.extend_from_slice(&byte);
        if ends.contains(&byte[0]) {
            break;
        }
    }
    Ok(Secret::new(typed))
}

/// Without the line end that editors put there.
fn line(secret: Secret) -> Secret {
    let text = secret.expose();
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    Secret::new(text.strip_suffix(b"\r").unwrap_or(text).to_vec())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_password_comes_from_a_file_or_from_what_the_caller_has_opened() {
        let path = std::env::temp_dir().join(format!("livename-password-{}", std::process::id()));
        std::fs::write(&path, "pass word\r\n").unwrap();
        let open = File::open(&path).unwrap();
        let descriptor = Password::Descriptor(u32::try_from(open.as_raw_fd()).unwrap());
        for source in [Password::File(path.clone()), descriptor] {
            let secret = password(&source, "somebody").unwrap();
            assert_eq!(secret.expose(), b"pass word", "{source:?}");
            assert!(!format!("{secret:?}").contains("pass word"));
        }
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(password(&Password::File(path.clone()), "x"), Err(CredentialError::Empty(_))));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(password(&Password::Descriptor(1023), "x"), Err(CredentialError::Unreadable(..))));
    }
}
