//! Every published vector through `livename token verify --json-lines`.

use serde_json::{Value, json};

use crate::support::{piped, vectors};

const FILES: [&str; 5] = ["domino", "websphere", "cookie", "keyfile", "independent"];

#[test]
fn every_vector_gets_its_answer_from_the_program() {
    for file in FILES {
        let set = vectors(file);
        let cases = set["vectors"].as_array().unwrap();
        let mut lines = String::new();
        if set.get("keysets").is_some() {
            lines = format!("{}\n", json!({ "keysets": set["keysets"] }));
        }
        for case in cases {
            let mut question = case.clone();
            question.as_object_mut().unwrap().remove("expect");
            lines.push_str(&format!("{question}\n"));
        }
        let (code, answers, complaints) = piped(&["token", "verify", "--json-lines"], &lines);
        assert_eq!((code, complaints.as_str()), (0, ""), "{file}");
        let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), cases.len(), "{file}");
        for (case, answer) in cases.iter().zip(&answers) {
            assert_eq!(answer["name"], case["name"], "{file}");
            compare(&case["expect"], answer);
        }
    }
}

fn compare(expect: &Value, answer: &Value) {
    for (field, value) in expect.as_object().unwrap() {
        match field.as_str() {
            "note" => {}
            "not_user" => assert_ne!(&answer["user"], value, "{answer}"),
            "any_of" => assert!(value.as_array().unwrap().contains(&answer["reason"]), "{answer}"),
            "reason" if expect.get("any_of").is_some() => {}
            // Private exponents that do the same may differ; primes come in either order.
            "d_hex" => assert!(answer[field].as_str().is_some_and(|d| !d.is_empty()), "{answer}"),
            "p_hex" | "q_hex" => {
                assert!([&answer["p_hex"], &answer["q_hex"]].contains(&value), "{answer}");
            }
            _ => assert_eq!(&answer[field], value, "{field} of {answer}"),
        }
    }
}

#[test]
fn key_sets_may_stand_in_the_line_itself_and_stay_known() {
    let set = vectors("websphere");
    let case = set["vectors"].as_array().unwrap().iter().find(|case| case["name"] == "minimal").unwrap();
    let mut first = case.clone();
    first["keysets"] = json!({ "A": set["keysets"]["A"] });
    let (code, answers, _) = piped(&["token", "verify", "--json-lines"], &format!("{first}\n\n{case}"));
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, answers.len()), (0, 2));
    assert_eq!((&answers[0]["user"], &answers[1]["ok"]), (&case["expect"]["user"], &json!(true)));
}

#[test]
fn lines_that_cannot_be_understood_are_answered_too() {
    let long = "x".repeat(3 << 20);
    let lines = format!(
        "not json\n{long}\n{}\n{}\n{}\n",
        json!({ "name": "unknown key", "format": "was-ltpa2", "keys": ["Z"], "token": "AA==", "now": 1 }),
        json!({ "name": "no token", "format": "domino", "secrets": [], "now": 1 }),
        json!({ "name": "fine", "format": "cookie", "header": "a=b", "cookie": "a" }),
    );
    let (code, answers, _) = piped(&["token", "verify", "--json-lines"], &lines);
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, answers.len()), (1, 5), "{answers:?}");
    assert!(answers[..4].iter().all(|answer| answer["error"].is_string()), "{answers:?}");
    assert_eq!(answers[2]["name"], "unknown key");
    assert_eq!(answers[4], json!({ "name": "fine", "values": ["b"] }));
}
