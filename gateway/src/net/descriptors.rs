//! File descriptors: how many the system lets us have, and how many connections that is.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Kept back for listeners, logs, logins and files that are read.
const RESERVE: usize = 256;

/// Raises the soft limit to the hard one and says how many descriptors there are now.
///
/// Not being allowed to raise it is no error: the old limit counts then.
pub fn raise_descriptor_limit() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit.current = raised.current;
        }
    }
    limit.current.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX))
}

/// Connections of browsers that `descriptors` allow when `wanted` are configured: one each, less a reserve, and less what
/// the connections to upstreams may need. Those are so many at most, and of no use beyond one for each browser.
pub fn connection_capacity(descriptors: usize, wanted: usize, to_upstreams: usize) -> usize {
    let left = descriptors.saturating_sub(RESERVE.min(descriptors / 4));
    wanted.min(left - to_upstreams.min(left / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacity_keeps_a_reserve_and_never_exceeds_the_configuration() {
        assert_eq!(connection_capacity(20_000, 100_000, 0), 19_744);
        assert_eq!(connection_capacity(1_000_000, 100_000, 0), 100_000);
        assert_eq!(connection_capacity(100, 100_000, 0), 75);
    }

    #[test]
    fn browsers_leave_room_for_the_connections_that_they_need_upstream() {
        assert_eq!(connection_capacity(20_000, 100_000, 1_000), 18_744);
        assert_eq!(connection_capacity(20_000, 100_000, 16_384), 9_872);
        assert_eq!(connection_capacity(320, 100_000, 16_384), 120);
    }

    #[test]
    fn raising_twice_gives_the_same_limit() {
        assert_eq!(raise_descriptor_limit(), raise_descriptor_limit());
    }
}
