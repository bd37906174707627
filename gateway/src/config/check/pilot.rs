//! `[pilot]`, and whether it fits the routes.

use std::path::Path;
use std::sync::Arc;

use crate::config::section::Section;
use crate::config::{AuthPolicy, Pilot, Route};

/// More than any list of a pilot has.
const MOST_BYTES: u64 = 4 << 20;

pub(super) fn read(root: &Section<'_>, routes: &[Arc<Route>]) -> Option<Pilot> {
    let passing = routes.iter().find(|route| route.pass_to.is_some());
    let Some(section) = root.given_table("pilot") else {
        if passing.is_some() && !root.has("pilot") {
            root.wrong(
                "pilot",
                "a route has pass_to; add [pilot] with state_file, where a bypass survives a restart",
            );
        }
        return None;
    };
    if passing.is_none() {
        root.wrong("pilot", "no route has pass_to, so nobody can be passed on");
    }
    let mut people: Vec<String> =
        section.list::<String>("people").into_iter().map(|given| given.value).collect();
    for group in section.paths("groups") {
        match members(&group.value) {
            Ok(members) => people.extend(members),
            Err(problem) => section.wrong_at(group.at, "groups", problem),
        }
    }
    let share = section.value::<u32>("share").map(|given| given.value);
    if share.is_some_and(|share| share > 100) {
        section.wrong("share", "is a percentage, from 0 to 100");
    }
    let chooses = !people.is_empty() || share.is_some() || section.has("people") || section.has("groups");
    let blind = routes.iter().find(|route| route.pass_to.is_some() && route.auth == AuthPolicy::Off);
    if let (true, Some(route)) = (chooses, blind) {
        root.wrong("pilot", format!("the route {:?} has auth = \"off\": nobody is known there", route.path));
    }
    let state_file = section.must_path("state_file", "give the file in which a bypass survives a restart")?;
    if !state_file.value.parent().is_some_and(Path::is_dir) {
        section.wrong_at(state_file.at, "state_file", "its folder does not exist");
    }
    // A group without members is a group all the same: nobody, not everybody.
    let share = share.or((chooses && people.is_empty()).then_some(0));
    Some(Pilot { people, share, state_file: state_file.value })
}

/// One name or pattern a line; blank lines and those with `#` do not count.
fn members(path: &Path) -> Result<Vec<String>, String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", path.display());
    if std::fs::metadata(path).map_err(unreadable)?.len() > MOST_BYTES {
        return Err(format!("{} is longer than any list of people", path.display()));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let names = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(names.map(str::to_owned).collect())
}
