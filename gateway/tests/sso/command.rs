//! `livename token inspect`, `verify` and `mint`.

use protocol::ltpa::websphere::Version;
use serde_json::Value;

use crate::support::{
    DOMINO_COOKIE, Folder, LTPA2_COOKIE, domino, domino_between, domino_key, now, piped, websphere,
    websphere_key,
};

const ROUTE: &str = "[[route]]\nhosts = [\"im.acme.example\", \"im.other.example\"]\npath = \"/\"\nupstreams = [\"http://127.0.0.1:9\"]\n";

fn site() -> (Folder, String) {
    let folder = Folder::new();
    let sso = format!(
        "[sso]\ndomain = \".acme.example\"\n{LTPA2_COOKIE}{DOMINO_COOKIE}{}{}",
        websphere_key("A"),
        domino_key(1)
    );
    let path = folder.config(&sso, ROUTE).to_str().unwrap().to_owned();
    (folder, path)
}

fn inspected(config: &str, text: &str) -> String {
    let (code, page, complaints) = piped(&["token", "inspect", "--config", config], text);
    assert_eq!((code, complaints.as_str()), (0, ""), "{page}");
    page
}

fn assert_has(page: &str, sentences: &[&str]) {
    for sentence in sentences {
        assert!(page.contains(sentence), "{sentence:?} is missing in:\n{page}");
    }
}

#[test]
fn a_good_token_is_explained() {
    let (_folder, config) = site();
    for text in [
        domino("CN=Ada Test/O=Example", 1),
        format!("LtpaToken={}", domino("CN=Ada Test/O=Example", 1)),
        format!("Cookie: a=b; LtpaToken=\"{}\"\r\n", domino("CN=Ada Test/O=Example", 1)),
    ] {
        let page = inspected(&config, &text);
        let sentences = [
            "Format: domino,",
            "User: CN=Ada Test/O=Example.\n",
            "(1 min 0 s ago).\n",
            "Expires: 20",
            "Key: d1 proves it.\n",
            "This token is valid.\n",
            "Hosts of routes that get it: im.acme.example.\n",
            "Problem: im.other.example is not below .acme.example",
        ];
        // The clock may have moved on.
        assert_has(&page.replace("(1 min 1 s ago)", "(1 min 0 s ago)"), &sentences);
        assert_eq!(page.matches("Problem:").count(), 1, "{page}");
    }
    let page = inspected(&config, &websphere(Version::Two, "uid=ada", "A"));
    let realm = "Realm: defaultWIMFileBasedRealm.\n";
    assert_has(&page, &["Format: ltpa2,", "User: uid=ada.\n", realm, "Key: A proves it.\n"]);
    let page = inspected(&config, &format!("Cookie: app=café; LtpaToken={}", domino("CN=Ada", 1)));
    assert_has(&page, &["A request with this header is accepted: LtpaToken proves CN=Ada.\n"]);
}

#[test]
fn what_is_wrong_is_one_sentence_with_what_to_do() {
    let (_folder, config) = site();
    let user = "CN=Ada Test/O=Example";
    for (text, sentences) in [
        (domino(user, 2), vec!["No configured secret gives this hash", "only claimed", "User: CN=Ada Test"]),
        (domino_between(user, 1, now() - 7200, now() - 3600), vec!["Its time is over.", "Log in again"]),
        (domino_between(user, 1, now() + 3600, now() + 7200), vec!["made in the future", "Synchronise"]),
        (websphere(Version::Two, "uid=ada", "B"), vec!["No configured key file decrypts it.", "encrypted"]),
        (format!("LtpaToken2={}", domino(user, 1)), vec!["looks like Domino's own format", "decrypts"]),
        ("ltpatoken=AAEC".to_owned(), vec!["None of the configured cookies", "case of a cookie's name"]),
        ("LtpaToken=DEL-".to_owned(), vec!["not base64"]),
    ] {
        let page = inspected(&config, &text);
        assert_has(&page, &sentences);
        assert!(page.contains("Problem: ") && page.contains("What to do: "), "{page}");
    }
}

#[test]
fn the_judgement_is_an_exit_code_and_json() {
    let (folder, config) = site();
    let file = folder.write("token", &domino("CN=Ada Test/O=Example", 1));
    let arguments = ["token", "verify", "--config", &config, file.to_str().unwrap()];
    let (code, answer, _) = piped(&arguments, "");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((code, answer["ok"].as_bool(), answer["key"].as_str()), (0, Some(true), Some("d1")));
    assert_eq!((&answer["user"], &answer["cookie"]), (&"CN=Ada Test/O=Example".into(), &"LtpaToken".into()));

    let (code, answer, _) = piped(&["token", "verify", "--config", &config], &domino("CN=Ada", 2));
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((code, answer["ok"].as_bool()), (1, Some(false)));
    assert_eq!((&answer["class"], &answer["reason"]), (&"invalid".into(), &"bad_mac".into()));

    let expired = format!("LtpaToken={}", domino_between("CN=Ada", 1, 1000, 2000));
    let (code, answer, _) = piped(&["token", "verify", "--config", &config], &expired);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((code, &answer["class"]), (1, &"expired".into()));
    let (code, ..) = piped(&["token", "verify", "--config", &config, "--now", "1500"], &expired);
    assert_eq!(code, 0);
    assert_eq!(piped(&["token", "verify", "--config", &config], "\n").0, 64);
}

