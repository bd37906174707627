//! What is measured and how: time from the change to the browser, what went wrong, who used how much of
//! the machine, and whether the browsers end up knowing the truth. No sockets here.
//!
//! * [`Recorder`] gathers what the browsers of one thread see, per phase and transport.
//! * [`Truth`] is the community's word, [`Agreement`] the outcome of comparing browsers with it.
//! * [`Process`] reads `/proc`.

mod agreement;
mod failure;
mod latency;
mod process;
mod recorder;

use std::time::{SystemTime, UNIX_EPOCH};

pub use agreement::{Agreement, PersonState, Truth, text_hash};
pub use failure::FailureKind;
pub use latency::Latency;
pub use process::{Process, Usage};
pub use recorder::{Counts, Opened, PhaseRecord, Recorder, Second, Transport, Update};

/// Microseconds since 1970, by the clock that stamps the changes.
pub fn micros() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}
