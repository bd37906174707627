use super::*;
use crate::vp::prim::LoginInfo;

fn login_ack() -> (LoginInfo, BytesMut) {
    let login = LoginInfo { login_id: "A1B2C3D4:7".into(), user_id: "CN=Ann".into(), ..LoginInfo::default() };
    let ack = LoginAck { login: login.clone(), ..LoginAck::default() };
    let mut out = BytesMut::new();
    Message::LoginAck(ack).encode(&Header::master(), &mut out).unwrap();
    (login, out)
}

#[test]
fn a_client_takes_a_login_ack_with_a_tail_it_does_not_know() {
    let (login, whole) = login_ack();
    // Header, login info and the first byte of the tail.
    let tail = 13 + 2;
    let cut = whole.clone().split_to(whole.len() - tail + 1).freeze();
    assert!(Message::decode(&cut).is_err());
    let accepted = AcceptedLogin { login: login.clone(), privacy: None, status: None };
    assert_eq!(AcceptedLogin::decode(&cut), Ok(Some((Header::master(), accepted))));

    let accepted =
        AcceptedLogin { login, privacy: Some(PrivacyInfo::default()), status: Some(UserStatus::default()) };
    assert_eq!(AcceptedLogin::decode(&whole.freeze()), Ok(Some((Header::master(), accepted))));
}

#[test]
fn a_login_ack_without_its_login_info_is_refused() {
    let (_, mut whole) = login_ack();
    assert!(AcceptedLogin::decode(&whole.split_to(20).freeze()).is_err());
    let admin = Bytes::from_static(&[0, 0x19, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(AcceptedLogin::decode(&admin), Ok(None));
}

#[test]
fn the_home_servers_id_may_be_missing_or_be_a_version() {
    for tail in [&[][..], &[0, 3, 0, 0], &[0, 0, 0, 3]] {
        let frame = [&[0, 0x18, 0, 0, 0, 0, 0, 0, 0, 3][..], b"st2", tail].concat();
        let redirect = LoginRedirect { host: "st2".into(), server_id: String::new() };
        assert_eq!(
            Message::decode(&frame.into()),
            Ok((Header::master(), Message::LoginRedirect(redirect))),
            "{tail:?}"
        );
    }
}

#[test]
fn a_message_that_cannot_be_sent_leaves_nothing_behind() {
    let mut out = BytesMut::new();
    let admin = Message::Admin("x".repeat(65_536));
    assert!(admin.encode_frame(&Header::master(), &mut out).is_err());
    assert!(out.is_empty());
}

#[test]
fn credentials_are_not_shown() {
    let login = Login { name: "ann".into(), auth_data: "s3cret".into(), ..Login::default() };
    assert!(!format!("{:?}", Message::Login(login)).contains("s3cret"));
}

#[test]
fn channel_ids_tell_their_side() {
    assert!(ChannelId(0x8000_0001).is_server_side());
    assert!(!ChannelId(1).is_server_side());
    assert_eq!(ChannelId(0x8000_0001).to_string(), "0x80000001");
}
