use std::sync::Arc;

use proptest::prelude::*;

use super::super::names::Page;
use super::*;
use crate::config::Address;

fn address(tls: bool, host: &str, port: u16) -> Address {
    Address { tls, host: host.to_owned(), port }
}

fn known() -> Arc<[Address]> {
    Arc::new([
        address(false, "st1.example", 80),
        address(false, "10.1.2.3", 8080),
        address(false, "2001:db8::1", 80),
    ])
}

/// An http Sametime for a page on https.
fn names(authority: &str, affinity: &str) -> Arc<Names> {
    let page = Page { tls: true, sametime_tls: true, authority: authority.to_owned() };
    Arc::new(Names::new(known(), false, page, affinity))
}

fn once(text: &str, names: &Arc<Names>) -> String {
    String::from_utf8(rewrite(Bytes::copy_from_slice(text.as_bytes()), names).to_vec()).unwrap()
}

fn in_chunks(text: &[u8], cuts: &[usize], names: &Arc<Names>) -> Vec<u8> {
    let mut rewriter = Rewriter::new(names.clone());
    let mut out = Vec::new();
    let mut rest = text;
    for cut in cuts {
        let (chunk, after) = rest.split_at((*cut).min(rest.len()));
        out.extend_from_slice(&rewriter.push(Bytes::copy_from_slice(chunk)));
        assert!(rewriter.held.len() <= MAX_OPEN, "{} bytes held", rewriter.held.len());
        rest = after;
    }
    out.extend_from_slice(&rewriter.push(Bytes::copy_from_slice(rest)));
    out.extend_from_slice(&rewriter.finish());
    out
}

/// The rule without the search for separators: at each place in turn, a URL is read or it is not.
fn plainly(text: &[u8], names: &Arc<Names>) -> Vec<u8> {
    let mut out = BytesMut::new();
    let (mut at, mut before) = (0, None);
    while let Some(byte) = text.get(at) {
        let length = match url::read(&text[at..], before, true) {
            Reading::Is(url) => names.target(&url).map(|target| {
                write(&url, &target, &mut out);
                url.length
            }),
            _ => None,
        };
        if length.is_none() {
            out.put_u8(*byte);
        }
        at += length.unwrap_or(1);
        before = Some(text[at - 1]);
    }
    out.to_vec()
}

