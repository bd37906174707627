//! One request as a line of text. Whatever came from outside is escaped, cut, and without what may be a secret: no query
//! string, no `;parameters` of the path (session ids), no cookie.

use std::fmt::Write;
use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::config::AccessFormat;

/// Texts from outside are cut to this many bytes.
const LONGEST: usize = 256;

/// Everything that a line tells.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) at: SystemTime,
    pub(super) id: u64,
    pub(super) client: IpAddr,
    pub(super) scheme: &'static str,
    pub(super) version: &'static str,
    pub(super) method: &'a str,
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    pub(super) route: &'a str,
    pub(super) status: u16,
    pub(super) bytes: u64,
    pub(super) taken: Duration,
    pub(super) end: &'static str,
    pub(super) failure: Option<&'static str>,
    pub(super) user: Option<&'a str>,
    /// For the combined format.
    pub(super) referer: &'a str,
    pub(super) agent: &'a str,
}

impl Line<'_> {
    pub(super) fn text(&self, format: AccessFormat) -> String {
        let mut text = String::with_capacity(320);
        // Writing to a string cannot fail.
        let _ = match format {
            AccessFormat::Json => self.json(&mut text),
            AccessFormat::Combined => self.combined(&mut text),
        };
        text
    }

    fn json(&self, out: &mut String) -> std::fmt::Result {
        let Self { id, client, scheme, version, status, bytes, end, .. } = self;
        let (seconds, millis) = since_epoch(self.at);
        let Moment { year, month, day, hour, minute, second } = Moment::of(seconds);
        write!(
            out,
            "{{\"time\":\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z\",\
             \"request\":\"{id:016x}\",\"client\":\"{client}\",\"scheme\":\"{scheme}\",\"version\":\"{version}\""
        )?;
        for (name, value) in
            [("method", self.method), ("host", self.host), ("path", self.path), ("route", self.route)]
        {
            write!(out, ",\"{name}\":\"")?;
            escape(out, value)?;
            out.push('"');
        }
        let taken = self.taken.as_secs_f64();
        write!(out, ",\"status\":{status},\"bytes\":{bytes},\"seconds\":{taken:.6},\"end\":\"{end}\"")?;
        if let Some(failure) = self.failure {
            write!(out, ",\"failure\":\"{failure}\"")?;
        }
        if let Some(user) = self.user {
            out.push_str(",\"user\":\"");
            escape(out, user)?;
            out.push('"');
        }
        out.push('}');
        Ok(())
    }

    fn combined(&self, out: &mut String) -> std::fmt::Result {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let Self { client, version, status, bytes, end, id, .. } = self;
        let Moment { year, month, day, hour, minute, second } = Moment::of(since_epoch(self.at).0);
        let month = MONTHS.get(month.saturating_sub(1)).unwrap_or(&"?");
        write!(out, "{client} - ")?;
        match self.user {
            // A blank would end the field.
            Some(user) => escape(out, &user.replace(' ', "_"))?,
            None => out.push('-'),
        }
        write!(out, " [{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000] \"")?;
        escape(out, self.method)?;
        out.push(' ');
        escape(out, self.path)?;
        write!(out, " {version}\" {status} {bytes}")?;
        for value in [self.referer, self.agent] {
            out.push_str(" \"");
            escape(out, if value.is_empty() { "-" } else { value })?;
            out.push('"');
        }
        write!(out, " {end} {:.6} {id:016x} \"", self.taken.as_secs_f64())?;
        escape(out, self.host)?;
        out.push('"');
        Ok(())
    }
}

/// A path without what clients of application servers carry their session ids in, cut.
pub(super) fn plain_path(path: &str) -> String {
    let segments = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    cut(&segments.collect::<Vec<_>>().join("/")).to_owned()
}

/// The start of a text from outside.
pub(super) fn cut(text: &str) -> &str {
    let end = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

fn escape(out: &mut String, text: &str) -> std::fmt::Result {
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            char if char.is_control() => write!(out, "\\u{:04x}", u32::from(char))?,
            char => out.push(char),
        }
    }
    Ok(())
}

fn since_epoch(at: SystemTime) -> (u64, u32) {
    at.duration_since(UNIX_EPOCH).map_or((0, 0), |since| (since.as_secs(), since.subsec_millis()))
}

/// A moment in UTC.
struct Moment {
    year: u64,
    month: usize,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

impl Moment {
    fn of(seconds: u64) -> Self {
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        // Counted from 1 March of the year 0, so that the leap day is the last of its year.
        let days = days + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let month = usize::try_from(month).unwrap_or(1);
        Self { year, month, day, hour: second / 3_600, minute: second / 60 % 60, second: second % 60 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line<'static> {
        Line {
            at: UNIX_EPOCH + Duration::from_millis(1_709_210_096_789),
            id: 0xab,
            client: "192.0.2.1".parse().unwrap(),
            scheme: "https",
            version: "HTTP/1.1",
            method: "GET",
            host: "im.example",
            path: "/a\"b\\",
            route: "/",
            status: 200,
            bytes: 12,
            taken: Duration::from_micros(1_500),
            end: "--",
            failure: None,
            user: Some("CN=Ann Example/O=Acme"),
            referer: "",
            agent: "curl\n",
        }
    }

    #[test]
    fn a_line_is_one_object_or_one_line_whatever_it_holds() {
        let json: serde_json::Value = serde_json::from_str(&line().text(AccessFormat::Json)).unwrap();
        assert_eq!(json["time"], "2024-02-29T12:34:56.789Z");
        assert_eq!((json["path"].as_str(), json["bytes"].as_u64()), (Some("/a\"b\\"), Some(12)));
        assert_eq!(
            (json["end"].as_str(), json["user"].as_str()),
            (Some("--"), Some("CN=Ann Example/O=Acme"))
        );
        let combined = Line { failure: Some("x"), ..line() }.text(AccessFormat::Combined);
        assert_eq!(
            combined,
            "192.0.2.1 - CN=Ann_Example/O=Acme [29/Feb/2024:12:34:56 +0000] \"GET /a\\\"b\\\\ HTTP/1.1\" 200 12 \"-\" \
             \"curl\\u000a\" -- 0.001500 00000000000000ab \"im.example\""
        );
    }

    #[test]
    fn session_ids_are_not_part_of_a_path() {
        assert_eq!(plain_path("/a;jsessionid=secret/b;x"), "/a/b");
        assert_eq!(plain_path(&"ä".repeat(200)).len(), 256);
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let date = |days: u64| {
            let Moment { year, month, day, .. } = Moment::of(days * 86_400);
            (year, month, day)
        };
        assert_eq!(
            [date(0), date(59), date(11_016), date(47_540)],
            [(1970, 1, 1), (1970, 3, 1), (2000, 2, 29), (2100, 2, 28)]
        );
        assert_eq!(date(47_541), (2100, 3, 1));
    }
}