#[test]
fn a_minted_token_is_accepted_and_printed_alone() {
    let (folder, config) = site();
    let path = |name: &str| folder.0.join(name).to_str().unwrap().to_owned();
    let (keys, password, secret) = (path("A.keys"), path("A.password"), path("1.secret"));
    for (more, user) in [
        (vec!["--config", config.as_str()], "CN=Zoë Łuk/O=Example"),
        (vec!["--secret-file", secret.as_str()], "CN=Ada/O=Example"),
        (vec!["--key-file", keys.as_str(), "--password-file", password.as_str()], "uid=ada,o=b"),
    ] {
        let mut arguments = vec!["token", "mint", "--user", user];
        arguments.extend(more);
        let (code, token, complaints) = piped(&arguments, "");
        assert_eq!((code, complaints.as_str(), token.lines().count()), (0, "", 1));
        let (code, answer, _) = piped(&["token", "verify", "--config", &config], &token);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((code, answer["user"].as_str()), (0, Some(user)), "{answer}");
    }
    assert_eq!(piped(&["token", "mint", "--user", "x"], "").0, 64);
    let (code, _, complaint) =
        piped(&["token", "mint", "--user", "x", "--config", &config, "--key", "A"], "");
    assert!(code == 64 && complaint.contains("no such key"), "{complaint}");
}

#[test]
fn the_name_is_spelled_as_the_gateway_would() {
    let folder = Folder::new();
    let sso = format!("[sso]\nnames = \"ldap\"\n{DOMINO_COOKIE}{}", domino_key(1));
    let config = folder.config(&sso, ROUTE).to_str().unwrap().to_owned();
    let verified = |user: &str| {
        let (code, answer, _) = piped(&["token", "verify", "--config", &config], &domino(user, 1));
        (code, serde_json::from_str::<Value>(&answer).unwrap())
    };
    let (code, answer) = verified("CN=Ada Test/O=Example");
    assert_eq!((code, &answer["user"]), (0, &"CN=Ada Test,O=Example".into()));
    // It could be somebody else's: the gateway lets nobody in by it.
    let both = "CN=Ada/O=Boss,O=Example";
    let (code, answer) = verified(both);
    assert_eq!((code, &answer["reason"]), (1, &"bad_name".into()));

    let page = inspected(&config, &format!("LtpaToken={}", domino("CN=Ada Test/O=Example", 1)));
    assert_has(
        &page,
        &["User: CN=Ada Test/O=Example.\n", "Spelled as `names` asks: CN=Ada Test,O=Example.\n"],
    );
    assert_has(&page, &["LtpaToken proves CN=Ada Test,O=Example.\n"]);
    let page = inspected(&config, &format!("LtpaToken={}", domino(both, 1)));
    assert_has(&page, &["Problem: The key is right, but the user name", "is refused: bad_name.\n"]);
    assert!(!page.contains("is valid"), "{page}");
}

/// Estates without a key: who judges, and what can be seen without being the judge.
#[test]
fn a_token_that_a_community_judges_is_explained_as_far_as_it_can_be_read() {
    let folder = Folder::new();
    let sso =
        "[sso]\ndomain = \".acme.example\"\n[sso.delegated]\ncookie = \"LtpaToken\"\ncommunity = \"acme\"\n";
    let community = "[[community]]\nname = \"acme\"\nservers = [\"127.0.0.1:9\"]\nown_presence = \"login\"\nprivacy = \"own\"\n";
    let config = folder.config(sso, &format!("{ROUTE}{community}")).to_str().unwrap().to_owned();
    let good = domino("CN=Ada Test/O=Example", 3);
    for text in [good.clone(), format!("a=b; LtpaToken={good}")] {
        let page = inspected(&config, &text);
        let sentences = [
            "only claimed, not proved.\n",
            "User: CN=Ada Test/O=Example.\n",
            "Expires: 20",
            "the community acme judges it, by a login with the token.\n",
            "Hosts of routes that get it: im.acme.example.\n",
        ];
        assert_has(&page, &sentences);
    }
    let expired = domino_between("CN=Ada", 3, now() - 7200, now() - 3600);
    assert_has(&inspected(&config, &expired), &["Problem: Its time is over."]);
    assert_has(&inspected(&config, "LtpaToken=%%%"), &["Problem: It is not base64"]);
    assert_has(&inspected(&config, "a=b"), &["Cookies that could carry a token: LtpaToken.\n"]);
    let (code, _, complaint) = piped(&["token", "verify", "--config", &config], &good);
    assert!(code == 64 && complaint.contains("judged by the community alone"), "{complaint}");
}
