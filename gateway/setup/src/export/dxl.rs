//! Documents as DXL (domino-directory.md 3.2, 4): one file to create, one to update, because an import has
//! one option for all its documents.

use std::fmt::Write;

use super::{UNTRIED, carried, is_carried, texts, unid};
use crate::items::ItemKind;
use crate::plan::{Action, Current, DocumentPlan, ItemPlan};

/// The documents of one action; none if there are none that DXL can carry. An update needs a universal id.
pub(super) fn file(documents: &[&DocumentPlan], action: Action) -> Option<String> {
    let fits = |document: &&&DocumentPlan| {
        is_carried(document)
            && document.action == action
            && (action == Action::Create || unid(document).is_some())
    };
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    comment(&mut out, "", UNTRIED);
    comment(
        &mut out,
        "",
        match action {
            Action::Create => {
                "Import into names.nsf with DocumentImportOption 2 (create), once. Look first that no such document is there: \
                           importing twice makes duplicates."
            }
            _ => {
                "Import into names.nsf with DocumentImportOption 9 (update, else ignore) and ReplicaRequiredForReplaceOrUpdate off. Items \
              that are not named here stay as they are."
            }
        },
    );
    out.push_str(
        "<database xmlns=\"http://www.lotus.com/dxl\" version=\"9.0\" maintenanceversion=\"1.0\">\n",
    );
    let empty = out.len();
    for document in documents.iter().filter(fits) {
        one(&mut out, document);
    }
    let any = out.len() > empty;
    out.push_str("</database>\n");
    any.then_some(out)
}

fn one(out: &mut String, document: &DocumentPlan) {
    let unseen = document.action == Action::Create
        && document.items.iter().any(|item| item.current == Current::Unseen && item.item.is_some());
    let doubt = if unseen { " (nobody could look whether it is there already)" } else { "" };
    comment(out, "  ", &format!("{}: {}{doubt}", document.kind, document.title));
    let _ = writeln!(out, "  <document form=\"{}\">", attribute(&document.form));
    if let Some(unid) = unid(document) {
        let _ = writeln!(out, "    <noteinfo unid=\"{unid}\"/>");
    }
    if let (Action::Create, Some(kind)) = (document.action, &document.form_type) {
        let _ = writeln!(out, "    <item name=\"Type\"><text>{}</text></item>", text(kind));
    }
    for (name, item) in carried(document) {
        comment(out, "    ", &marks(item));
        let names = if item.kind.is_names() { " names=\"true\"" } else { "" };
        let _ =
            writeln!(out, "    <item name=\"{}\"{names}>{}</item>", attribute(name.as_str()), value(item));
    }
    out.push_str("  </document>\n");
}

/// What an item rests on: shown in every file that can hold a remark.
pub(super) fn marks(item: &ItemPlan) -> String {
    format!("{}: name {}, value {} [{}]", item.field, item.mark, item.value_mark, item.source)
}

fn value(item: &ItemPlan) -> String {
    let texts = texts(item.kind, &item.wanted);
    let element = |text: &String| format!("<text>{}</text>", self::text(text));
    match item.kind {
        ItemKind::Number => {
            format!("<number>{}</number>", texts.first().map(|one| text(one)).unwrap_or_default())
        }
        ItemKind::TextList | ItemKind::NamesList => {
            format!("<textlist>{}</textlist>", texts.iter().map(element).collect::<String>())
        }
        ItemKind::Text | ItemKind::Names | ItemKind::Unknown => texts.iter().take(1).map(element).collect(),
    }
}

/// A text for XML, good in attributes as well, but for line ends and characters that XML does not know.
fn text(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("<break/>"),
            '\t' => out.push('\t'),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(out, "<nonxmlchar value=\"{:04x}\"/>", u32::from(c));
            }
            other => out.push(other),
        }
    }
    out
}

/// A text for an attribute, where only characters of XML can stand.
fn attribute(plain: &str) -> String {
    let known = |c: &char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    text(&plain.chars().filter(known).collect::<String>())
}

/// Comments must not hold two hyphens in a row, nor end with one.
fn comment(out: &mut String, indent: &str, words: &str) {
    let mut words = words.replace("--", "- -").replace("--", "- -");
    words.retain(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    let _ = writeln!(out, "{indent}<!-- {words} -->");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(
            text("O'Neil & \"Söhne\" <x>/a,b\u{e000}"),
            "O'Neil &amp; &quot;Söhne&quot; &lt;x&gt;/a,b\u{e000}"
        );
        assert_eq!(text("a\nb\u{1}"), "a<break/>b<nonxmlchar value=\"0001\"/>");
    }

    #[test]
    fn comments_stay_comments() {
        let mut out = String::new();
        comment(&mut out, "", "a--b---c\n-->");
        let inside = out.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->\n")).unwrap();
        assert!(!inside.contains("--"), "{out}");
    }
}
