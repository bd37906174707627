//! `[limits]`, `[log]` and `[community.tuning]`: numbers and durations within bounds.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::section::Section;
use crate::config::{CommunityTuning, Limits, Log};
use crate::telemetry;

/// A count may not be zero, and not so large that a mistyped number goes unnoticed.
const COUNT: RangeInclusive<usize> = 1..=10_000_000;
const BYTES: RangeInclusive<usize> = 1024..=16 << 20;

pub(super) fn limits(section: &Section<'_>) -> Limits {
    let defaults = Limits::default();
    Limits {
        connections: section.within("connections", defaults.connections, COUNT),
        connections_per_address: section.within(
            "connections_per_address",
            defaults.connections_per_address,
            COUNT,
        ),
        header_bytes: section.within("header_bytes", defaults.header_bytes, BYTES),
        head_timeout: section.within("head_timeout", defaults.head_timeout, up_to(600)),
        tls_handshake_timeout: section.within(
            "tls_handshake_timeout",
            defaults.tls_handshake_timeout,
            up_to(600),
        ),
        idle_timeout: section.within("idle_timeout", defaults.idle_timeout, up_to(86_400)),
        message_bytes: section.within("message_bytes", defaults.message_bytes, BYTES),
        watches_per_session: section.within("watches_per_session", defaults.watches_per_session, COUNT),
        sessions_per_user: section.within("sessions_per_user", defaults.sessions_per_user, COUNT),
        session_grace: section.within(
            "session_grace",
            defaults.session_grace,
            Duration::ZERO..=Duration::from_secs(86_400),
        ),
        login_tries_per_name: section.within("login_tries_per_name", defaults.login_tries_per_name, COUNT),
        login_tries_per_address: section.within(
            "login_tries_per_address",
            defaults.login_tries_per_address,
            COUNT,
        ),
        lane_messages: section.within("lane_messages", defaults.lane_messages, COUNT),
        drain: section.within("drain", defaults.drain, Duration::ZERO..=Duration::from_secs(86_400)),
        trusted_proxies: section.list("trusted_proxies").into_iter().map(|given| given.value).collect(),
    }
}

pub(super) fn log(section: &Section<'_>) -> Log {
    let defaults = Log::default();
    let log =
        Log { format: section.or("format", defaults.format), level: section.or("level", defaults.level) };
    if let Err(error) = telemetry::log::check_filter(&log.level) {
        section.wrong("level", error.to_string());
    }
    log
}

pub(super) fn tuning(section: &Section<'_>) -> CommunityTuning {
    let defaults = CommunityTuning::default();
    let (first, longest) = defaults.backoff;
    let tuning = CommunityTuning {
        batch: section.within("batch", defaults.batch, 1..=10_000),
        batches_in_flight: section.within("batches_in_flight", defaults.batches_in_flight, 1..=1_000),
        watches_per_login: section.value::<usize>("watches_per_login").map(|given| given.value),
        linger: section.within("linger", defaults.linger, Duration::ZERO..=Duration::from_secs(86_400)),
        unknown_after: section.within(
            "unknown_after",
            defaults.unknown_after,
            Duration::ZERO..=Duration::from_secs(3_600),
        ),
        answer_timeout: section.within("answer_timeout", defaults.answer_timeout, up_to(3_600)),
        connect_timeout: section.within("connect_timeout", defaults.connect_timeout, up_to(600)),
        login_timeout: section.within("login_timeout", defaults.login_timeout, up_to(600)),
        backoff: (
            section.within("backoff_first", first, up_to(86_400)),
            section.within("backoff_longest", longest, up_to(86_400)),
        ),
        logins_per_second: section.within("logins_per_second", defaults.logins_per_second, 1..=100_000),
        keepalive: section.within("keepalive", defaults.keepalive, up_to(86_400)),
    };
    if tuning.watches_per_login == Some(0) {
        section.wrong(
            "watches_per_login",
            "a login has to hold at least 1 watch; leave the key out for no limit",
        );
    }
    if tuning.backoff.0 > tuning.backoff.1 {
        section.wrong("backoff_first", "is longer than backoff_longest");
    }
    tuning
}

fn up_to(seconds: u64) -> RangeInclusive<Duration> {
    Duration::from_millis(1)..=Duration::from_secs(seconds)
}
