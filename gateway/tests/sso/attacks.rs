//! The attacks of ltpa.md 9, as a browser would try them on the real program.

use protocol::ltpa::websphere::Version;

use crate::support::{
    Answer, DOMINO_COOKIE, Folder, LTPA2_COOKIE, Program, domino, domino_between, domino_key, mirror, now,
    vectors, websphere, websphere_key, websphere_until,
};

const ADA: &str = "CN=Ada Test/O=Example";

/// `/` needs a token of either cookie.
fn site() -> (Folder, Program) {
    let folder = Folder::new();
    let sso = format!("{LTPA2_COOKIE}{DOMINO_COOKIE}{}{}", websphere_key("A"), domino_key(1));
    let route = format!("[[route]]\npath = \"/\"\nupstreams = [\"http://{}\"]\n", mirror());
    folder.config(&sso, &route);
    let program = folder.start();
    (folder, program)
}

fn shown(program: &Program, cookies: &str) -> Answer {
    program.get("/x", &[("Cookie", cookies)])
}

/// What an attacker sees, without what differs between any two answers.
fn face(answer: Answer) -> Answer {
    let headers = answer.headers.into_iter().filter(|(name, _)| name != "x-request-id" && name != "date");
    Answer { headers: headers.collect(), ..answer }
}

/// The text with the character at `at` replaced by another one of the alphabet.
fn flipped(token: &str, at: usize) -> String {
    let mut changed = token.to_owned();
    changed.replace_range(at..=at, if &token[at..=at] == "A" { "B" } else { "A" });
    changed
}

#[test]
fn every_refusal_has_one_face() {
    let (_folder, program) = site();
    let (old, two) = (domino(ADA, 1), websphere(Version::Two, "uid=ada", "A"));
    let stripped = &two[..two.len() / 8 * 4];
    let attacks = [
        ("nothing", String::new()),
        ("expired", format!("LtpaToken={}", domino_between(ADA, 1, now() - 7200, now() - 3600))),
        ("future", format!("LtpaToken={}", domino_between(ADA, 1, now() + 3600, now() + 7200))),
        (
            "expired ltpa2",
            format!("LtpaToken2={}", websphere_until(Version::Two, "uid=ada", "A", now() - 100)),
        ),
        ("changed creation", format!("LtpaToken={}", flipped(&old, 8))),
        ("changed expiration", format!("LtpaToken={}", flipped(&old, 18))),
        ("changed name", format!("LtpaToken={}", flipped(&old, 34))),
        ("changed hash", format!("LtpaToken={}", flipped(&old, old.len() - 8))),
        ("truncated", format!("LtpaToken={}", &old[..40])),
        ("wrong secret", format!("LtpaToken={}", domino(ADA, 2))),
        ("wrong key", format!("LtpaToken2={}", websphere(Version::Two, "uid=ada", "B"))),
        ("base64 with spare bits", format!("LtpaToken={}", old.replace("=", "").to_lowercase())),
        ("url alphabet", "LtpaToken=AAECA_-_".to_owned()),
        ("huge", format!("LtpaToken={}", "A".repeat(40_000))),
        ("version 1 as version 2", format!("LtpaToken2={}", websphere(Version::One, "uid=ada", "A"))),
        ("version 2 as Domino", format!("LtpaToken={two}")),
        ("Domino as version 2", format!("LtpaToken2={old}")),
        ("first block", format!("LtpaToken2={}", flipped(&two, 2))),
        ("padding oracle: last block", format!("LtpaToken2={}", flipped(&two, two.len() - 6))),
        ("padding oracle: last but one", format!("LtpaToken2={}", flipped(&two, two.len() - 30))),
        ("cut to whole blocks", format!("LtpaToken2={}", &two[..two.len() - 64])),
        ("signature cut off", format!("LtpaToken2={stripped}")),
        ("control characters", format!("LtpaToken={}", domino("CN=Ada\r\nX: y", 1))),
        ("mixed users", format!("LtpaToken={}; LtpaToken2={two}", domino("CN=Bob", 1))),
        ("cookie name in another case", format!("ltpatoken={old}")),
    ];
    let expected = face(shown(&program, ""));
    assert_eq!(expected.status, 401);
    for (attack, cookies) in attacks {
        assert_eq!(face(shown(&program, &cookies)), expected, "{attack}");
    }
    assert_eq!(shown(&program, &format!("LtpaToken={old}")).status, 200);
    assert_eq!(shown(&program, &format!("LtpaToken2={two}")).status, 200);
}

