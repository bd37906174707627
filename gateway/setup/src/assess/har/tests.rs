use std::io::Read as _;

use super::guard::{Guard, MOST_NESTING, MOST_STRING, Position};
use super::*;

fn exchanges(text: &str) -> Result<Vec<Exchange>, (u64, u64, &'static str)> {
    let mut list = Vec::new();
    read_from(text.as_bytes(), &mut |exchange| list.push(exchange)).map(|()| list)
}

fn guarded(text: &[u8]) -> Vec<u8> {
    let position = Cell::new(Position::default());
    let mut out = Vec::new();
    Guard::new(text, &position).read_to_end(&mut out).unwrap();
    out
}

#[test]
fn an_exchange_keeps_what_checks_need_and_nothing_that_logs_in() {
    let text = r#"{"log": {"version": "1.2", "creator": {"name": "x"},
      "pages": [{"id": "page_1", "title": "https://mail1.renovation.example/mail/ann.nsf?OpenDatabase&token=SECRET1"}],
      "entries": [{"pageref": "page_1", "_resourceType": "xhr", "time": 1.5,
        "request": {"method": "GET", "url": "http://ann:SECRET2@im.renovation.example:8080/stwebapi/RTCServlet/SECRET3/user?x=SECRET4#y",
          "headers": [{"name": "Cookie", "value": "LtpaToken=SECRET5"}, {"name": "Origin", "value": "https://mail1.renovation.example"}],
          "cookies": [{"name": "LtpaToken", "value": "SECRET5"}], "postData": {"text": "password=SECRET6"}},
        "response": {"status": 302, "headers": [
          {"name": "Set-Cookie", "value": "LtpaToken=SECRET7; Domain=.Renovation.Example; Secure; HttpOnly; SameSite=None\nother=SECRET8"},
          {"name": "location", "value": "/names.nsf?Login&key=SECRET9"}],
          "content": {"mimeType": "text/html", "text": "SECRET0"}}}]}}"#;
    let list = exchanges(text).unwrap();
    assert!(!format!("{list:?}").replace("SECRET3", "").contains("SECRET"), "{list:?}");
    let exchange = &list[0];
    assert_eq!(exchange.url.to_string(), "http://im.renovation.example:8080/stwebapi/RTCServlet/…");
    assert_eq!(exchange.page.as_ref().unwrap().to_string(), "https://mail1.renovation.example");
    assert_eq!((exchange.number, exchange.status, exchange.kind), (1, 302, Kind::Script));
    assert_eq!(
        exchange.location.as_ref().unwrap().to_string(),
        "http://im.renovation.example:8080/names.nsf"
    );
    let cookie = SetCookie {
        name: "LtpaToken",
        domain: Some("renovation.example".into()),
        secure: true,
        http_only: true,
        same_site: Some("none"),
    };
    assert_eq!(exchange.cookies, [cookie]);
    assert!(exchange.shows_cookies);
}

#[test]
fn entries_without_a_page_belong_to_the_last_document() {
    let text = r#"{"log": {"entries": [
      {"request": {"url": "https://mail1.renovation.example/mail/ann.nsf"}, "response": {"status": 200, "content": {"mimeType": "text/html"}}},
      {"request": {"url": "data:text/plain,x"}},
      {"request": {"url": "http://im.renovation.example/stwebapi"}}]}}"#;
    let list = exchanges(text).unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list[1].number, 3);
    assert_eq!(list[1].page.as_ref().unwrap().host, "mail1.renovation.example");
}

