//! An awareness payload that was decoded is encoded to bytes that mean the same, and a snapshot holds no more
//! blocks than its bytes can. The first two input bytes are the send type.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use protocol::vp::awareness::{ToClient, ToServer};
use protocol::vp::prim::EncodeError;

/// The fewest bytes of a block, its end offset included.
const BLOCK: usize = 13;

fuzz_target!(|input: &[u8]| {
    let Some((send_type, payload)) = input.split_first_chunk() else { return };
    let send_type = u16::from_be_bytes(*send_type);
    if let Ok(decoded) = ToClient::decode(send_type, payload) {
        if let ToClient::Snapshot(blocks) = &decoded {
            assert!(blocks.len() * BLOCK <= payload.len());
            assert!(blocks.iter().map(|block| block.id.user.len()).sum::<usize>() <= 3 * payload.len());
        }
        if let Some((send_type, encoded)) = encoded(decoded.encode(), payload) {
            assert_eq!(ToClient::decode(send_type, &encoded), Ok(decoded));
        }
    }
    if let Ok(decoded) = ToServer::decode(send_type, payload)
        && let Some((send_type, encoded)) = encoded(decoded.encode(), payload)
    {
        assert_eq!(ToServer::decode(send_type, &encoded), Ok(decoded));
    }
});

fn encoded(result: Result<(u16, Bytes), EncodeError>, payload: &[u8]) -> Option<(u16, Bytes)> {
    match result {
        Ok(encoded) => Some(encoded),
        // Replacing bad text makes it longer: up to three bytes for one.
        Err(EncodeError::TooLong { .. }) if payload.len() > 0xffff / 3 => None,
        Err(error) => panic!("{error}"),
    }
}
