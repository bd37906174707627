//! The attacks of ltpa.md 9, as a browser would try them on the real program.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use protocol::ltpa::websphere::{SigningKey, Version};

use crate::support::{
    Answer, DOMINO_COOKIE, Folder, LTPA1_COOKIE, LTPA2_COOKIE, Program, domino, domino_between, domino_key,
    get_bytes, key_file, mirror, now, vectors, websphere, websphere_key, websphere_until,
};

const ADA: &str = "CN=Ada Test/O=Example";

/// `/` needs a token of one of the cookies.
fn site_with(sso: &str) -> (Folder, Program) {
    let folder = Folder::new();
    let route = format!("[[route]]\npath = \"/\"\nupstreams = [\"http://{}\"]\n", mirror());
    folder.config(sso, &route);
    let program = folder.start();
    (folder, program)
}

fn site() -> (Folder, Program) {
    site_with(&format!("{LTPA2_COOKIE}{DOMINO_COOKIE}{}{}", websphere_key("A"), domino_key(1)))
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

/// The token with each byte changed in turn.
fn with_each_byte_changed(token: &str) -> Vec<String> {
    let bytes = STANDARD.decode(token).unwrap();
    let change = |at: usize| {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        STANDARD.encode(changed)
    };
    (0..bytes.len()).map(change).collect()
}

/// A site, and the one face that all its refusals have.
struct Wall {
    _folder: Folder,
    program: Program,
    face: Answer,
}

impl Wall {
    fn of((_folder, program): (Folder, Program)) -> Self {
        let face = face(shown(&program, ""));
        assert_eq!(face.status, 401);
        Self { _folder, program, face }
    }

    fn new() -> Self {
        Self::of(site())
    }

    /// The answer is the same as ever; the metrics alone know why.
    fn refuses(&self, format: &str, outcomes: &[&str], cookies: &str) {
        let count = || -> u64 {
            let series = |outcome: &&str| {
                format!("livename_token_checks_total{{format=\"{format}\",outcome=\"{outcome}\"}}")
            };
            outcomes.iter().map(|outcome| self.program.metric(&series(outcome))).sum()
        };
        let before = count();
        assert_eq!(face(shown(&self.program, cookies)), self.face, "{cookies}");
        assert_eq!(count(), before + 1, "{format} {outcomes:?}: {cookies}");
    }

    fn admits(&self, cookies: &str) {
        assert_eq!(shown(&self.program, cookies).status, 200, "{cookies}");
    }
}

/// What a token that was broken in any way can fail at.
const BROKEN: &[&str] = &["undecryptable", "bad_body", "bad_signature"];

#[test]
fn expired_and_future_tokens() {
    let wall = Wall::new();
    let between = |from: u64, to: u64| format!("LtpaToken={}", domino_between(ADA, 1, from, to));
    wall.admits(&between(now() - 7200, now() - 30));
    wall.refuses("domino", &["expired"], &between(now() - 7200, now() - 3600));
    wall.admits(&between(now() + 30, now() + 3600));
    wall.refuses("domino", &["not_yet_valid"], &between(now() + 3600, now() + 7200));
    let two = websphere_until(Version::Two, "uid=ada", "A", now() - 100);
    wall.refuses("ltpa2", &["expired"], &format!("LtpaToken2={two}"));
}

#[test]
fn tokens_that_were_changed_in_any_byte() {
    let wall = Wall::new();
    let old = domino(ADA, 1);
    for changed in with_each_byte_changed(&old) {
        wall.refuses("domino", &["bad_mac"], &format!("LtpaToken={changed}"));
    }
    let two = websphere(Version::Two, "uid=ada", "A");
    for changed in with_each_byte_changed(&two).iter().step_by(5) {
        wall.refuses("ltpa2", BROKEN, &format!("LtpaToken2={changed}"));
    }
    wall.admits(&format!("LtpaToken={old}"));
    wall.admits(&format!("LtpaToken2={two}"));
}

#[test]
fn truncated_tokens() {
    let wall = Wall::new();
    let (old, two) = (domino(ADA, 1), websphere(Version::Two, "uid=ada", "A"));
    wall.refuses("domino", &["too_short"], &format!("LtpaToken={}", &old[..40]));
    wall.refuses("domino", &["bad_mac"], &format!("LtpaToken={}", &old[..60]));
    for blocks in [1, 2, 5] {
        let bytes = STANDARD.decode(&two).unwrap();
        let cut = STANDARD.encode(&bytes[..bytes.len() - 16 * blocks]);
        wall.refuses("ltpa2", BROKEN, &format!("LtpaToken2={cut}"));
    }
    wall.refuses("ltpa2", &["undecryptable"], &format!("LtpaToken2={}", &two[..44]));
}

#[test]
fn tokens_of_a_wrong_secret_or_key() {
    let wall = Wall::new();
    wall.refuses("domino", &["bad_mac"], &format!("LtpaToken={}", domino(ADA, 2)));
    wall.refuses("ltpa2", BROKEN, &format!("LtpaToken2={}", websphere(Version::Two, "uid=ada", "B")));
}

#[test]
fn other_spellings_in_base64() {
    let wall = Wall::new();
    let old = domino(ADA, 1);
    let (start, padding) = old.split_at(old.find('=').unwrap());
    assert_eq!(padding, "==");
    // Whoever drops the padding or quotes the value has not changed it.
    wall.admits(&format!("LtpaToken={start}"));
    wall.admits(&format!("LtpaToken=\"{start}%3D%3d\""));
    // The last character has four bits that no byte is made of: they are zero.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let last = alphabet.find(start.chars().last().unwrap()).unwrap();
    for spare in [1, 2, 4, 8] {
        let changed = &alphabet[last + spare..=last + spare];
        let spelling = format!("{}{changed}==", &start[..start.len() - 1]);
        wall.refuses("domino", &["bad_base64"], &format!("LtpaToken={spelling}"));
    }
    for spelling in [
        format!("{start}="),
        format!("{start}%253D%253D"),
        format!("{} {}==", &start[..20], &start[20..]),
        format!("-_{}==", &start[2..]),
        format!("{old}\u{e9}"),
    ] {
        wall.refuses("domino", &["bad_base64"], &format!("LtpaToken={spelling}"));
    }
}

#[test]
fn huge_cookies() {
    let wall = Wall::new();
    wall.refuses("domino", &["too_long"], &format!("LtpaToken={}", "A".repeat(40_000)));
    wall.refuses("ltpa2", &["too_long"], &format!("LtpaToken2={}", "A".repeat(40_000)));
    // Genuine, and longer than any name may be.
    wall.refuses("domino", &["too_long"], &format!("LtpaToken={}", STANDARD.encode([b'A'; 400])));
}

#[test]
fn tokens_of_one_format_in_the_cookie_of_another() {
    let wall = Wall::new();
    let (one, two) = (websphere(Version::One, "uid=ada", "A"), websphere(Version::Two, "uid=ada", "A"));
    wall.refuses("ltpa2", BROKEN, &format!("LtpaToken2={one}"));
    wall.refuses("domino", &["too_long", "bad_mac"], &format!("LtpaToken={two}"));
    wall.refuses("ltpa2", BROKEN, &format!("LtpaToken2={}", domino(ADA, 1)));
    wall.refuses("none", &["none"], &format!("ltpatoken={}", domino(ADA, 1)));
}

/// What an owner of the shared key alone can make: anything but a signature.
fn encrypted(plain: &str) -> String {
    let key: [u8; 16] = key_file("A").shared().expose()[..16].try_into().unwrap();
    let cipher = cbc::Encryptor::<aes::Aes128>::new(&key.into(), &key.into());
    STANDARD.encode(cipher.encrypt_padded_vec::<Pkcs7>(plain.as_bytes()))
}

#[test]
fn stripped_signatures() {
    let wall = Wall::new();
    let expires = (now() + 600) * 1000;
    let body = format!("expire:{expires}$u:user\\:defaultWIMFileBasedRealm/uid=ada");
    for (outcome, tail) in [
        ("bad_body", String::new()),
        ("bad_signature", "%".to_owned()),
        ("bad_signature", format!("%{expires}")),
        ("bad_signature", format!("%{expires}%")),
        ("bad_signature", format!("%{expires}%{}", STANDARD.encode([0; 128]))),
        ("bad_signature", format!("%{expires}%{}", STANDARD.encode([1; 20]))),
        ("bad_signature", format!("%{expires}%!")),
    ] {
        wall.refuses("ltpa2", &[outcome], &format!("LtpaToken2={}", encrypted(&format!("{body}{tail}"))));
    }
}

#[test]
fn attributes_that_could_be_read_in_two_ways() {
    let wall = Wall::new();
    let expires = (now() + 600) * 1000;
    let key = SigningKey::new(&key_file("A")).unwrap();
    let sealed = |body: &str| key.seal(Version::Two, body.as_bytes(), expires).unwrap();
    let (ada, bob) = ("u:user\\:defaultWIMFileBasedRealm/ada", "u:user\\:defaultWIMFileBasedRealm/bob");
    wall.admits(&format!("LtpaToken2={}", sealed(&format!("expire:{expires}${ada}"))));
    for (outcome, body) in [
        ("duplicate_attribute", format!("expire:{expires}${ada}${bob}")),
        ("duplicate_attribute", format!("expire:{expires}$expire:{expires}${ada}")),
        ("no_user", format!("expire:{expires}")),
        ("bad_name", format!("expire:{expires}$u:group\\:defaultWIMFileBasedRealm/ada")),
        ("wrong_realm", format!("expire:{expires}$u:user\\:elsewhere/ada")),
        ("unsigned_expiry", ada.to_owned()),
        ("expiry_mismatch", format!("expire:{}${ada}", expires - 10_000)),
    ] {
        wall.refuses("ltpa2", &[outcome], &format!("LtpaToken2={}", sealed(&body)));
    }
}

#[test]
fn control_characters_in_names() {
    let wall = Wall::new();
    for name in ["CN=Ada\r\nX: y", "CN=Ada\u{0}", "CN=Ada\u{7f}", "   "] {
        wall.refuses("domino", &["bad_name"], &format!("LtpaToken={}", domino(name, 1)));
    }
    let expires = (now() + 600) * 1000;
    let body = format!("expire:{expires}$u:user\\:defaultWIMFileBasedRealm/ada\r\nX: y");
    let two = SigningKey::new(&key_file("A")).unwrap().seal(Version::Two, body.as_bytes(), expires).unwrap();
    wall.refuses("ltpa2", &["bad_name"], &format!("LtpaToken2={two}"));
}

/// Version 1 where an estate cannot do without; version 2 beside it stays as strict as it is alone.
#[test]
fn attacks_on_version_1() {
    let wall = Wall::of(site_with(&format!("{LTPA2_COOKIE}{LTPA1_COOKIE}{}", websphere_key("A"))));
    wall.admits(&format!("LtpaToken={}", websphere(Version::One, "uid=ada", "A")));
    let all = vectors("websphere");
    let all = all["vectors"].as_array().unwrap();
    for name in [
        "v1_larger_root_of_signature",
        "v1_ecb_block_repeated",
        "v1_with_v2_signature",
        "v1_signature_of_other_body",
        "v1_bit_flip",
    ] {
        let token = all.iter().find(|vector| vector["name"] == name).unwrap()["token"].as_str().unwrap();
        wall.refuses("ltpa1", &["bad_signature"], &format!("LtpaToken={token}"));
    }
    let two = websphere(Version::Two, "uid=ada", "A");
    wall.refuses("ltpa1", BROKEN, &format!("LtpaToken={two}"));
    wall.refuses("ltpa1", BROKEN, &format!("LtpaToken={}", websphere(Version::One, "uid=ada", "B")));
    let expired = websphere_until(Version::One, "uid=ada", "A", now() - 100);
    wall.refuses("ltpa1", &["expired"], &format!("LtpaToken={expired}"));
    let unsigned = SigningKey::new(&key_file("A")).unwrap();
    let body = b"u:user\\:defaultWIMFileBasedRealm/uid=ada";
    let unsigned = unsigned.seal(Version::Two, body, (now() + 600) * 1000).unwrap();
    wall.refuses("ltpa2", &["unsigned_expiry"], &format!("LtpaToken2={unsigned}"));
}

#[test]
fn attacks_on_fips_tokens() {
    let wall = Wall::of(site_with(&format!("[sso]\nfips = true\n{LTPA2_COOKIE}{}", websphere_key("F"))));
    let good = websphere(Version::Two, "uid=ada", "F");
    wall.admits(&format!("LtpaToken2={good}"));
    for changed in with_each_byte_changed(&good).iter().step_by(31) {
        wall.refuses("ltpa2", BROKEN, &format!("LtpaToken2={changed}"));
    }
    wall.refuses("ltpa2", BROKEN, &format!("LtpaToken2={}", websphere(Version::Two, "uid=ada", "A")));
    let expired = websphere_until(Version::Two, "uid=ada", "F", now() - 100);
    wall.refuses("ltpa2", &["expired"], &format!("LtpaToken2={expired}"));
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
    let other = websphere(Version::Two, "uid=admin", "B");
    for cookies in [
        format!("LtpaToken={forged}; a=b; LtpaToken={ada}"),
        format!("LtpaToken={ada}; a=b; LtpaToken={forged}"),
        format!("LtpaToken={ada}; a=b; LtpaToken2=DEL"),
    ] {
        let answer = shown(&program, &cookies);
        assert!(answer.body.contains(&ada) && answer.body.contains("a=b"), "{}", answer.body);
        assert!(!answer.body.contains(&forged) && !answer.body.contains("DEL"), "{}", answer.body);
    }
    // Nor another cookie that was refused here.
    let two = websphere(Version::Two, "uid=ada", "A");
    let answer = shown(&program, &format!("LtpaToken={forged}; a=b; LtpaToken2={two}"));
    assert!(answer.body.contains(&two) && answer.body.contains("a=b"), "{}", answer.body);
    assert!(!answer.body.contains("LtpaToken="), "{}", answer.body);
    assert_eq!(shown(&program, &format!("LtpaToken={ada}; LtpaToken2={other}")).status, 401);
    let bob = domino("CN=Bob", 1);
    assert_eq!(shown(&program, &format!("LtpaToken={ada}; LtpaToken={bob}")).status, 401);
    assert_eq!(shown(&program, &format!("LtpaToken={bob}; LtpaToken2={two}")).status, 401);
    let behind_three = format!("LtpaToken=a; LtpaToken=b; LtpaToken=c; LtpaToken={ada}");
    assert_eq!(shown(&program, &behind_three).status, 401);
}

/// A cookie of another application is bytes: it neither hides the token beside it nor one of somebody else.
#[test]
fn bytes_beside_the_token_change_nothing() {
    let (_folder, program) = site();
    let (ada, bob) = (domino(ADA, 1), domino("CN=Bob", 1));
    let asks = |lines: &[&[u8]]| get_bytes(program.http(), lines);
    for cafe in [&b"app=caf\xC3\xA9"[..], b"app=caf\xE9"] {
        let token = format!("; LtpaToken={ada}");
        let answer = asks(&[&[b"Cookie: ", cafe, token.as_bytes()].concat()]);
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains(&ada) && answer.body.contains("app=caf"), "{}", answer.body);
        // In two lines, so that the second one could be overlooked.
        let second = [b"Cookie: ", cafe, format!("; LtpaToken={bob}").as_bytes()].concat();
        let first = format!("Cookie: LtpaToken={ada}");
        assert_eq!(asks(&[first.as_bytes(), &second]).status, 401);
        let forged = [b"Cookie: ", cafe, format!("; LtpaToken={}", domino("CN=Bob", 2)).as_bytes()].concat();
        let answer = asks(&[first.as_bytes(), &forged]);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body.matches("LtpaToken=").count(), 1, "{}", answer.body);
    }
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