#[test]
fn the_reason_is_in_the_metrics_only() {
    let (_folder, program) = site();
    shown(&program, &format!("LtpaToken={}", domino(ADA, 2)));
    shown(&program, &format!("LtpaToken2={}", websphere(Version::Two, "uid=ada", "B")));
    shown(&program, &format!("LtpaToken2={}", websphere(Version::Two, "uid=ada", "A")));
    for (format, outcome) in [("domino", "bad_mac"), ("ltpa2", "undecryptable"), ("ltpa2", "ok")] {
        let series = format!("livename_token_checks_total{{format=\"{format}\",outcome=\"{outcome}\"}}");
        // A wrong key can decrypt to good padding by chance: 1 in 256.
        let also = series.replace("undecryptable", "bad_body");
        assert_eq!(program.metric(&series).max(program.metric(&also)), 1, "{series}");
    }
    assert_eq!(program.metric("livename_token_verification_seconds_count{format=\"ltpa2\"}"), 2);
}

#[test]
fn of_duplicate_cookies_the_valid_one_counts_and_two_users_never() {
    let (_folder, program) = site();
    let (ada, forged) = (domino(ADA, 1), domino("CN=Admin", 2));
    assert_eq!(shown(&program, &format!("LtpaToken={forged}; LtpaToken={ada}")).status, 200);
    assert_eq!(shown(&program, &format!("LtpaToken={ada}; LtpaToken={forged}")).status, 200);
    // The upstream gets the one that was accepted, and so cannot believe another.
    for cookies in [
        format!("LtpaToken={forged}; a=b; LtpaToken={ada}"),
        format!("LtpaToken={ada}; a=b; LtpaToken={forged}"),
    ] {
        let answer = shown(&program, &cookies);
        assert!(answer.body.contains(&ada) && answer.body.contains("a=b"), "{}", answer.body);
        assert!(!answer.body.contains(&forged), "{}", answer.body);
    }
    let bob = domino("CN=Bob", 1);
    assert_eq!(shown(&program, &format!("LtpaToken={ada}; LtpaToken={bob}")).status, 401);
    let behind_three = format!("LtpaToken=a; LtpaToken=b; LtpaToken=c; LtpaToken={ada}");
    assert_eq!(shown(&program, &behind_three).status, 401);
}

#[test]
fn a_spoilt_better_cookie_does_not_lead_to_the_weaker_one() {
    let (_folder, program) = site();
    let (one, two) = (domino("uid=ada", 1), websphere(Version::Two, "uid=ada", "A"));
    let with = |better: &str| shown(&program, &format!("LtpaToken={one}; LtpaToken2={better}")).status;
    assert_eq!(with(&two), 200);
    assert_eq!(with(&flipped(&two, 40)), 401);
    assert_eq!(with(&websphere_until(Version::Two, "uid=ada", "A", now() - 100)), 401);
    // What a logout leaves behind is no token at all.
    assert_eq!(with("DEL-"), 200);
}

/// The formats have no revocation: a logout takes the cookie from the browser, and whoever kept a copy is that
/// user until the token's own end. `docs/sso.md` says so; this test keeps it true.
#[test]
fn a_copy_of_a_token_outlives_the_logout_until_its_end() {
    let (_folder, program) = site();
    let end = now() - 57;
    let token = domino_between(ADA, 1, now() - 600, end);
    let cookies = format!("LtpaToken={token}");
    assert_eq!(shown(&program, &cookies).status, 200);
    assert_eq!(program.get("/mail/ada.nsf?logout", &[("Cookie", &cookies)]).status, 200);
    assert_eq!(shown(&program, &cookies).status, 200);
    crate::support::wait("the end of the token and of the tolerance", || now() > end + 60);
    assert_eq!(shown(&program, &cookies).status, 401);
}

/// Each vector that no server would accept, sent as a browser would; those of version 1 under the name of version 2.
#[test]
fn every_bad_vector_meets_the_same_wall() {
    let folder = Folder::new();
    folder.write("k1.secret", "AAECAwQFBgcICQoLDA0ODxAREhM=");
    let key = "[[sso.key]]\nid = \"k1\"\nformat = \"domino\"\nsecret_file = \"k1.secret\"\n";
    let route = format!("[[route]]\npath = \"/\"\nupstreams = [\"http://{}\"]\n", mirror());
    folder.config(&format!("{LTPA2_COOKIE}{DOMINO_COOKIE}{}{key}", websphere_key("A")), &route);
    let program = folder.start();
    let expected = face(shown(&program, ""));
    let mut sent = 0;
    for (file, cookie) in [("domino", "LtpaToken"), ("websphere", "LtpaToken2")] {
        for vector in vectors(file)["vectors"].as_array().unwrap() {
            let (token, expect) = (vector["token"].as_str().unwrap(), &vector["expect"]);
            // Rules of another site, text that no cookie can hold, and more than a header may have.
            let by_policy = ["lifetime", "wrong_realm", "unsigned_expiry"];
            let is_text =
                token.len() < 50_000 && token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';');
            if expect["class"] == "invalid"
                && is_text
                && by_policy.iter().all(|reason| expect["reason"] != *reason)
            {
                let answer = shown(&program, &format!("{cookie}={token}"));
                assert_eq!(face(answer), expected, "{file}: {}", vector["name"]);
                sent += 1;
            }
        }
    }
    assert!(sent > 80, "only {sent}");
}
