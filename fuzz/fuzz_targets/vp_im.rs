//! What is said in a chat, and what begins one, is encoded to bytes that mean the same, and is never longer than what
//! came.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use protocol::vp::im::{Invitation, Said, Welcome};
use protocol::vp::prim::EncodeError;

fuzz_target!(|payload: &[u8]| {
    if let Ok(said) = Said::decode(payload) {
        match &said {
            // Replacing bad text makes it longer: up to three bytes for one.
            Said::Text(text) => assert!(text.len() <= 3 * payload.len()),
            Said::Other { data, .. } => assert!(data.len() <= payload.len()),
            Said::Typing(_) => {}
        }
        if let Some(encoded) = encoded(said.encode().map(|(_, data)| data), payload) {
            assert_eq!(Said::decode(&encoded), Ok(said));
        }
    }
    if let Ok(invitation) = Invitation::decode(payload)
        && let Some(encoded) = encoded(invitation.encode(), payload)
    {
        assert_eq!(Invitation::decode(&encoded), Ok(invitation));
    }
    if let Ok(welcome) = Welcome::decode(payload)
        && let Some(encoded) = encoded(welcome.encode(), payload)
    {
        assert_eq!(Welcome::decode(&encoded), Ok(welcome));
    }
});

fn encoded(result: Result<Bytes, EncodeError>, payload: &[u8]) -> Option<Bytes> {
    match result {
        Ok(encoded) => Some(encoded),
        Err(EncodeError::TooLong { .. }) if payload.len() > 0xffff / 3 => None,
        Err(error) => panic!("{error}"),
    }
}
