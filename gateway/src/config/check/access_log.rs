//! `[access_log]`.

use std::path::Path;

use crate::config::AccessLogging;
use crate::config::section::Section;

pub(super) fn read(section: &Section<'_>) -> AccessLogging {
    let defaults = AccessLogging::default();
    let path = section.path("path");
    if let Some(path) = &path
        && !path.value.parent().is_some_and(Path::is_dir)
    {
        section.wrong_at(path.at, "path", "its folder does not exist");
    }
    AccessLogging {
        path: path.map(|path| path.value),
        format: section.or("format", defaults.format),
        users: section.or("users", defaults.users),
    }
}
