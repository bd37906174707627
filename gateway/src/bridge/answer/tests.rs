use super::*;
use crate::config::Address;

type Place = (bool, &'static str);

/// One upstream, seen by a page.
pub(super) fn names_of(page: Place, upstream: (bool, &str, u16)) -> Arc<Names> {
    below(page, upstream, "")
}

/// The same with an affinity id.
pub(super) fn below(page: Place, (tls, host, port): (bool, &str, u16), affinity: &str) -> Arc<Names> {
    let (page_tls, authority) = page;
    let page = Page { tls: page_tls, sametime_tls: page_tls, authority: authority.to_owned() };
    Arc::new(Names::new(Arc::new([Address::new(tls, host, port)]), tls, page, affinity))
}

fn header(name: HeaderName, value: &str, names: &Arc<Names>) -> String {
    let mut headers = HeaderMap::new();
    headers.append(name.clone(), value.parse().unwrap());
    name_page(&mut headers, names);
    headers[name].to_str().unwrap().to_owned()
}

#[test]
fn urls_of_the_upstream_become_the_pages() {
    let names = names_of((true, "im.example"), (false, "st1.example", 80));
    for (from, to) in [
        ("http://st1.example/a?b#c", "https://im.example/a?b#c"),
        ("HTTP://ST1.example:80/a", "https://im.example/a"),
        ("http://st1.example", "https://im.example"),
        ("//st1.example/a", "//im.example/a"),
        ("/a", "/a"),
        ("http://st1.example:8080/a", "http://st1.example:8080/a"),
        ("https://st1.example/a", "https://st1.example/a"),
        (
            "http://login.example/?to=http%3A%2F%2Fst1.example%2Fa",
            "http://login.example/?to=https%3A%2F%2Fim.example%2Fa",
        ),
    ] {
        assert_eq!(header(LOCATION, from, &names), to);
    }
}

#[test]
fn refresh_link_and_allowed_origin_are_the_pages() {
    let names = names_of((true, "im.example"), (false, "st1.example", 80));
    for (name, from, to) in [
        (REFRESH, "5; URL=http://st1.example/a", "5; URL=https://im.example/a"),
        (REFRESH, "0;url='http://st1.example/a'", "0;url='https://im.example/a'"),
        (REFRESH, "5; url=/a", "5; url=/a"),
        (
            LINK,
            "<http://st1.example/a.css>; rel=preload, </b>; rel=next",
            "<https://im.example/a.css>; rel=preload, </b>; rel=next",
        ),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "http://st1.example", "https://im.example"),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "https://mail1.example", "https://mail1.example"),
    ] {
        assert_eq!(header(name, from, &names), to);
    }
}

#[test]
fn redirects_stay_below_the_affinity_id() {
    let names = below((true, "im.example"), (false, "st1.example", 80), "/st01");
    for (from, to) in [
        ("http://st1.example/a", "https://im.example/st01/a"),
        ("/a", "/st01/a"),
        ("/st01/a", "/st01/a"),
        ("/st01?a", "/st01?a"),
        ("/st011", "/st01/st011"),
        ("a", "a"),
    ] {
        assert_eq!(header(LOCATION, from, &names), to);
    }
}

#[test]
fn paths_within_headers_stay_below_the_affinity_id() {
    let names = below((true, "im.example"), (false, "st1.example", 80), "/st01");
    for (name, from, to) in [
        (REFRESH, "0; URL=/names.nsf?Login", "0; URL=/st01/names.nsf?Login"),
        (REFRESH, "5;url='/st01'", "5;url='/st01'"),
        (REFRESH, "5; url=\"/a\"", "5; url=\"/st01/a\""),
        (REFRESH, "5; url=http://st1.example/a", "5; url=https://im.example/st01/a"),
        (REFRESH, "5; url=//cdn.example/a", "5; url=//cdn.example/a"),
        (REFRESH, "5", "5"),
        (
            LINK,
            "</a.css>; rel=preload, <http://st1.example/b>; rel=next, <c>; rel=x",
            "</st01/a.css>; rel=preload, <https://im.example/st01/b>; rel=next, <c>; rel=x",
        ),
        (LINK, "</st01>; rel=up", "</st01>; rel=up"),
    ] {
        assert_eq!(header(name, from, &names), to);
    }
    let none = names_of((true, "im.example"), (false, "st1.example", 80));
    assert_eq!(header(REFRESH, "0; url=/a", &none), "0; url=/a");
}
