//! Watches, privacy, groups and attributes.

use bytes::Bytes;
use protocol::presence::Status;

use super::*;

#[test]
fn every_id_of_a_watch_is_answered_exactly_as_asked_and_unknown_ones_are_offline() {
    let mut town = Town::new(Settings::default());
    let (viewer, _) = (town.login(0), town.login(1));
    let shouting = WatchId::user(&town.person(1).as_str().to_uppercase());
    let elsewhere = WatchId { community: "other.example".into(), ..town.id(1) };
    let stranger = WatchId::user("CN=Nobody/O=Nowhere");
    let effects = town.watch(viewer, &[shouting.clone(), town.id(2), stranger.clone(), elsewhere.clone()]);
    let told: Vec<_> = seen(&effects, viewer).into_iter().map(|(id, status, _)| (id, status)).collect();
    let expected = [
        (shouting, Status::Active),
        (town.id(2), Status::Offline),
        (stranger, Status::Offline),
        (elsewhere, Status::Offline),
    ];
    assert_eq!(told, expected);
}

#[test]
fn changes_reach_the_watchers_and_nobody_else() {
    let mut town = Town::new(Settings::default());
    let (viewer, bystander) = (town.login(0), town.login(1));
    town.watch(viewer, &[town.id(2)]);
    town.watch(bystander, &[town.id(3)]);
    let (subject, effects) = town.try_login(town.wish(2, 0x1002));
    assert_eq!(seen(&effects, viewer), [(town.id(2), Status::Active, String::new())]);
    let effects = town.status(subject, Status::Meeting, "until 3");
    assert_eq!(seen(&effects, viewer), [(town.id(2), Status::Meeting, "until 3".to_owned())]);
    assert!(seen(&effects, bystander).is_empty());
    let effects = town.status(subject, Status::Meeting, "until 3");
    assert!(seen(&effects, viewer).is_empty(), "nothing changed");
    let effects = town.tell(subject, Event::Gone);
    assert_eq!(seen(&effects, viewer), [(town.id(2), Status::Offline, String::new())]);
    town.tell(viewer, Event::Unwatch(vec![town.id(2)]));
    assert!(seen(&town.try_login(town.wish(2, 0x1002)).1, viewer).is_empty());
}

#[test]
fn several_logins_of_one_person_are_one_presence() {
    let mut town = Town::new(Settings::default());
    let viewer = town.login(0);
    town.watch(viewer, &[town.id(1)]);
    let first = town.login(1);
    let (_, effects) = town.try_login(town.wish(1, 0x100a));
    assert!(seen(&effects, viewer).is_empty());
    assert!(seen(&town.tell(first, Event::Gone), viewer).is_empty());
}

#[test]
fn a_hidden_person_is_offline_to_the_viewer_and_changes_of_the_list_are_seen() {
    let mut town = Town::new(Settings::default());
    let (viewer, other, subject) = (town.login(0), town.login(1), town.login(2));
    for login in [viewer, other, subject] {
        town.watch(login, &[town.id(2)]);
    }
    let effects = town.hide(subject, &[0]);
    assert_eq!(seen(&effects, viewer), [(town.id(2), Status::Offline, String::new())]);
    assert!(seen(&effects, other).is_empty());
    assert!(effects.iter().any(|(to, effect)| *to == subject && matches!(effect, Effect::PrivacyEcho(_))));

    let effects = town.status(subject, Status::Away, "x");
    assert!(seen(&effects, viewer).is_empty(), "a hidden change leaks");
    assert_eq!(seen(&effects, other).len(), 1);
    assert_eq!(seen(&effects, subject).len(), 1, "people see themselves");

    let only = PrivacyList { deny: false, people: vec![town.person(0)] };
    let effects = town.tell(subject, Event::SetPrivacy(only));
    assert_eq!(seen(&effects, viewer), [(town.id(2), Status::Away, "x".to_owned())]);
    assert_eq!(seen(&effects, other), [(town.id(2), Status::Offline, String::new())]);
    let (subject, viewer, other) = (town.person(2), town.person(0), town.person(1));
    assert_eq!(town.community.presence(&subject, Some(&viewer)).status, Status::Away);
    assert_eq!(town.community.presence(&subject, Some(&other)).status, Status::Offline);
    assert_eq!(town.community.presence(&subject, None).status, Status::Offline);
}

