//! What a message says about its content: whether it is text in which addresses are looked for, and how it
//! is coded.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, VARY};

use super::coding::Coding;

/// HTML, JavaScript, CSS and JSON, by all the names that servers have given them.
const TEXTS: [&str; 13] = [
    "text/html",
    "application/xhtml+xml",
    "text/css",
    "text/javascript",
    "application/javascript",
    "application/x-javascript",
    "text/x-javascript",
    "text/ecmascript",
    "application/ecmascript",
    "application/json",
    "text/json",
    "application/manifest+json",
    "application/x-json",
];

/// Content that cannot be looked into.
pub(super) struct Opaque;

pub(super) fn is_text(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()) else { return false };
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let is_json = essence.len() > 5
        && essence.get(essence.len() - 5..).is_some_and(|end| end.eq_ignore_ascii_case("+json"));
    is_json || TEXTS.iter().any(|text| text.eq_ignore_ascii_case(essence))
}

/// `None`: as it is. Several codings on top of each other, and unknown ones, are opaque.
pub(super) fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Opaque> {
    let mut lines = headers.get_all(CONTENT_ENCODING).iter();
    let name = match (lines.next(), lines.next()) {
        (None, _) => return Ok(None),
        (Some(line), None) => line.to_str().map_err(|_| Opaque)?.trim(),
        _ => return Err(Opaque),
    };
    match Coding::named(name) {
        None if name.is_empty() || name.eq_ignore_ascii_case("identity") => Ok(None),
        None => Err(Opaque),
        coding => Ok(coding),
    }
}

/// Whether an `Accept-Encoding` has the coding.
pub(super) fn accepts(accepted: Option<&HeaderValue>, coding: Coding) -> bool {
    let Some(accepted) = accepted.and_then(|accepted| accepted.to_str().ok()) else { return false };
    accepted.split(',').any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0_f32));
        !refused && (Coding::named(name.trim()) == Some(coding) || name.trim() == "*")
    })
}

/// Says that another browser may get it coded in another way.
pub(super) fn vary_by_coding(headers: &mut HeaderMap) {
    let mut words = headers.get_all(VARY).iter().filter_map(|line| line.to_str().ok());
    let says_so = |line: &str| {
        line.split(',').map(str::trim).any(|word| word == "*" || word.eq_ignore_ascii_case("accept-encoding"))
    };
    if !words.any(says_so) {
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_known_by_their_type() {
        for (kind, expected) in [
            ("text/html; charset=utf-8", true),
            ("Text/HTML", true),
            ("application/x-javascript", true),
            ("application/problem+json", true),
            ("text/plain", false),
            ("text/event-stream", false),
            ("image/svg+xml", false),
            ("application/octet-stream", false),
            ("+json", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
            assert_eq!(is_text(&headers), expected, "{kind}");
        }
        assert!(!is_text(&HeaderMap::new()));
    }

    #[test]
    fn a_coding_is_used_only_where_it_is_accepted() {
        let accepted = |line| accepts(Some(&HeaderValue::from_static(line)), Coding::Gzip);
        assert!(accepted("gzip") && accepted("br, GZIP;q=0.5") && accepted("*"));
        assert!(!accepted("gzip;q=0") && !accepted("gzip; q=0.0") && !accepted("br") && !accepted(""));
        assert!(!accepts(None, Coding::Gzip));
    }
}
