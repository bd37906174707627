//! Decides about one item: whether what is there already means what is wanted.

use super::{Action, Current, DocumentPlan, Draft, ItemPlan, Step};
use crate::estate::{Document, Replica, Value};
use crate::items::{DocumentKind, Item, ItemKind, Setting};
use crate::names::NotesName;

/// An item that shall have a value.
pub(super) struct Want {
    pub(super) setting: Setting,
    pub(super) value: Value,
    pub(super) why: String,
}

pub(super) fn want(setting: Setting, value: impl Into<Value>, why: impl Into<String>) -> Want {
    Want { setting, value: value.into(), why: why.into() }
}

/// Whether two values mean the same for an item of this kind: names in any spelling, lists as sets,
/// numbers also as text.
pub(crate) fn means(kind: ItemKind, one: &Value, other: &Value) -> bool {
    let normal = |value: &Value| {
        let mut texts: Vec<String> = value.texts().iter().map(|text| folded(kind, text)).collect();
        if kind.is_list() {
            texts.sort();
            texts.dedup();
        }
        texts
    };
    normal(one) == normal(other)
}

fn folded(kind: ItemKind, text: &str) -> String {
    let name = if kind.is_names() { text.parse::<NotesName>().ok() } else { None };
    name.map_or_else(|| text.trim().to_lowercase(), |name| name.folded())
}

impl Draft<'_> {
    /// Plans items against a document that is there.
    pub(super) fn update(
        &self,
        replica: &Replica,
        step: Step,
        document: &Document,
        wants: Vec<Want>,
        title: String,
        why: &str,
    ) -> DocumentPlan {
        let items = wants.into_iter().map(|want| {
            let current = self.current(document, want.setting);
            self.item(replica, want, current)
        });
        let items: Vec<ItemPlan> = items.collect();
        let worst = |action| items.iter().any(|item: &ItemPlan| item.action == action);
        let action = if worst(Action::Update) {
            Action::Update
        } else if worst(Action::Manual) {
            Action::Manual
        } else {
            Action::Leave
        };
        let mut plan = self.frame(replica, step, document.kind, title, why);
        plan.unid = Some(document.unid.clone());
        plan.revision = document.revision.clone();
        plan.action = action;
        plan.items = items;
        plan
    }

    /// Plans a document that is not there, or (`seen` false) of which nobody knows.
    pub(super) fn create(
        &self,
        replica: &Replica,
        step: Step,
        kind: DocumentKind,
        wants: Vec<Want>,
        title: String,
        why: &str,
    ) -> DocumentPlan {
        let current = if replica.sees(kind) { Current::Absent } else { Current::Unseen };
        let mut plan = self.frame(replica, step, kind, title, why);
        plan.items = wants.into_iter().map(|want| self.item(replica, want, current.clone())).collect();
        for item in plan.items.iter_mut().filter(|item| item.action == Action::Update) {
            item.action = Action::Create;
        }
        plan
    }

    fn frame(
        &self,
        replica: &Replica,
        step: Step,
        kind: DocumentKind,
        title: String,
        why: &str,
    ) -> DocumentPlan {
        let form = self.table.form(kind);
        DocumentPlan {
            step,
            kind,
            directory: replica.access.clone(),
            form: form.form,
            form_type: form.kind,
            title,
            unid: None,
            revision: None,
            action: Action::Create,
            why: why.to_owned(),
            items: Vec::new(),
        }
    }

    fn current(&self, document: &Document, setting: Setting) -> Current {
        match self.table.name(setting) {
            None => Current::Unseen,
            Some(name) => document.items.get(name).cloned().map_or(Current::Absent, Current::Is),
        }
    }

    fn item(&self, replica: &Replica, want: Want, current: Current) -> ItemPlan {
        let Item { name, kind, mark, value_mark, source, field } = self.table.item(want.setting);
        let right = match &current {
            Current::Is(value) => means(kind, value, &want.value),
            Current::Absent => want.value.is_empty(),
            Current::Unseen => false,
        };
        let document_kind = want.setting.kind();
        let missing = |name| !self.setup.force_items && !replica.has_item(document_kind, name);
        let open = match &name {
            None => Some("the item's name is published nowhere"),
            Some(_) if kind == ItemKind::Unknown => Some("its type is published nowhere"),
            Some(name) if missing(name) => Some(
                "neither the form nor any document here has this item ([items] force writes it all the same)",
            ),
            Some(_) => None,
        };
        let (action, why) = match open {
            _ if right => (Action::Leave, want.why),
            None => (Action::Update, want.why),
            Some(open) => {
                let advice = format!(
                    "{}; {open}: set the field \"{field}\" by hand, or let `setup discover` find it and name its table in [items]",
                    want.why
                );
                (Action::Manual, advice)
            }
        };
        let wanted = want.value;
        ItemPlan {
            setting: want.setting,
            item: name,
            field,
            kind,
            mark,
            value_mark,
            source,
            current,
            wanted,
            action,
            why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_the_same_value_are_no_difference() {
        let texts = |texts: &[&str]| Value::Texts(texts.iter().map(|text| (*text).to_owned()).collect());
        assert!(means(ItemKind::Names, &"Sametime/Renovation".into(), &"cn=SAMETIME/o=renovation".into()));
        assert!(means(ItemKind::Number, &Value::number(120), &"120".into()));
        assert!(means(ItemKind::Text, &"LtpaToken".into(), &texts(&["LtpaToken"])));
        assert!(means(
            ItemKind::NamesList,
            &texts(&["B/Acme", "A/Acme"]),
            &texts(&["CN=A/O=Acme", "CN=B/O=Acme"])
        ));
        assert!(!means(ItemKind::NamesList, &texts(&["A/Acme"]), &texts(&["A/Acme", "B/Acme"])));
        assert!(!means(ItemKind::Text, &"2".into(), &"1".into()));
    }
}
