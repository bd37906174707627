//! Which requests are streams that may stay open for ever: they have no time limit of ours and are never
//! sent twice, whatever the route says (browser-side.md 2.4 and 4).

/// The HTTP tunnels of the Java clients. Their bytes are nobody's business, whatever content type they claim.
const TUNNELS: [&str; 3] = ["CommunityCBR", "MeetingCBR", "BroadcastCBR"];
/// The event poll of the Sametime Proxy, whose answers are JSON.
const POLLS: [&str; 1] = ["RTCServlet"];

pub(super) fn is_endless(path: &str) -> bool {
    is_tunnel(path) || has_segment(path, &POLLS)
}

/// Passes untouched in both directions.
pub(super) fn is_tunnel(path: &str) -> bool {
    has_segment(path, &TUNNELS)
}

/// Clients write them in both spellings, so case does not count.
fn has_segment(path: &str, names: &[&str]) -> bool {
    path.split('/').any(|segment| names.iter().any(|name| name.eq_ignore_ascii_case(segment)))
}

#[cfg(test)]
mod tests {
    use super::{is_endless, is_tunnel};

    #[test]
    fn streams_are_known_by_a_segment_of_their_path() {
        for path in ["/CommunityCBR", "/communityCBR/CC.39.1", "/st01/CommunityCBR/x", "/stwebapi/RTCServlet"]
        {
            assert!(is_endless(path), "{path}");
            assert_eq!(is_tunnel(path), !path.contains("RTC"), "{path}");
        }
        for path in ["/", "/CommunityCBRs", "/stwebapi/presence", "/x?CommunityCBR"] {
            assert!(!is_endless(path), "{path}");
        }
    }
}