#[test]
fn errors_say_where_and_never_quote_the_file() {
    for (text, line, problem) in [
        ("{\n \"log\": SECRET }", 2, "this is no JSON"),
        ("{\"log\": {\"entries\": [\n{\"request\": {\"url\": \"SECRET", 2, "the file ends in the middle"),
        ("{\"log\": {\"entries\":\n\n \"SECRET\"}}", 3, "JSON, but not the shape of a recording (HAR 1.2)"),
        ("{\"log\": {}}", 1, "JSON without `log.entries`: no recording of a browser"),
        ("{\"log\": {\"entries\": []}}\nSECRET", 2, "this is no JSON"),
    ] {
        let (found, column, words) = exchanges(text).unwrap_err();
        assert_eq!((found, words), (line, problem), "{text}");
        assert!(column > 0);
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = read(Path::new("/nonexistent/page.har"), &mut |_| ()).unwrap_err();
    assert!(error.to_string().starts_with("/nonexistent/page.har: "), "{error}");
}

#[test]
fn short_texts_pass_the_guard_unchanged() {
    for text in [
        r#"{"a": "b\"c\\", "d": ["\u00e9\ud83d\ude00é😀", 1.5e3, null, true], "": {}}"#,
        "\"\\\\\"",
        "",
        "[[\"]\"], \"{\"]",
    ] {
        assert_eq!(guarded(text.as_bytes()), text.as_bytes());
    }
    assert_eq!(guarded(b"\xef\xbb\xbf{}"), b"{}");
}

/// Whatever the long string is made of, and wherever the limit falls in it, the parser gets good JSON.
#[test]
fn long_strings_are_cut_between_characters() {
    for unit in ["x", "\\n", "\\u00e9", "é", "😀", "\\ud83d\\ude00", "\\\\", "a\\\"b"] {
        for offset in 0..12 {
            let body = "x".repeat(offset) + &unit.repeat(MOST_STRING as usize);
            let text = format!("[\"{body}\", \"end\"]");
            let out = guarded(text.as_bytes());
            assert!(out.len() < MOST_STRING as usize + 40, "{unit}: {}", out.len());
            let list: Vec<String> =
                serde_json::from_slice(&out).unwrap_or_else(|error| panic!("{unit}: {error}"));
            assert_eq!(list[1], "end");
            let whole: Vec<String> = serde_json::from_str(&text).unwrap();
            assert!(whole[0].starts_with(&list[0]), "{unit}");
        }
    }
}

#[test]
fn deep_nesting_is_refused_before_it_costs_anything() {
    let deep = "[".repeat(MOST_NESTING as usize + 1);
    let text = format!("{{\"log\": {{\"entries\": [], \"x\": {deep}");
    let (_, _, problem) = exchanges(&text).unwrap_err();
    assert_eq!(problem, "nested deeper than any recording of a browser");
}

#[test]
fn a_flood_of_headers_is_skipped() {
    let header = "{\"name\": \"Set-Cookie\", \"value\": \"LtpaToken=x\"},".repeat(10_000);
    let text = format!(
        "{{\"log\": {{\"entries\": [{{\"request\": {{\"url\": \"http://a.b.c/\"}}, \"response\": {{\"headers\": [{header} \
         {{\"name\": \"x\"}}]}}}}]}}}}"
    );
    assert_eq!(exchanges(&text).unwrap()[0].cookies.len(), 200);
}

#[test]
fn addresses_show_no_person_and_no_session() {
    for (url, shown) in [
        (
            "HTTPS://Mail1.Renovation.Example/Mail/aarcher.nsf/iNotes/Proxy/",
            "https://mail1.renovation.example/Mail/…",
        ),
        ("http://a.b.c:80/iNotes/Forms85.nsf/x", "http://a.b.c/iNotes/Forms85.nsf/…"),
        ("https://[::1]:8443", "https://[::1]:8443/"),
        ("wss://a.b.c/livename/v1/events?t=1", "https://a.b.c/livename/…"),
    ] {
        assert_eq!(Address::parse(url).unwrap().to_string(), shown);
    }
    for url in ["", "ftp://a.b.c/", "https://", "https://a b/", "https://a:99999/", "about:blank", "//a.b.c/"]
    {
        assert_eq!(Address::parse(url), None, "{url}");
    }
}
