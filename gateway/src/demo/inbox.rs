//! An invented inbox: the same for the same person every time, with senders and recipients from the
//! simulated directory.

use serde_json::{Value, json};

const MESSAGES: usize = 24;

const SUBJECTS: &[(&str, &[&str])] = &[
    (
        "Floor plans for the east wing",
        &[
            "The revised plans are in. The load-bearing wall stays where it is, so the meeting corner moves to the window side.",
            "Please look at the socket positions before Thursday; after that the electricians start.",
        ],
    ),
    (
        "Budget round, second draft",
        &[
            "Numbers for the third quarter are attached in the usual place. Travel went down, licences went up.",
            "I would like one line per project that explains the difference, nothing longer.",
        ],
    ),
    (
        "Who has the keys to the archive?",
        &[
            "The archive room is locked and the spare key is not in its box. If you took it, no questions asked.",
        ],
    ),
    (
        "Customer visit on Tuesday",
        &[
            "They arrive at nine and want to see the workshop first. Coffee is ordered, the projector is not.",
            "Can somebody who is around check whether the big room is really free?",
        ],
    ),
    (
        "Notes from the steering meeting",
        &[
            "Three decisions: the tender goes out next week, the old heating stays one more winter, and we meet every second Monday.",
        ],
    ),
    (
        "Migration weekend",
        &[
            "We start Friday at six. Mail is read-only until midnight, chat stays up.",
            "If you are on call, please set your status accordingly so that people know whom to ask.",
        ],
    ),
    ("Lunch?", &["The place around the corner has opened again. Twelve thirty at the door."]),
    (
        "Offer from the window supplier",
        &["They came down by four percent. I would take it, but the delivery time is eleven weeks."],
    ),
    (
        "Welcome to our new colleagues",
        &["Six people start on the first. Please introduce yourselves when you see an unknown face."],
    ),
    (
        "Safety briefing",
        &["It is that time of the year again. Half an hour, and then you are done until next autumn."],
    ),
];

/// The messages of the person at `index` among `people` (directory ids).
pub(super) fn messages(people: &[String], index: usize) -> Value {
    let mut dice = Dice(index as u64 + 1);
    let messages: Vec<Value> = (0..MESSAGES)
        .map(|age| {
            let (subject, body) = dice.pick(SUBJECTS).copied().unwrap_or_default();
            let minutes = (MESSAGES - age) * 19 + dice.below(15);
            let others: Vec<&String> = (0..dice.below(5)).filter_map(|_| dice.pick(people)).collect();
            let mut to = vec![people.get(index)];
            to.extend(others.into_iter().map(Some));
            to.sort_unstable();
            to.dedup();
            json!({
                "from": dice.pick(people),
                "to": to,
                "subject": subject,
                "body": body,
                "time": format!("{:02}:{:02}", 8 + minutes / 60, minutes % 60),
                "unread": age < 7,
            })
        })
        .collect();
    Value::Array(messages)
}

/// What there is to talk about.
pub(super) fn subjects() -> Vec<&'static str> {
    SUBJECTS.iter().map(|(subject, _)| *subject).collect()
}

/// SplitMix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        among.get(self.below(among.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inbox_is_full_and_always_the_same() {
        let people: Vec<String> = (0..50).map(|number| format!("CN=P{number}/O=Acme")).collect();
        let inbox = messages(&people, 7);
        assert_eq!(inbox, messages(&people, 7));
        assert_ne!(inbox, messages(&people, 8));
        assert_eq!(inbox.as_array().unwrap().len(), MESSAGES);
        assert!(inbox[0]["to"].as_array().unwrap().contains(&json!("CN=P7/O=Acme")));
    }
}
