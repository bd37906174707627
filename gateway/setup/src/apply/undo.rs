//! Takes back what the journal says was written, the newest first.
//!
//! An item goes back only if it still is what this tool wrote; a document that was made goes only if nobody
//! has changed what was written into it. Everything else is reported and left alone.

use crate::directory::{Change, Directory, DirectoryError, Persons, Query, Update};
use crate::estate::{Document, ItemName, Unid, Value};
use crate::items::{ItemKind, ItemTable};
use crate::plan::means;
use crate::survey::Opened;

use super::journal::{Beside, Intent, Journal, JournalError, JournalItem, Record, Standing};
use super::report::{Fate, Outcome, Report};

/// Undoes every write that stands. `said` hears of each document as it is done.
pub async fn undo<D: Directory>(
    table: &ItemTable,
    opened: &mut [Opened<D>],
    journal: &mut Journal,
    mut said: impl FnMut(&Outcome),
) -> Result<Report, JournalError> {
    let mut report = Report::default();
    for standing in journal.standing() {
        let intent = &standing.intent;
        let fate = match (
            &report.stopped,
            opened.iter_mut().find(|opened| opened.access.name == intent.directory),
        ) {
            (Some(reason), _) => Fate::NotReached(reason.clone()),
            (None, Some(Opened { directory: Some(directory), .. })) => {
                let fate = one(directory, table, &standing).await;
                if matches!(fate, Fate::Written { .. } | Fate::Right) {
                    journal.add(Record::Undone { number: intent.number })?;
                }
                fate
            }
            (None, _) => Fate::ByHand(format!("there is no access \"{}\" any more", intent.directory)),
        };
        if let Fate::Failed(error) = &fate
            && error.stops_the_run()
        {
            report.stopped = Some(format!("{}: {error}", intent.directory));
        }
        let outcome =
            Outcome { title: intent.title.clone(), directory: intent.directory.clone(), fate, by_hand: 0 };
        said(&outcome);
        report.outcomes.push(outcome);
    }
    journal.flush()?;
    Ok(report)
}

async fn one<D: Directory>(directory: &mut D, table: &ItemTable, standing: &Standing) -> Fate {
    let Standing { intent, unid, beside } = standing;
    let made = intent.unid.is_none();
    let unid = match intent.unid.clone().or_else(|| unid.clone()) {
        Some(unid) => unid,
        None => match lost_document(directory, table, intent).await {
            Ok(Some(unid)) => unid,
            // The request was never done.
            Ok(None) => return Fate::Right,
            Err(error) => return Fate::Failed(error),
        },
    };
    let found = match directory.fetch(intent.kind, &unid).await {
        Ok(Some(found)) => found,
        Ok(None) if made => return Fate::Right,
        Ok(None) => return Fate::Conflict("the document is gone".to_owned()),
        Err(error) => return Fate::Failed(error),
    };
    let now = |item: &JournalItem| found.items.get(&item.item).cloned();
    if !made && intent.items.iter().all(|item| now(item) == item.before) {
        return Fate::Right;
    }
    if let Some(item) =
        intent.items.iter().find(|item| !now(item).is_some_and(|now| means(item.kind, &now, &item.after)))
    {
        return Fate::Conflict(format!(
            "{} is not what was written; somebody has changed it since",
            item.item
        ));
    }
    let result =
        if made { directory.delete(&unid).await } else { restore(directory, &found, intent, beside).await };
    match result {
        Ok(()) => read_back(directory, standing, &unid).await,
        Err(DirectoryError::Conflict) => Fate::Conflict("it was changed while it was written".to_owned()),
        Err(error) => Fate::Failed(error),
    }
}

async fn restore<D: Directory>(
    directory: &mut D,
    found: &Document,
    intent: &Intent,
    beside: &[Beside],
) -> Result<(), DirectoryError> {
    let change = |item: &ItemName, kind, before: &Option<Value>| Change {
        item: item.clone(),
        kind,
        before: found.items.get(item).cloned(),
        after: before.clone(),
    };
    // What the form has changed goes back too, unless somebody has changed it since.
    let still = |beside: &&Beside| found.items.get(&beside.item) == beside.after.as_ref();
    let changes =
        intent.items.iter().map(|item| change(&item.item, item.kind, &item.before)).chain(
            beside.iter().filter(still).map(|item| change(&item.item, ItemKind::Unknown, &item.before)),
        );
    let update =
        Update { unid: found.unid.clone(), revision: found.revision.clone(), changes: changes.collect() };
    directory.update(&update).await
}

async fn read_back<D: Directory>(directory: &mut D, standing: &Standing, unid: &Unid) -> Fate {
    let Standing { intent, beside, .. } = standing;
    let found = match directory.fetch(intent.kind, unid).await {
        Ok(found) => found,
        Err(error) => return Fate::Failed(error),
    };
    match (found, intent.unid.is_none()) {
        (None, true) => Fate::Written { beside: Vec::new() },
        (Some(_), true) => Fate::Differs("the document is still there".to_owned()),
        (None, false) => Fate::Differs("the document is not there any more".to_owned()),
        (Some(found), false) => {
            let is_back = |item: &ItemName, before: &Option<Value>| {
                let now = found.items.get(item);
                // A path that cannot remove items leaves them empty.
                now == before.as_ref() || (before.is_none() && now.is_some_and(Value::is_empty))
            };
            match intent.items.iter().find(|item| !is_back(&item.item, &item.before)) {
                Some(item) => Fate::Differs(format!("{} is not what it was before", item.item)),
                // What a form computes it computes again: that is said, and no failure.
                None => {
                    let left = beside.iter().filter(|beside| !is_back(&beside.item, &beside.before));
                    Fate::Written { beside: left.map(|beside| beside.item.to_string()).collect() }
                }
            }
        }
    }
}

/// A document whose making was never answered: the one that holds all that was asked for.
async fn lost_document<D: Directory>(
    directory: &mut D,
    table: &ItemTable,
    intent: &Intent,
) -> Result<Option<Unid>, DirectoryError> {
    let query =
        Query { kind: intent.kind, form: table.form(intent.kind), persons: Persons::All, items: None };
    let found = directory.read(&query).await?;
    let is_it = |document: &&Document| {
        intent
            .items
            .iter()
            .all(|item| document.items.get(&item.item).is_some_and(|now| means(item.kind, now, &item.after)))
    };
    let mut same = found.iter().filter(is_it);
    match (same.next(), same.next()) {
        (Some(one), None) => Ok(Some(one.unid.clone())),
        (None, _) => Ok(None),
        (Some(_), Some(_)) => {
            Err(DirectoryError::CannotDo("several documents could be the one that was made"))
        }
    }
}
