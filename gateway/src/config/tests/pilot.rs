use super::*;
use crate::config::Pilot;

const AWARENESS: &str = "[listen]\nhttp = [\"127.0.0.1:0\"]\n[[sso.key]]\nid = \"k\"\nformat = \"domino\"\n\
     secret_file = \"domino.secret\"\n[[community]]\nname = \"acme\"\nservers = [\"st1\"]\n\
     own_presence = \"login\"\nprivacy = \"own\"\n[[route]]\npath = \"/\"\nserve = \"awareness\"\n\
     community = \"acme\"\n";

#[test]
fn a_pilot_has_the_people_of_its_groups() {
    let folder = Folder::new();
    let Some(Pilot { people, share, state_file }) = folder.load(FULL).unwrap().pilot else { panic!("none") };
    assert_eq!(people, ["CN=Ann Example/O=Acme", "CN=Cem Example/O=Acme", "*/OU=Sales/O=Acme"]);
    assert_eq!((share, state_file), (Some(10), folder.0.join("bypass.json")));
}

#[test]
fn an_empty_group_is_nobody_and_no_group_is_everybody() {
    let folder = Folder::new();
    folder.write("nobody.group", "# nobody yet\n");
    let pilot = |lines: &str| {
        let text =
            format!("{AWARENESS}pass_to = [\"http://a\"]\n[pilot]\nstate_file = \"bypass.json\"\n{lines}");
        folder.load(&text).unwrap().pilot.unwrap()
    };
    assert_eq!(pilot("groups = [\"nobody.group\"]\n").share, Some(0));
    assert_eq!(pilot("").share, None);
}

#[test]
fn a_pilot_and_its_routes_need_each_other() {
    let folder = Folder::new();
    for (text, expected) in [
        (
            format!("{AWARENESS}pass_to = [\"http://a\"]\n"),
            "livename.toml:1: pilot: a route has pass_to; add [pilot] with state_file, where a bypass survives a restart",
        ),
        (
            format!("{AWARENESS}[pilot]\nstate_file = \"x\"\n"),
            "livename.toml:16: pilot: no route has pass_to, so nobody can be passed on",
        ),
        (
            format!("{AWARENESS}pass_to = [\"http://a\"]\n[pilot]\n"),
            "livename.toml:17: pilot.state_file: is missing; give the file in which a bypass survives a restart",
        ),
        (
            format!("{AWARENESS}pass_to = [\"http://a\"]\n[pilot]\nshare = 101\nstate_file = \"x\"\n"),
            "livename.toml:18: pilot.share: is a percentage, from 0 to 100",
        ),
        (
            format!("{AWARENESS}pass_to = [\"http://a\"]\n[pilot]\nstate_file = \"none/x\"\n"),
            "livename.toml:18: pilot.state_file: its folder does not exist",
        ),
        (
            format!("{AWARENESS}sametime_protocol = \"http\"\n"),
            "livename.toml:16: route.sametime_protocol: has no meaning with serve = \"awareness\"; it is for upstreams",
        ),
    ] {
        assert_eq!(folder.complaints(&text), [expected], "{text}");
    }
}
