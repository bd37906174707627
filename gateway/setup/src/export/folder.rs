//! Puts files into a folder: all of them or none, each one whole, and never over somebody's changes unnoticed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::ExportFile;

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    New,
    /// It was there with the same content.
    Same,
    /// It was there with other content, and replacing was asked for.
    Replaced,
}

/// Why nothing, or not everything, was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("{}: there already, with other content; nothing has been written (--replace writes over them)", list(.0))]
    Differs(Vec<PathBuf>),
    #[error("{}: there already, and no file; nothing has been written", .0.display())]
    NoFile(PathBuf),
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

/// Writes the files into the folder, which is made if it is not there. With `replace`, files of the same name
/// give way. Every file appears whole or not at all.
pub fn write(
    folder: &Path,
    files: &[ExportFile],
    replace: bool,
) -> Result<Vec<(PathBuf, Written)>, WriteError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| WriteError::Io { path, error }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let mut plan = Vec::new();
    for file in files {
        let path = folder.join(&file.name);
        let written =
            state(&path, &file.text).map_err(failed(&path))?.ok_or(WriteError::NoFile(path.clone()))?;
        plan.push((path, written));
    }
    let differing: Vec<PathBuf> = plan
        .iter()
        .filter(|(_, written)| *written == Written::Replaced)
        .map(|(path, _)| path.clone())
        .collect();
    if !differing.is_empty() && !replace {
        return Err(WriteError::Differs(differing));
    }
    for ((path, written), file) in plan.iter().zip(files) {
        if *written != Written::Same {
            put(path, &file.text, *written).map_err(failed(path))?;
        }
    }
    Ok(plan)
}

/// What writing would do; none if something else than a file is in the way.
fn state(path: &Path, text: &str) -> io::Result<Option<Written>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(Written::New)),
        Err(error) => Err(error),
        Ok(there) if !there.is_file() => Ok(None),
        Ok(there) if there.len() == text.len() as u64 && fs::read(path)? == text.as_bytes() => {
            Ok(Some(Written::Same))
        }
        Ok(_) => Ok(Some(Written::Replaced)),
    }
}

fn put(path: &Path, text: &str, written: Written) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let outcome = draft_of(&draft, text).and_then(|()| match written {
        // A link fails where somebody has put a file in between; renaming would take its place.
        Written::New => fs::hard_link(&draft, path),
        Written::Same | Written::Replaced => fs::rename(&draft, path),
    });
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => outcome.and(Err(error)),
        _ => outcome,
    }
}

fn draft_of(draft: &Path, text: &str) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("livename-export-{name}-{}", std::process::id()));
            drop(fs::remove_dir_all(&path));
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn file(name: &str, text: &str) -> ExportFile {
        ExportFile { name: name.into(), text: text.into() }
    }

    fn kinds(written: Vec<(PathBuf, Written)>) -> Vec<Written> {
        written.into_iter().map(|(_, written)| written).collect()
    }

    #[test]
    fn a_changed_file_stops_everything_until_told() {
        let folder = Folder::new("changed");
        let files = [file("a", "1"), file("b", "2")];
        assert_eq!(kinds(write(&folder.0, &files, false).unwrap()), [Written::New, Written::New]);
        assert_eq!(kinds(write(&folder.0, &files, false).unwrap()), [Written::Same, Written::Same]);
        fs::write(folder.0.join("b"), "mine").unwrap();
        let again = [file("a", "new"), file("b", "2"), file("c", "3")];
        let error = write(&folder.0, &again, false).unwrap_err();
        assert!(matches!(&error, WriteError::Differs(paths) if paths.len() == 2), "{error}");
        assert_eq!(fs::read_to_string(folder.0.join("a")).unwrap(), "1");
        assert!(!folder.0.join("c").exists());
        let done = kinds(write(&folder.0, &again, true).unwrap());
        assert_eq!(done, [Written::Replaced, Written::Replaced, Written::New]);
        assert_eq!(fs::read_to_string(folder.0.join("b")).unwrap(), "2");
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 3, "no drafts are left");
    }

    #[test]
    fn a_folder_or_a_link_is_never_written_over() {
        let folder = Folder::new("link");
        fs::create_dir_all(folder.0.join("a")).unwrap();
        assert!(matches!(write(&folder.0, &[file("a", "1")], true), Err(WriteError::NoFile(_))));
        std::os::unix::fs::symlink("/dev/null", folder.0.join("b")).unwrap();
        assert!(matches!(write(&folder.0, &[file("b", "1")], true), Err(WriteError::NoFile(_))));
    }
}
