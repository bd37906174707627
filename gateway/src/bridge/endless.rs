//! Which requests are streams that may stay open for ever: they have no time limit of ours and are never
//! sent twice, whatever the route says (browser-side.md 2.4 and 4).

/// The HTTP tunnels of the Java clients, and the event poll of the Sametime Proxy.
const STREAMS: [&str; 4] = ["CommunityCBR", "MeetingCBR", "BroadcastCBR", "RTCServlet"];

/// By a segment of the path. Clients write them in both spellings, so case does not count.
pub(super) fn is_endless(path: &str) -> bool {
    path.split('/').any(|segment| STREAMS.iter().any(|stream| stream.eq_ignore_ascii_case(segment)))
}

#[cfg(test)]
mod tests {
    use super::is_endless;

    #[test]
    fn streams_are_known_by_a_segment_of_their_path() {
        for path in ["/CommunityCBR", "/communityCBR/CC.39.1", "/st01/CommunityCBR/x", "/stwebapi/RTCServlet"]
        {
            assert!(is_endless(path), "{path}");
        }
        for path in ["/", "/CommunityCBRs", "/stwebapi/presence", "/x?CommunityCBR"] {
            assert!(!is_endless(path), "{path}");
        }
    }
}
