//! Chats, announcements, names and stored values.

use bytes::Bytes;
use protocol::presence::Status;
use protocol::vp::message::{EncryptionChoice, EncryptionOffer};
use protocol::vp::reason::Reason;
use protocol::vp::service::Service;

use super::*;

fn chat(number: u64, target: &PersonId) -> Chat {
    let data = Bytes::from_static(b"features");
    let offer = EncryptionOffer::default();
    Chat { chat: ChatId(number), target: target.to_string(), service: Service::IM, data, offer }
}

fn closed(number: u64, reason: Reason) -> Effect {
    Effect::ChatClosed { chat: ChatId(number), reason, data: Bytes::new() }
}

#[test]
fn a_chat_is_relayed_both_ways_and_ends_for_both() {
    let mut town = Town::new(Settings::default());
    let (ann, bob) = (town.login(0), town.login(1));
    let effects = town.tell(ann, Event::OpenChat(chat(1, &town.person(1))));
    assert!(matches!(&effects[..], [(to, Effect::ChatOffered { from, .. })]
        if *to == bob && from.user == town.person(0)));
    let (id, data, choice) = (ChatId(1), Bytes::from_static(b"yes"), EncryptionChoice::default());
    let effects = town.tell(bob, Event::AcceptChat { chat: id, data, choice });
    assert!(matches!(&effects[..], [(to, Effect::ChatAccepted { by, .. })]
        if *to == ann && by.user == town.person(1)));
    for (from, to) in [(ann, bob), (bob, ann)] {
        let data = Bytes::from_static(b"hello");
        let said = Event::SendChat { chat: id, send_type: 0x64, encrypted: true, data: data.clone() };
        let heard = Effect::ChatSent { chat: id, send_type: 0x64, encrypted: true, data };
        assert_eq!(town.tell(from, said), [(to, heard)]);
    }
    assert_eq!(town.tell(ann, Event::Gone), [(bob, closed(1, Reason::PEER_OFFLINE))]);
    assert!(town.community.chats.is_empty());
}

#[test]
fn nobody_else_can_speak_in_a_chat_or_end_it() {
    let mut town = Town::new(Settings::default());
    let (ann, _bob, eve) = (town.login(0), town.login(1), town.login(2));
    town.tell(ann, Event::OpenChat(chat(1, &town.person(1))));
    let (id, data, choice) = (ChatId(1), Bytes::new(), EncryptionChoice::default());
    assert!(
        town.tell(eve, Event::AcceptChat { chat: id, data: data.clone(), choice: choice.clone() }).is_empty()
    );
    assert!(
        town.tell(ann, Event::AcceptChat { chat: id, data: data.clone(), choice: choice.clone() }).is_empty()
    );
    let said = Event::SendChat { chat: id, send_type: 0x64, encrypted: false, data: data.clone() };
    assert!(town.tell(eve, said).is_empty());
    assert!(town.tell(eve, Event::CloseChat { chat: id, reason: Reason::OK, data }).is_empty());
    assert_eq!(town.community.chats.len(), 1);
}

#[test]
fn a_chat_to_the_absent_the_hidden_and_the_busy_is_refused() {
    let mut town = Town::new(Settings::default());
    let (ann, bob) = (town.login(0), town.login(1));
    let open = |town: &mut Town, number, target: usize| {
        let target = town.person(target);
        town.tell(ann, Event::OpenChat(chat(number, &target)))
    };
    assert_eq!(open(&mut town, 1, 2), [(ann, closed(1, Reason::PEER_OFFLINE))]);
    town.status(bob, Status::Dnd, "");
    assert_eq!(open(&mut town, 2, 1), [(ann, closed(2, Reason::PEER_DND))]);
    town.hide(bob, &[0]);
    assert_eq!(open(&mut town, 3, 1), [(ann, closed(3, Reason::PEER_OFFLINE))]);
    let places = Chat { service: Service::PLACES, ..chat(4, &town.person(1)) };
    assert_eq!(town.tell(ann, Event::OpenChat(places)), [(ann, closed(4, Reason::SERVICE_UNSUPPORTED))]);
}

