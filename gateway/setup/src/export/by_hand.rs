//! Instructions for a person: everything that has to be done, in the order of doing it, with what each value
//! rests on. Complete by itself: whoever follows it needs none of the other files.

use std::fmt::Write;

use super::UNTRIED;
use crate::items::DocumentKind;
use crate::plan::{Action, Current, DocumentPlan, ItemPlan, Level, Plan, Step, When};

/// Person documents that are listed; agent and DXL have all of them.
const MOST_PERSONS: usize = 50;

pub(super) fn file(plan: &Plan, files: &[String]) -> String {
    let mut out = format!("# What to do\n\n{UNTRIED}\n\n");
    legend(&mut out);
    findings(&mut out, plan);
    cut_over(&mut out, plan, When::Before, "Before");
    let mut number = 0;
    let mut step: Option<Step> = None;
    let mut persons = 0;
    let _ = writeln!(
        out,
        "## Documents\n\nIn this order, in one replica of names.nsf (that of the directory's administration server)."
    );
    for document in plan.documents.iter().filter(|document| document.action != Action::Leave) {
        if document.kind == DocumentKind::Person {
            persons += 1;
            if persons > MOST_PERSONS {
                continue;
            }
        }
        if step != Some(document.step) {
            step = Some(document.step);
            let _ = writeln!(out, "\n### {}", document.step.title());
        }
        number += 1;
        one(&mut out, number, document);
    }
    if persons > MOST_PERSONS {
        let _ = writeln!(out, "\n… and {} more Person documents, in the same way.", persons - MOST_PERSONS);
    }
    if number == 0 {
        let _ = writeln!(out, "\nNothing: every document is right already.");
    }
    let _ = writeln!(out);
    cut_over(&mut out, plan, When::At, "At the switch");
    cut_over(&mut out, plan, When::After, "After");
    how(&mut out, files);
    out
}

fn legend(out: &mut String) {
    let _ = writeln!(
        out,
        "How sure the name of an item and its value are: **verified** = a public source says so; **stated** = the vendor's own procedure \
         says so; **discovered** = read from this directory's design; **given** = from your own table; **inferred** = follows from \
         other facts; **unknown** = published nowhere. Look at inferred and unknown ones in the Notes client before and after.\n"
    );
}

fn findings(out: &mut String, plan: &Plan) {
    if plan.findings.is_empty() {
        return;
    }
    let _ = writeln!(out, "## Noticed\n");
    for finding in &plan.findings {
        let level = match finding.level {
            Level::Refusal => "**Stop.**",
            Level::Warning => "**Warning.**",
            Level::Note => "Note.",
        };
        let _ = writeln!(out, "* {level} {}", sentence(&finding.text));
    }
    let _ = writeln!(out);
}

fn one(out: &mut String, number: usize, document: &DocumentPlan) {
    let what = match document.action {
        Action::Create => "Create",
        Action::Update => "Change",
        Action::Manual | Action::Leave => "By hand",
    };
    let _ = writeln!(
        out,
        "\n{number}. **{what}: {}, {}** (in {})",
        document.kind,
        plain(&document.title),
        plain(&document.directory)
    );
    let _ = writeln!(out, "   {}.\n", sentence(document.why.trim_end_matches('.')));
    let _ = writeln!(
        out,
        "   | field | item | now | wanted | name | value | source |\n   | --- | --- | --- | --- | --- | --- | --- |"
    );
    for item in &document.items {
        row(out, item);
    }
}

fn row(out: &mut String, item: &ItemPlan) {
    let now = match &item.current {
        Current::Unseen => "?".to_owned(),
        Current::Absent => "(absent)".to_owned(),
        Current::Is(value) if value.is_empty() => "(blank)".to_owned(),
        Current::Is(value) => plain(&value.to_string()),
    };
    let value = if item.wanted.is_empty() { "(blank)".to_owned() } else { plain(&item.wanted.to_string()) };
    let wanted = match item.action {
        Action::Leave => "right already".to_owned(),
        Action::Manual => format!("by hand: {value}"),
        Action::Create | Action::Update => value,
    };
    let name = item.item.as_ref().map_or("?".to_owned(), |name| plain(name.as_str()));
    let _ = writeln!(
        out,
        "   | {} | {name} | {now} | {wanted} | {} | {} | {} |",
        plain(&item.field),
        item.mark,
        item.value_mark,
        plain(&item.source)
    );
}

fn cut_over(out: &mut String, plan: &Plan, when: When, title: &str) {
    let _ = writeln!(out, "## {title}\n");
    for step in plan.cut_over.iter().filter(|step| step.when == when) {
        let _ = writeln!(out, "* [ ] {}", sentence(&step.text));
    }
    let _ = writeln!(out);
}

/// How to use the files beside this one.
fn how(out: &mut String, files: &[String]) {
    const HOW: [(&str, &str); 6] = [
        (
            "create",
            "new documents as DXL. Import once, with a Notes session: `NotesDXLImporter`, `DocumentImportOption` = 2 (create). No form formulas run: open and save each document once in the Notes client.",
        ),
        (
            "update",
            "changed items as DXL, for documents whose universal id is known. `DocumentImportOption` = 9 (update, else ignore), `ReplicaRequiredForReplaceOrUpdate` = False.",
        ),
        (
            "agent",
            "the same as a LotusScript agent, which looks before it writes and can run again. Compile it in Designer; run it as it is (`DRY_RUN`), read what it prints, then set `DRY_RUN` to False.",
        ),
        ("sso-agent", "records and compares the encrypted SSO document. It changes nothing as it stands."),
        (
            "one-touch",
            "only for a server that is set up for the first time: `server -autoconf FILE`; check it with `validjson FILE -default`. Never for a running server: it cannot be run again, and creates without looking.",
        ),
        ("notes-ini", "settings outside the directory, as console commands."),
    ];
    let _ = writeln!(
        out,
        "## The files beside this one\n\nUse **one** way for each document: files, the live way (`livename setup apply`), or the Notes client.\n"
    );
    for file in files {
        let words = HOW.iter().filter(|(stem, _)| file.starts_with(stem)).map(|(_, words)| *words).next();
        let _ = writeln!(out, "* `{file}`: {}", words.unwrap_or_default());
    }
}

/// A sentence of the plan. Its backticks are meant, unless a name brought one of its own.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let text: String =
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect());
    let plain = plain(&text);
    if text.matches('`').count().is_multiple_of(2) { plain.replace("\\`", "`") } else { plain }
}

/// Text that Markdown shows as it is, on one line.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '|' | '<' | '[' | ']' | '#' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_break_the_table() {
        assert_eq!(plain("a|b\nc *d* `e` <f>"), "a\\|b c \\*d\\* \\`e\\` \\<f>");
    }
}
