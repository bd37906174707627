//! Writes one document of a plan.

use std::collections::{BTreeMap, BTreeSet};

use super::journal::{Beside, Intent, Journal, JournalError, JournalItem, Record};
use super::report::Fate;
use crate::directory::{Change, Directory, DirectoryError, Persons, Query, Update};
use crate::estate::{Document, ItemName, Unid, Value};
use crate::items::{Form, ItemTable, Setting};
use crate::plan::{Action, Current, DocumentPlan, ItemPlan, means};

pub(super) async fn document<D: Directory>(
    directory: &mut D,
    table: &ItemTable,
    plan: &DocumentPlan,
    journal: &mut Journal,
) -> Result<Fate, JournalError> {
    let items: Vec<&ItemPlan> =
        plan.items.iter().filter(|item| item.action.writes() && item.item.is_some()).collect();
    match (&plan.unid, plan.action) {
        (Some(unid), _) => update(directory, plan, unid, &items, journal).await,
        (None, Action::Create) => create(directory, table, plan, &items, journal).await,
        // It exists, but was not read: whoever makes the plan knows no UNID.
        (None, _) => Ok(Fate::ByHand("the document was not seen".to_owned())),
    }
}

async fn update<D: Directory>(
    directory: &mut D,
    plan: &DocumentPlan,
    unid: &Unid,
    items: &[&ItemPlan],
    journal: &mut Journal,
) -> Result<Fate, JournalError> {
    let mut number = None;
    // A lost answer or a lost race is looked into once more.
    for last in [false, true] {
        let found = match directory.fetch(plan.kind, unid).await {
            Ok(Some(found)) => found,
            Ok(None) => return void(journal, number, Fate::Conflict("the document is gone".to_owned())),
            // Nobody knows what became of a request that was sent: the intention stays in the journal.
            Err(error) => return Ok(Fate::Failed(error)),
        };
        let open: Vec<&ItemPlan> = items.iter().copied().filter(|item| !is_wanted(&found, item)).collect();
        if open.is_empty() {
            return match number {
                None => Ok(Fate::Right),
                Some(number) => done(journal, number, unid, Vec::new()),
            };
        }
        if let Some(text) = open.iter().find_map(|item| changed(&found, item)) {
            return void(journal, number, Fate::Conflict(text));
        }
        if number.is_none() {
            let next = journal.next_number();
            let items = open
                .iter()
                .filter_map(|item| journal_item(item, found.items.get(item.item.as_ref()?).cloned()));
            let intent = Intent {
                number: next,
                directory: plan.directory.clone(),
                kind: plan.kind,
                unid: Some(unid.clone()),
                title: plan.title.clone(),
                items: items.collect(),
            };
            journal.add(Record::Intent(intent))?;
            number = Some(next);
        }
        let changes = open.iter().filter_map(|item| {
            let name = item.item.clone()?;
            let before = found.items.get(&name).cloned();
            Some(Change { item: name, kind: item.kind, before, after: Some(item.wanted.clone()) })
        });
        let update =
            Update { unid: unid.clone(), revision: found.revision.clone(), changes: changes.collect() };
        match directory.update(&update).await {
            Ok(()) => return read_back(directory, plan, unid, items, Some(&found), journal, number).await,
            Err(DirectoryError::Lost(_) | DirectoryError::Conflict) if !last => {}
            Err(DirectoryError::Conflict) => {
                return void(
                    journal,
                    number,
                    Fate::Conflict("it was changed while it was written".to_owned()),
                );
            }
            Err(error @ DirectoryError::Lost(_)) => return Ok(Fate::Failed(error)),
            Err(error) => return void(journal, number, Fate::Failed(error)),
        }
    }
    Ok(Fate::Failed(DirectoryError::Conflict))
}

async fn create<D: Directory>(
    directory: &mut D,
    table: &ItemTable,
    plan: &DocumentPlan,
    items: &[&ItemPlan],
    journal: &mut Journal,
) -> Result<Fate, JournalError> {
    let form =
        Form { form: plan.form.clone(), kind: plan.form_type.clone(), mark: table.form(plan.kind).mark };
    let query = Query { kind: plan.kind, form: form.clone(), persons: Persons::All, items: None };
    let values: BTreeMap<ItemName, Value> =
        items.iter().filter_map(|item| Some((item.item.clone()?, item.wanted.clone()))).collect();
    let mut number = None;
    for last in [false, true] {
        let found = match directory.read(&query).await {
            Ok(found) => found,
            Err(error) => return Ok(Fate::Failed(error)),
        };
        let same: Vec<&Document> =
            found.iter().filter(|document| !document.is_conflict() && has_key(document, items)).collect();
        match (same.as_slice(), number) {
            ([], _) => {}
            // The answer was lost, and it is there: it is the one that was asked for.
            ([one], Some(_)) if items.iter().all(|item| is_wanted(one, item)) => {
                let unid = one.unid.clone();
                return read_back(directory, plan, &unid, items, None, journal, number).await;
            }
            _ => {
                return void(
                    journal,
                    number,
                    Fate::Conflict("somebody has made it since the plan; plan again".to_owned()),
                );
            }
        }
        let next = match number {
            Some(number) => number,
            None => journal.next_number(),
        };
        if number.is_none() {
            let intent = Intent {
                number: next,
                directory: plan.directory.clone(),
                kind: plan.kind,
                unid: None,
                title: plan.title.clone(),
                items: items.iter().filter_map(|item| journal_item(item, None)).collect(),
            };
            journal.add(Record::Intent(intent))?;
            number = Some(next);
        }
        match directory.create(&form, &values).await {
            Ok(unid) => return read_back(directory, plan, &unid, items, None, journal, number).await,
            Err(DirectoryError::Lost(_)) if !last => {}
            Err(error @ DirectoryError::Lost(_)) => return Ok(Fate::Failed(error)),
            Err(error) => return void(journal, number, Fate::Failed(error)),
        }
    }
    Ok(Fate::Failed(DirectoryError::Conflict))
}

