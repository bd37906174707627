//! How a request ended, in two letters: who ended it, and in which phase (docs/access-log.md has the table).
//!
//! First letter: `C` the browser, `S` the upstream, `G` this gateway, small where patience ran out instead of
//! somebody acting, `-` nobody. Second: `R` the request was read, `A` it was judged by who asks, `Q` it waited
//! for a place, `C` an upstream was connected, `H` the head of the answer was awaited, `D` the answer was on its way,
//! `I` something inside, `-` it was complete.

use super::{BodyError, Failure};
use crate::bridge::{BridgeError, Fault, Phase, Side};
use crate::session::SessionError;

pub(super) const COMPLETE: &str = "--";
/// The connection left HTTP; what followed is not in the log.
pub(super) const UPGRADED: &str = "-U";
pub(super) const BROWSER_LEFT_BEFORE_ANSWER: &str = "CH";
pub(super) const BROWSER_LEFT_DURING_ANSWER: &str = "CD";
pub(super) const BROWSER_STOPPED_READING: &str = "cD";
pub(super) const BROWSER_SLOW_HEAD: &str = "cR";
pub(super) const REFUSED: &str = "GR";
pub(super) const UPSTREAM_BROKE_OFF: &str = "SD";
pub(super) const STOPPED: &str = "GD";
pub(super) const INSIDE: &str = "GI";

/// The code of a request that failed before its answer.
pub(super) fn of(failure: &Failure) -> &'static str {
    match failure {
        Failure::Head(_) | Failure::Route(_) | Failure::Body(BodyError::TooLarge) => REFUSED,
        Failure::Body(BodyError::TooSlow) => BROWSER_SLOW_HEAD,
        Failure::Body(BodyError::Broken) => "CR",
        Failure::Origin(_) | Failure::Token(_) | Failure::Login { .. } => "GA",
        Failure::Bridge(error) => of_bridge(error),
        Failure::Session(SessionError::TooManyPages | SessionError::NotReady) => "GQ",
        Failure::Session(_) => REFUSED,
        Failure::NotServed => INSIDE,
    }
}

fn of_bridge(BridgeError { side, phase, fault, .. }: &BridgeError) -> &'static str {
    match (fault, side, phase) {
        (Fault::SlowUpload, ..) => BROWSER_SLOW_HEAD,
        (Fault::Busy | Fault::Down | Fault::Exhausted(_), ..) => "GQ",
        (Fault::Timeout, _, Phase::Connect | Phase::Tls) => "sC",
        (Fault::Timeout, ..) => "sH",
        (_, Side::Internal, _) => INSIDE,
        (_, Side::Downstream, Phase::Judge) => REFUSED,
        (_, Side::Downstream, _) => "CR",
        (_, Side::Upstream, Phase::Judge | Phase::Connect | Phase::Tls) => "SC",
        (_, Side::Upstream, Phase::Write | Phase::Head) => "SH",
        (_, Side::Upstream, Phase::Body) => UPSTREAM_BROKE_OFF,
    }
}

/// The code of an answer whose body broke off.
pub(super) fn of_body(error: &(dyn std::error::Error + 'static)) -> &'static str {
    error.downcast_ref::<BridgeError>().map_or(INSIDE, of_bridge)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDES: [Side; 3] = [Side::Upstream, Side::Downstream, Side::Internal];
    const PHASES: [Phase; 6] =
        [Phase::Judge, Phase::Connect, Phase::Tls, Phase::Write, Phase::Head, Phase::Body];

    fn code(side: Side, phase: Phase, fault: Fault) -> &'static str {
        of_bridge(&BridgeError { side, phase, fault, retry: false })
    }

    #[test]
    fn who_failed_in_which_phase_is_in_the_code() {
        for (side, codes) in [
            (Side::Upstream, ["SC", "SC", "SC", "SH", "SH", "SD"]),
            (Side::Downstream, ["GR", "CR", "CR", "CR", "CR", "CR"]),
            (Side::Internal, ["GI"; 6]),
        ] {
            for (phase, expected) in PHASES.into_iter().zip(codes) {
                assert_eq!(code(side, phase, Fault::Malformed("message")), expected, "{side} {phase}");
            }
        }
    }

    #[test]
    fn some_faults_say_it_all() {
        let exhausted = || Fault::Exhausted(std::io::ErrorKind::AddrNotAvailable.into());
        for side in SIDES {
            for (phase, waited) in PHASES.into_iter().zip(["sH", "sC", "sC", "sH", "sH", "sH"]) {
                assert_eq!(code(side, phase, Fault::Timeout), waited, "{side} {phase}");
                assert_eq!(code(side, phase, Fault::SlowUpload), "cR");
                for fault in [Fault::Busy, Fault::Down, exhausted()] {
                    assert_eq!(code(side, phase, fault), "GQ");
                }
            }
        }
    }
}
