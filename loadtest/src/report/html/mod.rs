//! Results as one page of HTML that needs nothing else: light, dark and printed.
//!
//! Who has to decide by it need not know the program: the verdict comes first, then what was asked, then what makes
//! the numbers doubtful; words that are not everybody's are explained where they stand.

mod charts;
mod tables;

use std::fmt::Write;

pub(super) use tables::table;

use super::chart::escape;
use super::results::{Results, explanation};
use super::style;
use super::summary::{counted, headline, memory_and_clocks, note_of_part, trouble};

const STYLE: &str = include_str!("page.css");

const METHOD: &str = "The community writes the time into the status text of each change, and the browser compares when \
    it has read it: the time covers everything in between. A change belongs to the phase in which it was made, \
    whenever it arrives. The gateway sends newest states only; changes that were overtaken count with the time until \
    their successor came. Pages have a time at which they are to start, and their times count from then, whether \
    the gateway was ready or not; a page that is given up counts with the time it had waited. At the end of a phase \
    changes stop, and every state that every browser holds is compared with the community's.";

/// The whole page.
pub fn page(results: &Results) -> String {
    let mut page = head(&format!("Load test {}", results.name));
    verdict(&mut page, results);
    let _ = write!(
        page,
        "<p class=\"what\">Load test <b>{}</b>, {}, {}, against {} ({}), seed {}.</p>",
        escape(&results.name),
        date(results.started as u64),
        style::span(results.seconds),
        escape(&results.target),
        escape(&results.versions.gateway),
        results.seed,
    );
    if let Some(note) = note_of_part(results) {
        let _ = write!(page, "<p>{}</p>", escape(&note));
    }
    tables::tiles(&mut page, results);
    tables::requirements(&mut page, results);
    doubts(&mut page, results);
    failures(&mut page, results);
    tables::phases(&mut page, results);
    tables::transports(&mut page, results);
    tables::machine(&mut page, results);
    tables::generators(&mut page, results);
    charts::all(&mut page, results);
    page.push_str("<h2>In words</h2><ul>");
    for line in counted(results).into_iter().chain(memory_and_clocks(results)) {
        let _ = write!(page, "<li>{}</li>", escape(&line));
    }
    page.push_str("</ul>");
    let _ = write!(
        page,
        "<h2>How it was measured</h2><p>{METHOD}</p><details><summary>The plan</summary><pre>{}</pre></details>\
         <p class=\"what\">{} on {}: {}, {}.</p>",
        escape(&results.plan),
        escape(&results.versions.generator),
        escape(&results.host),
        style::several(results.cores, "core"),
        style::several(results.threads, "generator thread")
    );
    end(page)
}

/// Up to where the content begins. Nothing is ever fetched, and the browser is told so.
pub(super) fn head(title: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{}</title>\
         <style>{STYLE}</style></head><body><main>",
        escape(title)
    )
}

pub(super) fn end(mut page: String) -> String {
    page.push_str("</main></body></html>\n");
    page
}

fn verdict(page: &mut String, results: &Results) {
    let good = results.exit_code() == 0;
    let _ = write!(page, "<header class=\"{}\">", if good { "good" } else { "bad" });
    let _ = write!(page, "<h1>{}</h1>", escape(&headline(results)));
    let meaning = match results.converged {
        Some(true) => "In the end every browser showed what is true of everybody on its list.",
        Some(false) => "In the end some browsers showed something that is not true.",
        None => "Nothing is known of what browsers showed in the end.",
    };
    let verdict = if good { "The test passed." } else { "The test failed." };
    let _ = write!(page, "<p>{meaning} <b>{verdict}</b></p>");
    for line in trouble(results) {
        let _ = write!(page, "<p>{}</p>", escape(&line));
    }
    page.push_str("</header>");
}

fn failures(page: &mut String, results: &Results) {
    let failures = results.failures();
    if failures.is_empty() {
        return;
    }
    page.push_str("<h2>Failures</h2><div class=\"wide\"><table class=\"words\"><tbody>");
    for (name, count) in failures {
        let (count, why) = (style::count(count), escape(explanation(&name)));
        let _ =
            write!(page, "<tr><td>{}</td><td>{count}</td><td class=\"text\">{why}</td></tr>", escape(&name));
    }
    page.push_str("</tbody></table></div>");
}

fn doubts(page: &mut String, results: &Results) {
    if results.warnings.is_empty() {
        return;
    }
    page.push_str("<section class=\"doubts\"><h2>Read with care</h2><ul>");
    for warning in &results.warnings {
        let _ = write!(page, "<li>{}</li>", escape(warning));
    }
    page.push_str("</ul></section>");
}

/// UTC, from seconds since 1970 (Howard Hinnant's days-to-civil).
fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", rest / 3600, rest / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_827_696), "2000-02-29 12:34 UTC");
        assert_eq!(date(1_795_476_000), "2026-11-23 23:20 UTC");
    }
}
