//! What was measured so far, on disk, so that an interrupted bench goes on: with what it was measured of, since figures of
//! different programs do not belong into one table.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::findings::Sample;
use super::peers::{built, work};
use crate::step::Outcome;

/// The programs, and how much is measured.
#[derive(Debug, PartialEq)]
pub(super) struct Of(Value);

impl Of {
    /// What is built now.
    pub(super) fn now(quick: bool) -> Result<Self, String> {
        let mut of = Map::new();
        for program in ["livename", "livename-load", "xtask"] {
            let file = built(program);
            let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let mut hasher = DefaultHasher::new();
            hasher.write(&bytes);
            of.insert(program.to_owned(), json!(format!("{:016x}", hasher.finish())));
        }
        of.insert("size".into(), json!(if quick { "quick" } else { "full" }));
        Ok(Self(Value::Object(of)))
    }

    /// What differs from another, in words; `None` if nothing does.
    fn differences(&self, other: &Value) -> Option<String> {
        let mine = self.0.as_object()?;
        let differ: Vec<&str> =
            mine.iter().filter(|(key, value)| other.get(key) != Some(value)).map(|(key, _)| &**key).collect();
        (!differ.is_empty()).then(|| differ.join(", "))
    }

    pub(super) fn save(&self, samples: &[Sample]) -> Outcome {
        let samples: Vec<Value> = samples.iter().map(Sample::json).collect();
        let text = json!({ "of": self.0, "samples": samples }).to_string();
        fs::write(file(), text).map_err(|error| format!("{}: {error}", file().display()))
    }

    /// What there is of these programs. Of others: nothing, and a line that says so.
    pub(super) fn load(&self) -> Vec<Sample> {
        let text = fs::read_to_string(file()).unwrap_or_default();
        let (samples, why) = self.read(&text);
        match why {
            None => println!("── goes on after {} measurements", samples.len()),
            Some(why) => println!("── begins anew: {why}"),
        }
        samples
    }

    fn read(&self, text: &str) -> (Vec<Sample>, Option<String>) {
        let Ok(kept) = serde_json::from_str::<Value>(text) else {
            return (Vec::new(), Some("nothing was kept".into()));
        };
        let of = kept.get("of").cloned().unwrap_or_default();
        if let Some(differ) = self.differences(&of) {
            return (Vec::new(), Some(format!("what was kept was measured with another {differ}")));
        }
        let samples = kept.get("samples").and_then(Value::as_array);
        (samples.into_iter().flatten().filter_map(Sample::from_json).collect(), None)
    }
}

fn file() -> PathBuf {
    work().join("samples.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_another_build_are_not_gone_on_with() {
        let of =
            |livename: &str, quick: bool| Of(json!({ "livename": livename, "xtask": "1", "size": quick }));
        let sample = json!({ "round": 0, "peer": "floor", "stage": "idle", "figures": {} });
        let kept = json!({ "of": of("a", false).0, "samples": [sample] }).to_string();
        let (samples, why) = of("a", false).read(&kept);
        assert_eq!((samples.len(), why), (1, None));
        for (other, word) in [(of("b", false), "livename"), (of("a", true), "size")] {
            let (samples, why) = other.read(&kept);
            assert!(samples.is_empty() && why.unwrap().ends_with(&format!("another {word}")));
        }
        // As earlier versions kept it: nobody knows what of.
        assert!(of("a", false).read(&json!([sample]).to_string()).0.is_empty());
        assert!(of("a", false).read("").0.is_empty());
    }
}
