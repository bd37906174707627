//! A plan as text: findings, then document by document, then the steps around them.

use std::fmt::Write;

use crate::items::{DocumentKind, Mark};
use crate::plan::{Action, Current, DocumentPlan, ItemPlan, Level, Plan, SsoCase, Step, When};

/// Person documents with the same fate that are shown one by one; the rest is counted.
const MOST_PERSONS: usize = 10;

/// The plan as a page of text.
pub fn table(plan: &Plan) -> String {
    let mut out = String::new();
    let case = match plan.case {
        SsoCase::A => "A: a mail server is not on SSO yet",
        SsoCase::B => "B: the mail servers are on SSO already",
        SsoCase::None => "none: secrets and tokens",
        SsoCase::Unseen => "not known: the Server documents cannot be read",
    };
    let _ = writeln!(out, "Case {case}\n");
    for finding in &plan.findings {
        let level = match finding.level {
            Level::Refusal => "REFUSED",
            Level::Warning => "warning",
            Level::Note => "note",
        };
        let _ = writeln!(out, "{level:<8} [{}] {}", finding.id, finding.text);
    }
    let mut step: Option<Step> = None;
    let mut persons = Persons::default();
    for document in &plan.documents {
        if step != Some(document.step) {
            persons.flush(&mut out);
            step = Some(document.step);
            let _ = writeln!(out, "\n== {}", document.step.title());
        }
        if document.kind == DocumentKind::Person && !persons.shows(document.action) {
            continue;
        }
        one(&mut out, document);
    }
    persons.flush(&mut out);
    for when in [When::Before, When::At, When::After] {
        let _ = writeln!(out, "\n== {}", when.word());
        for step in plan.cut_over.iter().filter(|step| step.when == when) {
            let _ = writeln!(out, "  [ ] {}", step.text);
        }
    }
    let _ = writeln!(out, "\n{}", summary(plan));
    out
}

/// One line: how many documents of each action.
pub(crate) fn summary(plan: &Plan) -> String {
    let count = |action| plan.documents.iter().filter(|document| document.action == action).count();
    format!(
        "{} to create, {} to update, {} right already, {} by hand",
        count(Action::Create),
        count(Action::Update),
        count(Action::Leave),
        count(Action::Manual)
    )
}

fn one(out: &mut String, document: &DocumentPlan) {
    let _ = writeln!(
        out,
        "{:<7} {} ({}, in {})",
        document.action.word(),
        document.title,
        document.kind,
        document.directory
    );
    if document.action != Action::Leave {
        let _ = writeln!(out, "        why: {}", document.why);
    }
    for item in &document.items {
        line(out, item);
    }
}

fn line(out: &mut String, item: &ItemPlan) {
    let name = item.item.as_ref().map_or("(name unknown)", |name| name.as_str());
    let current = match &item.current {
        Current::Unseen => "(not seen)".to_owned(),
        Current::Absent => "(absent)".to_owned(),
        Current::Is(value) => format!("\"{value}\""),
    };
    let change =
        if item.action == Action::Leave { current } else { format!("{current} -> \"{}\"", item.wanted) };
    let _ = writeln!(out, "  {:<7} {name:<24} {change}", item.action.word());
    if item.action != Action::Leave {
        let _ = writeln!(
            out,
            "          {}; name {}, value {}{}",
            item.why,
            item.mark,
            item.value_mark,
            caution(item)
        );
    }
}

fn caution(item: &ItemPlan) -> &'static str {
    if item.mark >= Mark::Inferred || item.value_mark >= Mark::Inferred {
        " (not confirmed on a real server)"
    } else {
        ""
    }
}

/// Counts Person documents beyond the first few of each action.
#[derive(Default)]
struct Persons(Vec<(Action, usize)>);

impl Persons {
    fn shows(&mut self, action: Action) -> bool {
        let count = match self.0.iter_mut().find(|(known, _)| *known == action) {
            Some((_, count)) => count,
            None => {
                self.0.push((action, 0));
                return self.shows(action);
            }
        };
        *count += 1;
        *count <= MOST_PERSONS
    }

    fn flush(&mut self, out: &mut String) {
        for (action, count) in self.0.drain(..).filter(|(_, count)| *count > MOST_PERSONS) {
            let _ = writeln!(
                out,
                "{:<7} ... and {} more persons; --json lists all",
                action.word(),
                count - MOST_PERSONS
            );
        }
    }
}
