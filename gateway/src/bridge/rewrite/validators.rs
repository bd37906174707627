//! Validators of rewritten answers (RFC 9110 8.8). A rewritten answer is another representation than the
//! upstream's, and yet another under another configuration: its `ETag` says so by a mark. On the way up the
//! mark is taken off, so that the upstream can answer 304; a tag with a foreign mark is dropped, so that a
//! browser never keeps what was rewritten by other rules.

use std::hash::{DefaultHasher, Hash, Hasher};

use http::header::{
    ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    LAST_MODIFIED, RANGE,
};

/// Between the upstream's tag and the mark. The letter says how the tag was: strong, weak, or a date.
const SIGN: &str = ".livename-";

/// What tells answers that were rewritten by one set of rules from all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark(String);

/// An entity tag as it stands in a header.
enum Tag {
    /// Not one of a rewritten answer.
    Plain,
    /// Of an answer that was rewritten by these rules: the upstream's own.
    Ours(Validator),
    /// Rewritten by other rules.
    Stale,
}

enum Validator {
    Tag(String),
    /// The answer had no tag, only a date.
    Date(String),
}

impl Mark {
    pub(super) fn of(rules: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        rules.hash(&mut hasher);
        Self(format!("{:08x}", hasher.finish() & 0xFFFF_FFFF))
    }

    /// Gives a rewritten answer a tag of its own, if it has any validator.
    pub(super) fn put_on(&self, headers: &mut HeaderMap) {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let inner =
            |tag: &str| tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).map(str::to_owned);
        let marked = match (text(ETAG), text(LAST_MODIFIED)) {
            (Some(tag), _) => match tag.strip_prefix("W/") {
                Some(weak) => inner(weak).map(|tag| ('w', tag)),
                None => inner(tag).map(|tag| ('s', tag)),
            },
            (None, Some(date)) => Some(('d', date.replace(' ', "_"))),
            (None, None) => return,
        };
        headers.remove(ETAG);
        // Weak: it was made equal in meaning, not in bytes. So it never serves for a range.
        let marked = marked.map(|(kind, tag)| format!("W/\"{tag}{SIGN}{kind}{}\"", self.0));
        if let Some(Ok(marked)) = marked.map(HeaderValue::try_from) {
            headers.insert(ETAG, marked);
        }
    }

    /// Turns the conditions of a request into the upstream's. True if the browser has an answer that was
    /// rewritten by these rules: then a 304 is about that one.
    pub(super) fn take_off(&self, headers: &mut HeaderMap) -> bool {
        let known = self.restore(headers, &IF_NONE_MATCH);
        self.restore(headers, &IF_MATCH);
        // A part of the upstream's bytes does not continue a rewritten answer; a date cannot tell which it was.
        let range = headers.get(IF_RANGE).and_then(|value| value.to_str().ok());
        if range.is_some_and(|range| !(range.starts_with('"') && matches!(self.read(range), Tag::Plain))) {
            headers.remove(IF_RANGE);
            headers.remove(RANGE);
        }
        known
    }

    fn restore(&self, headers: &mut HeaderMap, name: &HeaderName) -> bool {
        let lines: Vec<_> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
        let tags: Vec<_> =
            lines.iter().flat_map(|line| split(line)).map(|tag| (tag, self.read(tag))).collect();
        if tags.iter().all(|(_, read)| matches!(read, Tag::Plain)) {
            return false;
        }
        let mut kept = Vec::new();
        let mut date = None;
        let mut known = false;
        for (tag, read) in tags {
            match read {
                Tag::Plain => kept.push(tag.to_owned()),
                Tag::Ours(validator) => {
                    known = true;
                    match validator {
                        Validator::Tag(tag) => kept.push(tag),
                        Validator::Date(when) => date = Some(when),
                    }
                }
                Tag::Stale => {}
            }
        }
        headers.remove(name);
        if *name == IF_NONE_MATCH {
            // It goes with the tag, and some servers look at it alone.
            if let Some(Ok(date)) = date.map(HeaderValue::try_from) {
                headers.insert(IF_MODIFIED_SINCE, date);
            } else if !known {
                headers.remove(IF_MODIFIED_SINCE);
            }
        }
        if let (false, Ok(line)) = (kept.is_empty(), HeaderValue::try_from(kept.join(", "))) {
            headers.insert(name, line);
        }
        known
    }

    fn read(&self, tag: &str) -> Tag {
        let opaque = tag.strip_prefix("W/\"").and_then(|tag| tag.strip_suffix('"'));
        let Some((inner, mark)) = opaque.and_then(|tag| tag.rsplit_once(SIGN)) else { return Tag::Plain };
        let Some((kind, mark)) = mark.split_at_checked(1) else { return Tag::Plain };
        if mark != self.0 {
            return Tag::Stale;
        }
        match kind {
            "s" => Tag::Ours(Validator::Tag(format!("\"{inner}\""))),
            "w" => Tag::Ours(Validator::Tag(format!("W/\"{inner}\""))),
            "d" => Tag::Ours(Validator::Date(inner.replace('_', " "))),
            _ => Tag::Stale,
        }
    }
}

