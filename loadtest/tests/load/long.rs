//! What takes too long for every day: with `LIVENAME_LONG` only (`cargo xtask prove`).

use crate::support::{Folder, has_gateway};

fn is_asked_for() -> bool {
    std::env::var_os("LIVENAME_LONG").is_some() && has_gateway()
}

#[test]
fn a_morning_at_the_inbox_converges_and_is_reported() {
    if !is_asked_for() {
        return;
    }
    let folder = Folder::new();
    let ended = folder.start(&["run", "inbox", "--out", "out"]).end();
    assert_eq!(ended.code, Some(0), "{}{}", ended.err, ended.out);
    let results = ended.results.unwrap();
    assert_eq!(results.converged, Some(true), "{}", ended.out);
    assert_eq!(results.counts().visits, 500 + 35 * 5);
    assert!(ended.html.contains("CONVERGED") && ended.html.contains("</html>"));
}

/// As docs/load-testing.md promises.
#[test]
fn a_browser_that_waits_takes_little_of_the_generator() {
    if !is_asked_for() {
        return;
    }
    let folder = Folder::new();
    let ended = folder
        .run(
            "[population]\npeople = 2000\nwatches = 50\nchanges_per_second = 0\n\
             [[phase]]\nkind = \"ramp\"\nduration = \"10s\"\nbrowsers = 2000\n\
             [[phase]]\nkind = \"hold\"\nduration = \"2s\"\n",
        )
        .end();
    assert_eq!(ended.code, Some(0), "{}{}", ended.err, ended.out);
    let memory = ended.results.unwrap().memory;
    assert_eq!(memory.browsers, 2000);
    assert!(memory.generator <= 8 << 10, "{} bytes for each", memory.generator);
}
