//! Domino Access Services with its sharp edges.

use crate::estate::{Desk, Folder, fill, toml};
use crate::standin::Standin;

#[tokio::test]
async fn items_that_are_not_written_survive_with_or_without_patch_and_index() {
    for (patch, indexed) in [(true, true), (false, true), (true, false)] {
        let standin = Standin::start().await;
        fill(&standin, false);
        standin.lock().patch_allowed = patch;
        standin.lock().indexed = indexed;
        let before = standin.snapshot();
        let folder = Folder::new();
        let text = toml(&standin, "not-clustered", "[awareness]\nfor = \"mail-servers\"")
            .replace("\"drapi\"", "\"das\"");
        let mut desk = Desk::new(folder.setup(&text));
        let report = desk.apply(&mut folder.journal()).await;
        assert_eq!((report.written(), report.stopped.clone()), (6, None), "{:#?}", report.outcomes);
        for (unid, items) in &before {
            let now = &standin.snapshot()[unid];
            assert!(items.keys().all(|name| now.contains_key(name)), "{now:?}");
        }
        assert_eq!(desk.plan().await.writes().count(), 0);
        assert_eq!(desk.undo(&mut folder.journal()).await.exit_code(), 0);
        // This path cannot remove an item: what was absent is empty now.
        let mut now = standin.snapshot();
        for (unid, items) in &mut now {
            items.retain(|name, value| before[unid].contains_key(name) || value != "");
        }
        assert_eq!(now, before);
    }
}