/// The tags of a list; commas within quotes belong to the tag.
fn split(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    line.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .map(str::trim)
    .filter(|tag| !tag.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Tue, 24 Nov 2026 01:33:34 GMT";

    fn map(lines: &[(HeaderName, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_upstream_gets_back_the_validator_that_it_gave() {
        let mark = Mark::of(1);
        for (given, expected) in [
            (map(&[(ETAG, "\"a,b\"")]), map(&[(IF_NONE_MATCH, "\"a,b\"")])),
            (map(&[(ETAG, "W/\"a\""), (LAST_MODIFIED, DATE)]), map(&[(IF_NONE_MATCH, "W/\"a\"")])),
            (map(&[(LAST_MODIFIED, DATE)]), map(&[(IF_MODIFIED_SINCE, DATE)])),
        ] {
            let mut answer = given;
            mark.put_on(&mut answer);
            let tag = answer[ETAG].clone();
            let mut request = HeaderMap::from_iter([(IF_NONE_MATCH, tag)]);
            assert!(mark.take_off(&mut request));
            assert_eq!(request, expected);
        }
        let mut bare = map(&[]);
        mark.put_on(&mut bare);
        assert!(bare.is_empty());
    }

    #[test]
    fn what_other_rules_made_is_asked_for_anew() {
        let mut answer = map(&[(ETAG, "\"a\"")]);
        Mark::of(1).put_on(&mut answer);
        let mut request = map(&[(IF_MODIFIED_SINCE, DATE)]);
        request.insert(IF_NONE_MATCH, answer[ETAG].clone());
        assert!(!Mark::of(2).take_off(&mut request));
        assert_eq!(request, map(&[]));
    }

    #[test]
    fn conditions_on_other_answers_stay() {
        let lines = [
            (IF_NONE_MATCH, "\"a\", W/\"b\""),
            (IF_MODIFIED_SINCE, DATE),
            (IF_RANGE, "\"a\""),
            (RANGE, "bytes=1-"),
        ];
        let mut request = map(&lines);
        assert!(!Mark::of(1).take_off(&mut request));
        assert_eq!(request, map(&lines));
    }

    #[test]
    fn a_rewritten_answer_is_never_continued_by_a_part_of_the_upstreams() {
        let mut answer = map(&[(ETAG, "\"a\"")]);
        Mark::of(1).put_on(&mut answer);
        for condition in [answer[ETAG].to_str().unwrap(), DATE] {
            let mut request = map(&[(IF_RANGE, condition), (RANGE, "bytes=1-")]);
            Mark::of(1).take_off(&mut request);
            assert!(request.is_empty());
        }
    }
}