#[test]
fn addresses_of_the_upstream_become_the_pages_in_every_spelling() {
    let names = names("im.example:8443", "");
    for (from, to) in [
        ("http://st1.example/a?b#c", "https://im.example:8443/a?b#c"),
        ("HTTP://ST1.example:80/a", "https://im.example:8443/a"),
        ("http://st1.example", "https://im.example:8443"),
        ("<a href='//st1.example/a'>", "<a href='//im.example:8443/a'>"),
        ("url(//st1.example/a.png)", "url(//im.example:8443/a.png)"),
        ("ws://st1.example/events", "wss://im.example:8443/events"),
        (r#""http:\/\/st1.example\/a""#, r#""https:\/\/im.example:8443\/a""#),
        (r#""{\"u\":\"http:\\/\\/st1.example\\/a\"}""#, r#""{\"u\":\"https:\\/\\/im.example:8443\\/a\"}""#),
        ("?to=http%3A%2F%2Fst1.example%2Fa", "?to=https%3A%2F%2Fim.example%3A8443%2Fa"),
        ("?to=http%3a%2f%2f10.1.2.3%3a8080%2fa", "?to=https%3a%2f%2fim.example%3a8443%2fa"),
        ("?to=%22http%253A%252F%252Fst1.example", "?to=%22https%253A%252F%252Fim.example%253A8443"),
        (r"'http:\u002f\u002fst1.example\u002fa'", r"'https:\u002f\u002fim.example:8443\u002fa'"),
        (r"'http\u003A\u002F\u002Fst1.example'", r"'https\u003A\u002F\u002Fim.example\u003A8443'"),
        (r"'http\x3a\x2f\x2fst1.example'", r"'https\x3a\x2f\x2fim.example\x3a8443'"),
        ("http:&#x2F;&#x2F;st1.example&#x2F;a", "https:&#x2F;&#x2F;im.example:8443&#x2F;a"),
        ("http&#58;&#47;&#47;st1.example", "https&#58;&#47;&#47;im.example&#58;8443"),
        (r#""\nhttp://st1.example/""#, r#""\nhttps://im.example:8443/""#),
        ("http://[2001:DB8::1]/a", "https://im.example:8443/a"),
        ("http://[2001:db8::1]:80", "https://im.example:8443"),
        // It built the URL from the names that the gateway told it.
        ("http://im.example:8443/a", "https://im.example:8443/a"),
        ("http://im.example/a", "https://im.example:8443/a"),
    ] {
        assert_eq!(once(from, &names), to);
    }
}

#[test]
fn whatever_is_not_the_upstream_stays() {
    let names = names("im.example", "");
    for text in [
        "/a",
        "a//b",
        "// st1.example",
        "http://st1.example:8080/a",
        "http://st1.example:x/a",
        "'http://st1.example:' + port",
        "http://st1.example:808080/a",
        "https://st1.example/a",
        "http://st1.example.evil/a",
        "http://evil.st1.example/a",
        "http://st1.example@evil/a",
        "http://st1.example:80@evil/a",
        "https://im.example/a",
        "mailto:x@st1.example",
        "news://st1.example/a",
        "http:/st1.example",
        "http:\\/%2Fst1.example",
        "see st1.example",
        "path//st1.example/a",
        "http://",
        "https://[",
        "",
    ] {
        assert_eq!(once(text, &names), text);
    }
}

#[test]
fn an_affinity_id_goes_in_front_of_the_path() {
    let names = names("im.example", "/st01");
    for (from, to) in [
        ("http://st1.example/sametime/", "https://im.example/st01/sametime/"),
        (r#""http:\/\/st1.example\/sametime""#, r#""https:\/\/im.example\/st01\/sametime""#),
        ("u=http%3A%2F%2Fst1.example", "u=https%3A%2F%2Fim.example%2Fst01"),
        // The gateway's own address has whatever path the upstream wanted.
        ("http://im.example/st01/x", "https://im.example/st01/x"),
    ] {
        assert_eq!(once(from, &names), to);
        assert_eq!(once(to, &names), to);
    }
}

#[test]
fn an_http_page_gets_http_and_a_stated_scheme_stays_stated() {
    let known: Arc<[Address]> = Arc::new([address(true, "st1.example", 9443)]);
    let plain = Page { tls: false, sametime_tls: false, authority: "im.example".into() };
    let names = Arc::new(Names::new(known.clone(), true, plain, ""));
    assert_eq!(once("https://st1.example:9443/a", &names), "http://im.example/a");
    assert_eq!(once("wss://st1.example:9443/a", &names), "ws://im.example/a");
    assert_eq!(once("https://im.example/a", &names), "http://im.example/a");

    let mixed = Page { tls: false, sametime_tls: true, authority: "im.example".into() };
    let names = Arc::new(Names::new(known, true, mixed, ""));
    assert_eq!(once("https://st1.example:9443/a", &names), "https://im.example/a");
    assert_eq!(once("//st1.example:9443/a", &names), "https://im.example/a");
}

#[test]
fn a_browser_that_names_no_host_gets_what_came() {
    assert_eq!(once("http://st1.example/a", &names("", "")), "http://st1.example/a");
}

#[test]
fn a_chunk_without_an_address_is_passed_without_a_copy() {
    let mut rewriter = Rewriter::new(names("im.example", ""));
    let chunk = Bytes::from("var a = 'http://other.example/'; // nothing of ours here".repeat(99));
    let passed = rewriter.push(chunk.clone());
    assert_eq!((passed.as_ptr(), passed.len()), (chunk.as_ptr(), chunk.len()));
    assert_eq!(rewriter.count(), 0);
}

/// Pieces of which addresses are made, so that random texts have some.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "http",
            "https",
            "ws",
            "wss",
            "HTTP",
            ":",
            "//",
            "/",
            "\\/\\/",
            "\\/",
            "\\\\/\\\\/",
            "%3A",
            "%3a",
            "%2F%2F",
            "%2f%2F",
            "%252F%252F",
            "\\u002f\\u002f",
            "\\u003a",
            "&#x2F;&#x2F;",
            "&#47;",
            "st1.example",
            "ST1.Example",
            "im.example",
            "10.1.2.3",
            "[2001:db8::1]",
            "80",
            "8080",
            "8443",
            "@",
            "\"",
            "'",
            " ",
            "\n",
            "=",
            ".",
            "st01",
            "é",
            "\\",
            "%",
            "&",
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
        prop::sample::select(vec![
            "http://st1.example/",
            "\"http:\\/\\/st1.example:80\\/\"",
            "=http%3A%2F%2F10.1.2.3%3A8080",
            "'//st1.example/x'",
            "http://im.example:8443",
            "\\u0022http:\\u002f\\u002fst1.example",
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn views() -> impl Strategy<Value = Arc<Names>> {
    let authority =
        prop::sample::select(vec!["im.example", "im.example:8443", "[::1]:8443", "st1.example:8080"]);
    let page = (any::<bool>(), any::<bool>(), authority);
    (page, any::<bool>(), prop::sample::select(vec!["", "/st01", "/a/b"])).prop_map(
        |((tls, sametime_tls, authority), answered_tls, affinity)| {
            let page = Page { tls, sametime_tls, authority: authority.to_owned() };
            Arc::new(Names::new(known(), answered_tls, page, affinity))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn however_it_is_cut_the_result_is_the_same(text in texts(), names in views(), cuts in prop::collection::vec(0usize..9, 0..40)) {
        let whole = plainly(&text, &names);
        prop_assert_eq!(in_chunks(&text, &[], &names), whole.clone());
        prop_assert_eq!(in_chunks(&text, &cuts, &names), whole.clone());
        prop_assert_eq!(in_chunks(&text, &vec![1; text.len()], &names), whole);
    }

    #[test]
    fn twice_is_the_same_as_once(text in texts(), names in views()) {
        let once = rewrite(Bytes::from(text), &names);
        prop_assert_eq!(rewrite(once.clone(), &names), once);
    }

    #[test]
    fn bytes_without_two_slashes_stay(text in prop::collection::vec(any::<u8>().prop_filter("a slash", |byte| !b"/2;fF".contains(byte)), 0..400), names in views()) {
        prop_assert_eq!(rewrite(Bytes::from(text.clone()), &names), Bytes::from(text));
    }
}
