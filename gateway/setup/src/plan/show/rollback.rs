//! The way back, written beside every plan: for the case that the journal is lost, and for what was done by hand.

use std::fmt::Write;

use crate::items::DocumentKind;
use crate::plan::{Action, Current, Plan, Step};

/// Person documents that are listed; the journal has all of them.
const MOST_PERSONS: usize = 50;

/// `rollback.md`: how to get back to what was there when the plan was made.
pub fn rollback(plan: &Plan) -> String {
    let mut out = String::from(
        "# Way back\n\nFirst choice: `livename setup undo` with the journal of the apply. It restores what the tool wrote, item by item, and \
         leaves alone what somebody has changed since.\n\nBy hand, in this order (users first, so that nobody sees a broken icon):\n",
    );
    let mut number = 0_usize;
    let mut persons = 0_usize;
    for document in plan.documents.iter().rev().filter(|document| document.action != Action::Leave) {
        if document.kind == DocumentKind::Person {
            persons += 1;
            if persons > MOST_PERSONS {
                continue;
            }
        }
        number += 1;
        let unid = document.unid.as_ref().map_or("no UNID yet".to_owned(), |unid| format!("UNID {unid}"));
        let _ = writeln!(
            out,
            "\n{number}. {} `{}` in {} ({unid}):",
            document.kind, document.title, document.directory
        );
        if document.action == Action::Create {
            let is_unseen = document.items.iter().any(|item| item.current == Current::Unseen);
            let unless = if is_unseen { ", unless it was there before: nobody could look" } else { "" };
            let _ = writeln!(out, "   * delete the document{unless}");
            continue;
        }
        for item in document.items.iter().filter(|item| item.action != Action::Leave) {
            let name = item.item.as_ref().map_or(item.field.as_str(), |name| name.as_str());
            let _ = match &item.current {
                Current::Unseen => {
                    writeln!(out, "   * `{name}`: what you noted before (it could not be read)")
                }
                Current::Absent => writeln!(out, "   * `{name}`: remove the item"),
                Current::Is(value) => writeln!(out, "   * `{name}`: back to `{value}`"),
            };
        }
    }
    if persons > MOST_PERSONS {
        let _ = writeln!(
            out,
            "\n... and {} more Person documents; the journal lists all of them.",
            persons - MOST_PERSONS
        );
    }
    let servers = plan.documents.iter().any(|document| {
        document.step >= Step::SsoDocument
            && document.step <= Step::AllUsers
            && document.action != Action::Leave
    });
    if servers {
        let _ = writeln!(
            out,
            "\nThen replicate names.nsf to every server and restart HTTP there (`tell http restart`)."
        );
    }
    let _ = writeln!(
        out,
        "\nOutside the directory: set `iNotes_WA_SametimeProtocol` in notes.ini of every mail server back to what it was (`set configuration \
         iNotes_WA_SametimeProtocol=...`, or take the line out), then restart HTTP. At once, without any of this: `livename bypass on` lets pages \
         pass the gateway unchanged, without awareness, until `livename bypass off`."
    );
    if number == 0 {
        let _ = writeln!(out, "\nThe plan changes nothing, so there is nothing to take back.");
    }
    out
}
