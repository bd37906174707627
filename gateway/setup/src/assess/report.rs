//! The findings together: go or no-go, for people and as JSON.

use std::fmt;

use serde_json::{Value, json};

use super::finding::{Finding, Severity};

/// What was found in all sources, the worst first.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub(super) findings: Vec<Finding>,
    /// Kinds of sources that were not handed in: what they could have shown stays open.
    pub(super) not_given: Vec<&'static str>,
}

impl Report {
    /// Every finding, blockers first, and those in order last.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether nothing was found that stands in the way.
    pub fn is_go(&self) -> bool {
        self.count(Severity::Blocker) == 0
    }

    /// The report as one JSON object.
    pub fn json(&self) -> Value {
        json!({
            "go": self.is_go(),
            "blockers": self.count(Severity::Blocker),
            "warnings": self.count(Severity::Warning),
            "not_given": self.not_given,
            "findings": self.findings,
        })
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn finish(&mut self) {
        self.findings.sort_by_key(|finding| finding.severity);
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in self.findings.iter().filter(|finding| finding.severity != Severity::Fine) {
            write_finding(f, finding)?;
        }
        let fine: Vec<&Finding> =
            self.findings.iter().filter(|finding| finding.severity == Severity::Fine).collect();
        if !fine.is_empty() {
            writeln!(f, "In order:")?;
            for finding in fine {
                let place = finding.places.first().map(|place| format!(" ({place})")).unwrap_or_default();
                writeln!(f, "  {}{place}", finding.what)?;
            }
            writeln!(f)?;
        }
        if !self.not_given.is_empty() {
            writeln!(f, "Not handed in, so not looked at: {}.", self.not_given.join(", "))?;
        }
        let (blockers, warnings) = (self.count(Severity::Blocker), self.count(Severity::Warning));
        match blockers {
            0 => writeln!(f, "GO as far as these files show: no blocker, {}.", counted(warnings, "warning")),
            _ => writeln!(f, "NO-GO: {}, {}.", counted(blockers, "blocker"), counted(warnings, "warning")),
        }
    }
}

fn write_finding(f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
    let word = match finding.severity {
        Severity::Blocker => "BLOCKER",
        Severity::Warning => "WARNING",
        Severity::Note | Severity::Fine => "NOTE",
    };
    writeln!(f, "{word}  {}  [{}]", finding.what, finding.check)?;
    for place in &finding.places {
        writeln!(f, "    seen    {place}")?;
    }
    if finding.more_places > 0 {
        writeln!(f, "    seen    at {} more places", finding.more_places)?;
    }
    writeln!(f, "    why     {} [{}: {}]", finding.why, finding.mark, finding.source)?;
    for change in &finding.changes {
        writeln!(f, "    change  {}", change.at)?;
        for (sign, text) in [("-", &change.now), ("+", &change.then)] {
            if let Some(text) = text {
                writeln!(f, "            {sign} {text}")?;
            }
        }
    }
    writeln!(f)
}

fn counted(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}