#[test]
fn a_group_is_announced_and_its_members_follow_with_its_name() {
    let mut town = Town::new(Settings::default());
    let viewer = town.login(0);
    let group = town.community.directory().groups()[0].clone();
    let effects = town.watch(viewer, &[WatchId::group(&group.name)]);
    assert_eq!(effects[0].1, Effect::GroupKnown(WatchId::group(&group.name)));
    let Effect::Snapshot(members) = &effects[1].1 else { panic!("{effects:?}") };
    assert!(members.iter().all(|member| member.group == group.name));
    let ids: Vec<_> = members.iter().map(|member| member.id.user.to_string()).collect();
    assert_eq!(ids, group.members.iter().map(|member| member.to_string()).collect::<Vec<_>>());
    assert_eq!(town.community.watch_count(viewer), 1);

    town.tell(viewer, Event::Unwatch(vec![WatchId::group(&group.name)]));
    assert!(town.community.accounts.iter().all(|account| account.watchers.is_empty()));

    town.community.settings_mut().group_members = group.members.len() - 1;
    let effects = town.watch(viewer, &[WatchId::group(&group.name)]);
    assert_eq!(effects.len(), 1, "a group that is too large looks empty: {effects:?}");
}

#[test]
fn ids_above_the_cap_are_ignored_and_announced_once_if_wanted() {
    let settings = Settings { subscription_cap: Some(2), announce_cap: true, ..Settings::default() };
    let mut town = Town::new(settings);
    let viewer = town.login(0);
    let ids: Vec<_> = (1..5).map(|index| town.id(index)).collect();
    let effects = town.watch(viewer, &ids);
    assert_eq!(seen(&effects, viewer).len(), 2);
    assert_eq!(effects.iter().filter(|(_, effect)| matches!(effect, Effect::Announced(_))).count(), 1);
    assert_eq!(town.watch(viewer, &ids[3..]).len(), 0, "silence");
    assert_eq!(seen(&town.watch(viewer, &ids[..1]), viewer).len(), 1, "watched already: answered again");
    town.tell(viewer, Event::Unwatch(ids[..1].to_vec()));
    assert_eq!(seen(&town.watch(viewer, &ids[3..]), viewer).len(), 1, "room again");
}

#[test]
fn attributes_reach_those_who_watch_the_key_and_see_the_person() {
    let mut town = Town::new(Settings::default());
    let (viewer, subject) = (town.login(0), town.login(1));
    town.watch(viewer, &[town.id(1)]);
    let value = Bytes::from_static(b"\x00\x01");
    assert!(town.tell(subject, Event::SetAttribute { key: 4, value: value.clone() }).is_empty());
    let set = Effect::AttributeSet { id: town.id(1), key: 4, value: value.clone() };
    assert_eq!(town.tell(viewer, Event::WatchAttributes(vec![4])), [(viewer, set.clone())]);
    town.hide(subject, &[0]);
    assert!(town.tell(subject, Event::UnsetAttribute(4)).is_empty());
    assert!(town.tell(subject, Event::SetAttribute { key: 4, value }).is_empty());
    assert!(town.hide(subject, &[]).contains(&(viewer, set)));
    let unset = Effect::AttributeUnset { id: town.id(1), key: 4 };
    assert_eq!(town.tell(subject, Event::UnsetAttribute(4)), [(viewer, unset)]);
}

#[test]
fn nothing_is_left_of_a_login_that_is_gone() {
    let mut town = Town::new(Settings::default());
    let viewer = town.login(0);
    let group = WatchId::group(&town.community.directory().groups()[0].name.clone());
    town.watch(viewer, &[town.id(1), group, WatchId::user("nobody")]);
    town.tell(viewer, Event::Gone);
    assert!(town.community.accounts.iter().all(|account| account.watchers.is_empty()));
    assert_eq!(town.community.logins().count(), 0);
}

#[test]
fn losing_the_awareness_service_drops_the_watches_and_its_return_is_told_to_who_asked() {
    let mut town = Town::new(Settings::default());
    let viewer = town.login(0);
    town.watch(viewer, &[town.id(1)]);
    let effects: Vec<_> = town.community.set_service(0x11, false).into_iter().collect();
    assert_eq!(effects, [(viewer, Effect::ServiceLost(0x11))]);
    assert_eq!(town.community.watch_count(viewer), 0);
    assert!(town.tell(viewer, Event::Sense(0x11)).is_empty());
    let effects: Vec<_> = town.community.set_service(0x11, true).into_iter().collect();
    assert_eq!(effects, [(viewer, Effect::ServiceUp(0x11))]);
    assert_eq!(town.tell(viewer, Event::Sense(0x11)), [(viewer, Effect::ServiceUp(0x11))]);
}

#[test]
fn ten_thousand_watches_of_each_of_ten_logins_stay_quick() {
    let directory = Directory::invented(20_000, 2);
    let ids: Vec<_> =
        directory.people().iter().take(10_000).map(|person| WatchId::user(person.id.as_str())).collect();
    let mut town = Town { community: Community::new(directory, Settings::default()), next: 0 };
    let begun = std::time::Instant::now();
    for index in 0..10 {
        let viewer = town.login(index);
        assert_eq!(seen(&town.watch(viewer, &ids), viewer).len(), 10_000);
    }
    let subject = town.login(9_999);
    for round in 0..1_000 {
        let effects = town.status(subject, Status::Away, &round.to_string());
        assert_eq!(effects.len(), 11);
    }
    // A scan of all watches per change would take minutes.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