#[test]
fn a_chat_goes_to_the_preferred_login_then_to_the_newest_and_never_to_one_without_a_client() {
    let mut town = Town::new(Settings { preferred_types: vec![0x130e, 0x1002], ..Settings::default() });
    let ann = town.login(0);
    let connect = town.login_as(1, 0x1002);
    let light = town.login_as(1, 0x100a);
    town.login_as(1, 0);
    let offered = |town: &mut Town, number| {
        let target = town.person(1);
        town.tell(ann, Event::OpenChat(chat(number, &target)))[0].0
    };
    assert_eq!(offered(&mut town, 1), connect);
    town.community.settings_mut().preferred_types.clear();
    assert_eq!(offered(&mut town, 2), light);
}

#[test]
fn announcements_reach_every_login_of_users_and_groups_once() {
    let mut town = Town::new(Settings::default());
    let ann = town.login(0);
    let group = town.community.directory().groups()[0].clone();
    let member = (0..10).find(|index| group.members[0] == town.person(*index)).unwrap();
    let (one, two) = (town.login(member), town.login(member));
    let recipients = vec![format!("@G {}", group.name), format!("@U {}", town.person(member)), "@U x".into()];
    let announce = Event::Announce { may_reply: true, text: "Cake".into(), recipients };
    let mut told: Vec<_> = town.tell(ann, announce).into_iter().map(|(to, _)| to).collect();
    told.retain(|to| *to != ann);
    assert_eq!(told, [one, two]);
}

#[test]
fn names_are_resolved_with_the_flags_and_codes_of_the_service() {
    let mut town = Town::new(Settings::default());
    let ann = town.login(0);
    let mail = town.community.directory().people()[4].mail.clone();
    let resolve = |town: &mut Town, name: &str, flags| {
        let names = vec![name.to_owned()];
        match town.tell(ann, Event::Resolve { request: 9, names, flags }).remove(0).1 {
            Effect::Resolved { request: 9, code, mut answers } => (code, answers.remove(0)),
            other => panic!("{other:?}"),
        }
    };
    let (code, answer) = resolve(&mut town, &mail, 8);
    assert_eq!((code, answer.code, answer.matches[0].0.as_str()), (0, 0, town.person(4).as_str()));
    let (code, answer) = resolve(&mut town, "nobody", 8);
    assert_eq!((code, answer.code, answer.matches.len()), (0x0001_0000, 0, 0));
    let (code, answer) = resolve(&mut town, "off", 0x10);
    assert_eq!((code, answer.matches.len()), (0x0001_0000, 0), "groups are found by their full name");
    let group = town.community.directory().groups()[0].name.to_string();
    assert!(resolve(&mut town, &group, 0x18).1.matches[0].3);
    assert!(resolve(&mut town, &group, 8).1.matches.is_empty());

    let letter = ('a'..='z').find(|c| town.community.directory.starting_with(&c.to_string(), 9).len() > 1);
    let letter = letter.unwrap().to_string();
    let (code, answer) = resolve(&mut town, &letter, 8);
    assert_eq!((code, answer.code), (0x0001_0000, 0x8002_0000));
    assert!(answer.matches.len() > 1);
    assert!(resolve(&mut town, &letter, 9).1.matches.is_empty());
    let (code, answer) = resolve(&mut town, &letter, 10);
    assert_eq!((code, answer.code, answer.matches.len()), (0, 0, 1));
}

#[test]
fn stored_values_belong_to_the_user_and_are_bounded() {
    let mut town = Town::new(Settings { storage_bytes: 100, ..Settings::default() });
    let (ann, again, bob) = (town.login(0), town.login(0), town.login(1));
    let save = |length| Event::Save { request: 1, key: 0, value: Bytes::from(vec![7; length]) };
    assert_eq!(town.tell(ann, save(90)), [(ann, Effect::Saved { request: 1, reason: Reason::OK })]);
    let full = Effect::Saved { request: 1, reason: Reason::OUT_OF_RESOURCES };
    assert_eq!(town.tell(ann, save(101)), [(ann, full)]);
    let load = || Event::Load { request: 2, key: 0 };
    let loaded = |value| Effect::Loaded { request: 2, key: 0, value };
    assert_eq!(town.tell(again, load()), [(again, loaded(Some(Bytes::from(vec![7; 90]))))]);
    assert_eq!(town.tell(bob, load()), [(bob, loaded(None))]);
}
