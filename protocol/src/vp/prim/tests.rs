use bytes::{Bytes, BytesMut};

use super::*;

#[test]
fn errors_name_the_field() {
    let error = Reader::new(&[0, 5, b'h']).string("login name").unwrap_err();
    assert_eq!(error, DecodeError::Truncated { field: "login name", needed: 5, left: 1 });
    assert_eq!(error.to_string(), "login name: needs 5 bytes, 1 are left");
}

#[test]
fn a_count_is_bounded_by_the_bytes_that_are_left() {
    let list = |count: u32, bytes: usize| {
        let payload = [&count.to_be_bytes()[..], &vec![0; bytes]].concat();
        Reader::new(&payload).list::<AwareId>("ids").map(|ids| ids.len())
    };
    assert_eq!(list(2, 12), Ok(2));
    assert_eq!(list(2, 11), Err(DecodeError::Count { field: "ids", count: 2, left: 11 }));
    assert_eq!(list(u32::MAX, 600), Err(DecodeError::Count { field: "ids", count: u32::MAX, left: 600 }));
}

#[test]
fn a_string_of_65535_bytes_is_the_longest() {
    let mut out = BytesMut::new();
    Writer::new(&mut out).string("text", &"x".repeat(65_535)).unwrap();
    assert_eq!(Reader::new(&out).string("text").unwrap().len(), 65_535);
    let error = Writer::new(&mut out).string("text", &"x".repeat(65_536)).unwrap_err();
    assert_eq!(error, EncodeError::TooLong { field: "text", len: 65_536, max: 65_535 });
}

#[test]
fn nothing_is_appended_when_encoding_fails() {
    let mut out = BytesMut::from(&b"before"[..]);
    let status = UserStatus { desc: "x".repeat(70_000), ..UserStatus::default() };
    assert!(Writer::encode(&mut out, |writer| status.write(writer)).is_err());
    assert_eq!(out, &b"before"[..]);
}

#[test]
fn opaque_fields_share_the_frame() {
    let frame = Bytes::from_static(&[0, 0, 0, 2, 7, 8, 9]);
    let mut reader = Reader::shared(&frame);
    let content = reader.opaque("data").unwrap();
    assert_eq!(content.as_ptr(), frame[4..].as_ptr());
    assert_eq!(reader.remainder(), &[9][..]);
    assert_eq!(reader.left(), 0);
}

#[test]
fn seeking_goes_only_forward_and_not_past_the_end() {
    let mut reader = Reader::new(&[1, 2, 3, 4]);
    reader.seek(2);
    reader.seek(1);
    reader.seek(5);
    assert_eq!(reader.u8("byte"), Ok(3));
}

#[test]
fn a_login_id_keeps_its_bytes() {
    let id = LoginId::from(Bytes::from_static(b"\xff\x00\x01\x02\x03-7"));
    assert_eq!(id.cipher_key(), Some([0xff, 0, 1, 2, 3]));
    assert_eq!(LoginId::from("four").cipher_key(), None);
    let login = LoginInfo { login_id: id, ..LoginInfo::default() };
    let payload = Writer::payload(|writer| login.write(writer)).unwrap();
    assert_eq!(LoginInfo::read(&mut Reader::new(&payload)), Ok(login));
}
