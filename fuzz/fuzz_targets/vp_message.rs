//! A message that was decoded is encoded to bytes that mean the same, and that do not change any more.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use protocol::vp::message::{AcceptedLogin, Message};
use protocol::vp::prim::EncodeError;

fuzz_target!(|input: &[u8]| {
    let frame = Bytes::copy_from_slice(input);
    let tolerant = AcceptedLogin::decode(&frame);
    let Ok((header, message)) = Message::decode(&frame) else { return };
    if let Message::LoginAck(ack) = &message {
        let Ok(Some((_, accepted))) = tolerant else { panic!("the tolerant reader is stricter") };
        assert_eq!((accepted.login, accepted.status.as_ref()), (ack.login.clone(), Some(&ack.status)));
    }
    let mut encoded = BytesMut::new();
    match message.encode(&header, &mut encoded) {
        Ok(()) => {}
        // Replacing bad text makes it longer: up to three bytes for one.
        Err(EncodeError::TooLong { .. }) if input.len() > 0xffff / 3 => return,
        Err(error) => panic!("{error}"),
    }
    let again = Message::decode(&encoded.clone().freeze()).expect("we can read what we write");
    assert_eq!(again, (header, message));
    let mut repeated = BytesMut::new();
    again.1.encode(&again.0, &mut repeated).expect("it was encoded before");
    assert_eq!(repeated, encoded);
});
