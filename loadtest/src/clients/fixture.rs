//! A browser with its cast and its recorder, for tests of what pages make of what they hear.

use std::path::Path;

use super::cast::{Cast, Person};
use super::page::Browser;
use crate::measure::{Counts, Recorder, Transport};
use crate::plan::Plan;

pub(super) struct Fixture {
    pub(super) cast: Cast,
    pub(super) recorder: Recorder,
    pub(super) browser: Browser,
}

impl Fixture {
    /// A page that was opened at 110 instead of 100, by somebody who watches Ann and Bo.
    pub(super) fn new(transport: Transport) -> Self {
        let text = "[[phase]]\nkind = \"hold\"\nduration = \"1s\"\n";
        let plan = Plan::parse(Path::new("x"), text).unwrap();
        let cast = Cast::new(&plan, vec!["CN=Ann/O=R".into(), "CN=Bo/O=R".into()], None).unwrap();
        let mut recorder = Recorder::default();
        recorder.begin_phase(1);
        let mut browser = Browser::new(0, Person { transport, secure: false, list: vec![0, 1] });
        browser.begin(100, 110);
        Self { cast, recorder, browser }
    }

    pub(super) fn counts(&self) -> Counts {
        self.recorder.phases()[0].counts
    }
}
