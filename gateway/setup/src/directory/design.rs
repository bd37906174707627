//! Fields and subforms in the designs that the REST API's set-up side gives (domino-directory.md 3.9). The shape of its
//! answers is not published, so they are looked for wherever they may be.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::Field;
use crate::items::ItemKind;

/// The subforms that a design names, wherever that is: its shape is not published.
pub(super) fn subforms_of(json: &Json) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    match json {
        Json::Array(values) => values.iter().for_each(|value| names.extend(subforms_of(value))),
        Json::Object(object) => {
            for (key, value) in object {
                if key.to_lowercase().contains("subform") {
                    names_of(value, &mut names);
                } else {
                    names.extend(subforms_of(value));
                }
            }
        }
        _ => {}
    }
    names
}

/// The names in a list of design elements: texts, or objects with a name. Behind `|` are aliases.
pub(super) fn names_of(json: &Json, names: &mut BTreeSet<String>) {
    match json {
        Json::String(text) => {
            names.extend(text.split('|').map(str::trim).rfind(|name| !name.is_empty()).map(str::to_owned));
        }
        Json::Array(values) => values.iter().for_each(|value| names_of(value, names)),
        Json::Object(object) => {
            let name = ["name", "@name", "title"].iter().find_map(|key| object.get(*key));
            match name {
                Some(name) => names_of(name, names),
                None => object
                    .values()
                    .filter(|value| !value.is_string())
                    .for_each(|value| names_of(value, names)),
            }
        }
        _ => {}
    }
}

/// Every object with a name and a type in a form's design, wherever it is: its shape is not published.
pub(super) fn fields_of(json: &Json, fields: &mut Vec<Field>) {
    match json {
        Json::Array(values) => values.iter().for_each(|value| fields_of(value, fields)),
        Json::Object(object) => {
            let text = |names: &[&str]| names.iter().find_map(|name| object.get(*name)?.as_str());
            if let (Some(Ok(name)), Some(kind)) =
                (text(&["name", "@name", "fieldName"]).map(str::parse), text(&["kind", "type", "fieldType"]))
            {
                let many = text(&["itemFlags", "fieldGroup"]).is_some_and(|flags| flags.contains("MULTI"))
                    || object.get("allowmultivalues").and_then(Json::as_bool).unwrap_or(false);
                let label = text(&["label", "description", "helpText"]).unwrap_or_default().to_owned();
                fields.push(Field { name, kind: kind_of(kind, many), label });
            }
            object.values().for_each(|value| fields_of(value, fields));
        }
        _ => {}
    }
}

fn kind_of(word: &str, many: bool) -> Option<ItemKind> {
    match (word.to_lowercase().as_str(), many) {
        ("names" | "authors" | "readers", false) => Some(ItemKind::Names),
        ("names" | "authors" | "readers", true) => Some(ItemKind::NamesList),
        ("number" | "numbers", _) => Some(ItemKind::Number),
        ("text" | "string" | "keyword" | "keywords" | "radiobutton" | "checkbox", false) => {
            Some(ItemKind::Text)
        }
        ("text" | "string" | "keyword" | "keywords" | "radiobutton" | "checkbox", true) => {
            Some(ItemKind::TextList)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn subforms_and_fields_are_found_in_several_shapes() {
        let name = |json: Json| subforms_of(&json).into_iter().collect::<Vec<_>>();
        assert_eq!(name(json!({"fields": [], "subforms": ["Tab one|$Tab1", "$Tab2"]})), ["$Tab1", "$Tab2"]);
        assert_eq!(name(json!({"body": [{"subformRef": {"@name": "$Tab3"}}]})), ["$Tab3"]);
        assert_eq!(name(json!({"fields": [{"name": "A", "type": "text"}]})), [""; 0]);
        let mut fields = Vec::new();
        let design = json!({"a": {"fieldName": "A", "fieldType": "NAMES", "allowmultivalues": true}, "b": [{"@name": "B", "kind": "odd"}]});
        fields_of(&design, &mut fields);
        let kinds: Vec<_> = fields.iter().map(|field| (field.name.as_str(), field.kind)).collect();
        assert_eq!(kinds, [("A", Some(ItemKind::NamesList)), ("B", None)]);
    }
}
