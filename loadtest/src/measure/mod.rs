//! What is measured and how: time from the change to the browser, what went wrong, who used how much of
//! the machine, and whether the browsers end up knowing the truth. No sockets here.
//!
//! * [`Recorder`] gathers what the browsers of one thread see, per phase and transport.
//! * [`Truth`] is the community's word, [`Agreement`] the outcome of comparing browsers with it.
//! * [`micros`] is the time by the clock that stamps the changes, on whatever machine it is.
//! * [`Process`] reads `/proc`.

mod agreement;
mod clock;
mod failure;
mod latency;
mod own;
mod process;
mod recorder;

use serde::{Deserialize, Serialize};

pub use agreement::{Agreement, PersonState, Truth, text_hash};
pub use clock::{Clocks, Offset, clock, follow, micros};
pub use failure::{FailureKind, add_failures};
pub use latency::Latency;
pub use own::OwnChanges;
pub use process::{Process, Usage};
pub use recorder::{ByTransport, Counts, Opened, PhaseRecord, Recorder, Second, Transport, Update, together};

/// Whether the changes of a phase were made when they were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Punctuality {
    pub due: u64,
    /// Those of them that were not made.
    pub missed: u64,
    /// The longest that one was late, in seconds.
    pub latest: f64,
}

impl Punctuality {
    /// Adds what others were to change.
    pub fn add(&mut self, other: Self) {
        self.due += other.due;
        self.missed += other.missed;
        self.latest = self.latest.max(other.latest);
    }
}