/// Reads a document that was written, and compares it with what was asked for.
async fn read_back<D: Directory>(
    directory: &mut D,
    plan: &DocumentPlan,
    unid: &Unid,
    items: &[&ItemPlan],
    before: Option<&Document>,
    journal: &mut Journal,
    number: Option<u64>,
) -> Result<Fate, JournalError> {
    let Some(number) = number else { return Ok(Fate::Right) };
    let found = match directory.fetch(plan.kind, unid).await {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(Fate::Differs("the document is not there any more".to_owned())),
        Err(error) => {
            // It was written; that it was not read again is the news.
            journal.add(Record::Done { number, unid: unid.clone(), beside: Vec::new() })?;
            return Ok(Fate::Failed(error));
        }
    };
    let beside = before.map(|before| beside(before, &found, items)).unwrap_or_default();
    if let Some(item) = items.iter().find(|item| !is_wanted(&found, item)) {
        journal.add(Record::Done { number, unid: unid.clone(), beside })?;
        let name = item.item.as_ref().map(ItemName::as_str).unwrap_or_default();
        let now = item
            .item
            .as_ref()
            .and_then(|name| found.items.get(name))
            .map(ToString::to_string)
            .unwrap_or_default();
        return Ok(Fate::Differs(format!("{name} is \"{now}\" instead of \"{}\"", item.wanted)));
    }
    done(journal, number, unid, beside)
}

fn done(journal: &mut Journal, number: u64, unid: &Unid, beside: Vec<Beside>) -> Result<Fate, JournalError> {
    let names = beside.iter().map(|beside| beside.item.to_string()).collect();
    journal.add(Record::Done { number, unid: unid.clone(), beside })?;
    Ok(Fate::Written { beside: names })
}

/// What else than the items that were asked for is not what it was. Items with `$` are Domino's own book-keeping
/// and change with every save.
fn beside(before: &Document, after: &Document, asked: &[&ItemPlan]) -> Vec<Beside> {
    let asked: BTreeSet<&ItemName> = asked.iter().filter_map(|item| item.item.as_ref()).collect();
    let all: BTreeSet<&ItemName> = before.items.keys().chain(after.items.keys()).collect();
    let ours = |name: &&ItemName| !name.as_str().starts_with('$') && !asked.contains(*name);
    let changed = all.into_iter().filter(ours).map(|name| Beside {
        item: name.clone(),
        before: before.items.get(name).cloned(),
        after: after.items.get(name).cloned(),
    });
    changed.filter(|beside| !same(beside.before.as_ref(), beside.after.as_ref())).collect()
}

/// LDAP gives the values of an attribute in no order.
fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    let sorted = |value: &Value| {
        let mut texts = value.texts();
        texts.sort();
        texts
    };
    match (one, other) {
        (Some(one @ Value::Texts(_)), Some(other @ Value::Texts(_))) => sorted(one) == sorted(other),
        (one, other) => one == other,
    }
}

/// Notes that an intention came to nothing.
fn void(journal: &mut Journal, number: Option<u64>, fate: Fate) -> Result<Fate, JournalError> {
    if let Some(number) = number {
        journal.add(Record::Void { number })?;
    }
    Ok(fate)
}

fn journal_item(item: &ItemPlan, before: Option<Value>) -> Option<JournalItem> {
    Some(JournalItem { item: item.item.clone()?, kind: item.kind, before, after: item.wanted.clone() })
}

fn is_wanted(document: &Document, item: &ItemPlan) -> bool {
    let found = item.item.as_ref().and_then(|name| document.items.get(name));
    found.is_some_and(|found| means(item.kind, found, &item.wanted))
}

/// Says how an item differs from what the plan saw.
fn changed(document: &Document, item: &ItemPlan) -> Option<String> {
    let name = item.item.as_ref()?;
    let now = document.items.get(name).filter(|value| !value.is_empty());
    let seen = match &item.current {
        Current::Is(value) => Some(value).filter(|value| !value.is_empty()),
        Current::Absent => None,
        Current::Unseen => return None,
    };
    let same = match (now, seen) {
        (None, None) => true,
        (Some(now), Some(seen)) => means(item.kind, now, seen),
        _ => false,
    };
    let shown = |value: Option<&Value>| value.map_or("absent".to_owned(), |value| format!("\"{value}\""));
    (!same).then(|| {
        format!("{name} is {}, and was {} when the plan was made; plan again", shown(now), shown(seen))
    })
}

/// Whether a document is the one that would be made: the items that find it are the same.
fn has_key(document: &Document, items: &[&ItemPlan]) -> bool {
    const KEYS: &[Setting] =
        &[Setting::ConnectionSource, Setting::ConnectionDestination, Setting::ConfigurationAppliesTo];
    let keys: Vec<&&ItemPlan> = items.iter().filter(|item| KEYS.contains(&item.setting)).collect();
    !keys.is_empty() && keys.iter().all(|item| is_wanted(document, item))
}
