//! Admission, several logins of one person, and what is kept per user.

use std::collections::BTreeSet;

use protocol::presence::Status;
use protocol::secret::Secret;
use protocol::vp::reason::Reason;

use super::*;

fn refused(effects: &[(LoginId, Effect)]) -> Option<Reason> {
    effects.iter().find_map(|(_, effect)| match effect {
        Effect::Refused(reason) => Some(*reason),
        _ => None,
    })
}

#[test]
fn a_wrong_password_an_unknown_name_and_a_closed_type_are_refused_with_their_reasons() {
    let mut town = Town::new(Settings { allowed_types: BTreeSet::from([0x1002]), ..Settings::default() });
    let wish = LogIn { proof: Proof::Password(Secret::from("wrong")), ..town.wish(0, 0x1002) };
    assert_eq!(refused(&town.try_login(wish).1), Some(Reason::INCORRECT_LOGIN));
    let wish = LogIn { name: "nobody".into(), ..town.wish(0, 0x1002) };
    assert_eq!(refused(&town.try_login(wish).1), Some(Reason::INCORRECT_LOGIN));
    assert_eq!(refused(&town.try_login(town.wish(0, 0x100a)).1), Some(Reason::USER_RESTRICTED));
    town.community.set_verification(false);
    assert_eq!(refused(&town.try_login(town.wish(0, 0x1002)).1), Some(Reason::VERIFICATION_DOWN));
    assert_eq!(town.community.logins().count(), 0);
}

#[test]
fn a_token_for_somebody_else_is_not_trusted_and_an_empty_name_is_its_user() {
    let mut town = Town::new(Settings::default());
    let user = town.person(1).to_string();
    let vouched = |name: &str, town: &Town| LogIn {
        name: name.into(),
        proof: Proof::Vouched(user.clone()),
        ..town.wish(0, 0x14b4)
    };
    let other = town.person(0).to_string();
    assert_eq!(refused(&town.try_login(vouched(&other, &town)).1), Some(Reason::USER_NOT_TRUSTED));
    assert_eq!(refused(&town.try_login(vouched("", &town)).1), None);
    assert_eq!(town.community.presence(&town.person(1), None).status, Status::Active);
}

#[test]
fn anonymous_people_get_in_under_a_name_of_their_choice_if_allowed() {
    let mut town = Town::new(Settings::default());
    let wish = LogIn { name: "Visitor".into(), proof: Proof::Anonymous, ..town.wish(0, 0x1899) };
    let (login, effects) = town.try_login(wish.clone());
    assert!(matches!(&effects[0].1, Effect::Admitted { card, .. } if card.name == "Visitor"));
    town.tell(login, Event::Gone);
    assert!(town.community.guests.is_empty());
    town.community.settings_mut().anonymous = false;
    assert_eq!(refused(&town.try_login(wish).1), Some(Reason::USER_RESTRICTED));
}

#[test]
fn a_single_login_server_ends_the_earlier_login_unless_its_type_is_excluded() {
    let excluded_types = BTreeSet::from([0x14b8]);
    let mut town = Town::new(Settings { single_login: true, excluded_types, ..Settings::default() });
    let watcher = town.login(1);
    town.watch(watcher, &[town.id(0)]);
    let beside = town.login_as(0, 0x14b8);
    let first = town.login_as(0, 0x1002);
    let (second, effects) = town.try_login(town.wish(0, 0x130e));
    assert!(effects.contains(&(first, Effect::Kicked(Reason::OTHER_COMPUTER))));
    assert!(seen(&effects, watcher).is_empty(), "the person stays online, nobody sees a flicker");
    let person = town.person(0);
    assert_eq!(town.community.logins_of(&person).collect::<Vec<_>>(), [beside, second]);
}

#[test]
fn a_status_belongs_to_the_user_and_is_adopted_by_the_next_login() {
    let mut town = Town::new(Settings::default());
    let (first, second) = (town.login(0), town.login(0));
    let effects = town.status(first, Status::Dnd, "writing");
    let echo = Effect::StatusEcho(UserStatus::new(Status::Dnd, "writing"));
    assert_eq!(effects, [(first, echo.clone()), (second, echo)]);
    let (_, effects) = town.try_login(town.wish(0, 0x100a));
    let Effect::Admitted { status, .. } = &effects[0].1 else { panic!("{effects:?}") };
    assert_eq!(*status, UserStatus::new(Status::Dnd, "writing"));
}

#[test]
fn the_status_ends_with_the_last_login_and_the_privacy_list_stays() {
    let mut town = Town::new(Settings::default());
    let (first, second) = (town.login(0), town.login(0));
    town.status(first, Status::Away, "out");
    town.hide(first, &[3]);
    town.tell(first, Event::Gone);
    let person = town.person(0);
    assert_eq!(town.community.presence(&person, None).status, Status::Away);
    town.tell(second, Event::Gone);
    assert_eq!(town.community.presence(&person, None).status, Status::Offline);
    let (_, effects) = town.try_login(town.wish(0, 0x100a));
    let Effect::Admitted { status, privacy, .. } = &effects[0].1 else { panic!("{effects:?}") };
    assert_eq!(*status, UserStatus::new(Status::Active, ""));
    assert_eq!(privacy.people, [town.person(3)]);
}

#[test]
fn a_person_of_another_home_server_is_redirected_and_may_continue_or_not() {
    let servers = vec![
        Server::default(),
        Server { id: "CN=st2/O=Renovation".into(), host: "st2.renovation.example".into() },
    ];
    let mut town = Town::new(Settings { servers, ..Settings::default() });
    assert!(town.community.set_home(&town.person(0), "CN=st2/O=Renovation"));
    let (login, effects) = town.try_login(town.wish(0, 0x1002));
    let (host, server) = ("st2.renovation.example".to_owned(), "CN=st2/O=Renovation".to_owned());
    assert_eq!(effects, [(login, Effect::Redirected { host, server })]);
    let effects = town.tell(login, Event::Continue);
    assert!(matches!(&effects[0].1, Effect::Admitted { card, .. } if card.server == "CN=st2/O=Renovation"));

    town.community.settings_mut().reject_forwarded = true;
    let (login, _) = town.try_login(town.wish(0, 0x1002));
    assert_eq!(refused(&town.tell(login, Event::Continue)), Some(Reason::CONNECT_ELSEWHERE));
    let direct = LogIn { server: "CN=st2/O=Renovation".into(), ..town.wish(0, 0x1002) };
    assert!(matches!(town.try_login(direct).1[0].1, Effect::Admitted { .. }));
}

#[test]
fn a_full_server_says_so() {
    let mut town = Town::new(Settings { max_logins: 1, ..Settings::default() });
    town.login(0);
    assert_eq!(refused(&town.try_login(town.wish(1, 0x1002)).1), Some(Reason::SERVER_FULL));
}
