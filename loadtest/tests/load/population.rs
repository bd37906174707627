//! What people do by themselves: at which hour, on their own pages, or nothing.

use crate::support::{Folder, has_gateway};

#[test]
fn what_users_set_on_their_pages_reaches_other_browsers_and_is_true_in_the_end() {
    if !has_gateway() {
        return;
    }
    let folder = Folder::new();
    let ended = folder
        .run(
            "[estate]\nown_presence = \"login\"\n\
             [population]\npeople = 60\nwatches = 20\nchanges_per_second = 20\n\
             [transports]\nwebsocket = 1\nsse = 2\npoll = 2\nhttps = 50\nhttp2 = 60\n\
             [[phase]]\nkind = \"ramp\"\nduration = \"2s\"\nbrowsers = 30\n\
             [[phase]]\nkind = \"hold\"\nduration = \"4s\"\nown_changes_per_second = 20\n",
        )
        .end();
    assert_eq!(ended.code, Some(0), "{}{}", ended.err, ended.out);
    let results = ended.results.unwrap();
    assert_eq!(results.converged, Some(true), "{}", ended.out);
    let own = &results.phases[1].own;
    assert_eq!((own.due, own.made), (80, 80), "{own:?}");
    assert_eq!((own.missed, own.unanswered, own.failures()), (0, 0, 0), "{own:?}");
    // Each is watched by about ten.
    assert!(own.updates.count() > 300, "{}", own.updates.count());
    let ways = results.phases[1].updates.iter().filter(|updates| updates.count() > 0).count();
    assert_eq!(ways, 5, "over HTTP/2 as well");
    let agreement = &results.phases[1].checked.as_ref().unwrap().agreement;
    assert!((20..=30).contains(&agreement.own) && agreement.own_lost == 0, "{agreement:?}");
    let counts = results.counts();
    assert_eq!((counts.duplicate, counts.out_of_order), (0, 0));
    assert!(results.updates().count() > 100, "the community changes others");
    assert!(ended.out.contains("From change on a page to other browsers"), "{}", ended.out);
}

#[test]
fn a_day_has_quiet_and_busy_hours() {
    if !has_gateway() {
        return;
    }
    let folder = Folder::new();
    // A second is an hour.
    let ended = folder
        .run(
            "[day]\nstarts = \"07:00\"\npace = 3600\n\
             rates = { \"09:30\" = 0.0, \"10:30\" = 1.0, \"20\" = 1.0, \"21\" = 0.0 }\n\
             [population]\npeople = 50\nwatches = 50\nchanging = 50\nchanges_per_second = 100\n\
             [[phase]]\nkind = \"ramp\"\nduration = \"1s\"\nbrowsers = 10\n\
             [[phase]]\nkind = \"hold\"\nduration = \"5s\"\n",
        )
        .end();
    assert_eq!(ended.code, Some(0), "{}{}", ended.err, ended.out);
    let results = ended.results.unwrap();
    assert_eq!(results.converged, Some(true), "{}", ended.out);
    let changes = results.phases[1].changes.unwrap();
    assert!((150..300).contains(&changes.due) && changes.missed == 0, "two of five hours: {changes:?}");
    let hours: Vec<f64> = results.timeline.iter().filter_map(|tick| tick.hour).collect();
    assert!(hours.is_sorted() && hours.len() >= 5 && (7.5..9.0).contains(&hours[0]), "{hours:?}");
    let quiet = results.timeline.iter().filter(|tick| tick.hour < Some(9.2));
    assert_eq!(quiet.map(|tick| tick.delivered).sum::<f64>(), 0.0, "nobody is there before half past nine");
    assert!(ended.html.contains(">10:00<"), "the time axis has hours");
}
