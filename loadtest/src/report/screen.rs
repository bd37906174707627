//! The live view of a terminal: what goes on, redrawn once a second.
//!
//! It lives on a screen of its own on stderr, so that the summary on stdout stands where the user left off.
//! Ctrl-C works as everywhere: keys are not read. The terminal is given back when the view is dropped, when
//! something panics, and when a second Ctrl-C ends the program ([`give_back`]).

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Stderr};
use std::panic;
use std::sync::{Mutex, Once, PoisonError};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, size};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::results::Tick;
use crate::measure::Latency;

mod draw;

/// How the terminal was before; nothing while it is as it was.
static BEFORE: Mutex<Option<Before>> = Mutex::new(None);

/// Without modes if only stderr is a terminal.
struct Before(Option<Termios>);

/// The view. Gives the terminal back when it is dropped.
pub struct Screen(Terminal<CrosstermBackend<Stderr>>);

/// What is shown.
pub struct View<'a> {
    /// Of the plan.
    pub name: &'a str,
    pub target: &'a str,
    /// Number of the phase, from 1, of how many, and its name.
    pub phase: (usize, usize, &'a str),
    /// Seconds that the plan takes.
    pub planned: f64,
    /// Never empty; the last is now.
    pub timeline: &'a [Tick],
    /// All times so far.
    pub updates: &'a Latency,
    /// All failures so far.
    pub failures: &'a BTreeMap<String, u64>,
}

impl Screen {
    /// Takes the terminal; `None` if stderr is none, or one on which nothing could be seen.
    pub fn take() -> Option<Self> {
        let is_visible = size().is_ok_and(|(columns, rows)| columns > 0 && rows > 0);
        if !io::stderr().is_terminal() || !is_visible {
            return None;
        }
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                give_back();
                before(info);
            }));
        });
        // What is typed meanwhile is not to appear in the view.
        let modes = tcgetattr(io::stdin()).ok();
        if let Some(mut silent) = modes.clone() {
            silent.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &silent);
        }
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Before(modes));
        let taken = execute!(io::stderr(), EnterAlternateScreen, Hide);
        match taken.and_then(|()| Terminal::new(CrosstermBackend::new(io::stderr()))) {
            Ok(terminal) => Some(Self(terminal)),
            Err(_) => {
                give_back();
                None
            }
        }
    }

    /// Shows the view, unless the terminal was given back.
    pub fn show(&mut self, view: &View<'_>) {
        if BEFORE.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            // A terminal that is gone is no reason to stop; SIGHUP is.
            let _ = self.0.draw(|frame| draw::draw(frame, view));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Makes the terminal what it was before, once.
pub fn give_back() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Before(modes)) = before {
        let _ = execute!(io::stderr(), LeaveAlternateScreen, Show);
        if let Some(modes) = modes {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &modes);
        }
    }
}
