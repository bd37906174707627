use super::*;

fn mistakes(text: &str) -> Vec<(usize, String, String)> {
    let errors = Plan::parse(Path::new("plan.toml"), text).unwrap_err().mistakes;
    errors.into_iter().map(|error| (error.line, error.key, error.message)).collect()
}

#[test]
fn every_preset_is_a_good_plan() {
    for preset in PRESETS {
        let plan = Plan::load(preset.name).unwrap_or_else(|errors| panic!("{}: {errors}", preset.name));
        assert_eq!(plan.name, preset.name);
        assert!(plan.most_browsers() > 0 && plan.target.is_none(), "{}", preset.name);
        assert!(plan.most_browsers() <= 19_000, "{} fits one process", preset.name);
        assert!(preset.summary().len() > 20, "{} says what it is for", preset.name);
        assert!(plan.phases.iter().any(|phase| phase.check), "{} is compared", preset.name);
    }
    assert!(Plan::load("inbox").unwrap().duration() < Duration::from_secs(100));
}

#[test]
fn all_mistakes_come_at_once_with_line_and_key() {
    let text = r#"
sead = 3
seed = "x"
[population]
people = 0
watches = "many"
[target]
control = "nowhere"
[[phase]]
kind = "ramp"
duration = "soon"
[[phase]]
kind = "hold"
duration = "1s"
browsers = 3
within = "1s"
[thresholds]
p98 = "1s"
"#;
    let found = mistakes(text);
    let places: Vec<_> = found.iter().map(|(line, key, _)| (*line, key.as_str())).collect();
    assert_eq!(
        places,
        [
            (2, "sead"),
            (3, "seed"),
            (5, "population.people"),
            (6, "population.watches"),
            (7, "target.url"),
            (7, "target.people_file"),
            (8, "target.control"),
            (9, "phase.browsers"),
            (11, "phase.duration"),
            (15, "phase.browsers"),
            (16, "phase.within"),
            (18, "thresholds.p98"),
        ],
        "{found:#?}"
    );
    assert_eq!(found[0].2, "unknown key; did you mean \"seed\"?");
    assert_eq!(found[2].2, "0 is outside 1 to 1000000");
}

#[test]
fn text_that_is_no_toml_is_told_by_line() {
    let found = mistakes("seed = 1\nphase = [\n");
    assert_eq!(found[0].1, "");
    assert!(found[0].0 >= 2, "{found:?}");
    let errors = Plan::load("/nowhere/at/all.toml").unwrap_err().to_string();
    assert!(errors.contains("presets are smoke, inbox"), "{errors}");
}

#[test]
fn browsers_add_up_over_the_phases() {
    let plan = |phases: &str| Plan::parse(Path::new("x"), phases).unwrap();
    let ramp = "[[phase]]\nkind = \"ramp\"\nduration = \"1s\"\nbrowsers = 50\n";
    let storm = "[[phase]]\nkind = \"storm\"\nduration = \"2s\"\nbrowsers = 20\n";
    let drain = "[[phase]]\nkind = \"drain\"\nduration = \"1s\"\n";
    assert_eq!(plan(&[ramp, storm, drain].concat()).most_browsers(), 70);
    assert_eq!(plan(&[ramp, drain, storm].concat()).most_browsers(), 50);
    assert_eq!(plan(&[ramp, storm].concat()).duration(), Duration::from_secs(3));
    let many = ramp.replace("50", "45000");
    assert_eq!(plan(&many).sources.len(), 5, "a source address carries 10,000");
}

#[test]
fn the_plans_in_the_documentation_are_good() {
    let page = include_str!("../../../docs/load-testing.md");
    let blocks: Vec<&str> =
        page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 4);
    Plan::parse(Path::new("docs.toml"), blocks[0]).unwrap();
    Plan::parse(Path::new("docs.toml"), &format!("{}\n{}", blocks[0], blocks[3])).unwrap();
    // Their files are not here, and nothing else is wrong with them.
    for (block, files) in [
        (blocks[1], &["target.domino_secret_file", "target.ca"][..]),
        (blocks[2], &["target.people_file", "target.domino_secret_file", "actors.file"]),
    ] {
        let target = format!("{block}\n[[phase]]\nkind = \"hold\"\nduration = \"1s\"\n");
        let keys: Vec<_> = mistakes(&target).into_iter().map(|(_, key, _)| key).collect();
        assert_eq!(keys, files);
    }
}

#[test]
fn a_day_has_a_clock_and_rates_by_time() {
    let hold = "[[phase]]\nkind = \"hold\"\nduration = \"1s\"\n";
    let plan = |day: &str| Plan::parse(Path::new("x"), &format!("{day}{hold}"));
    let day = plan("[day]\nstarts = \"07:30\"\npace = 60\n").unwrap().day.unwrap();
    assert_eq!((day.starts, day.pace, day.rates), (TimeOfDay(7.5), 60.0, Day::working()));
    let day = plan("[day]\nstarts = \"0\"\nrates = { \"12\" = 3, \"06:30\" = 0.5 }\n").unwrap().day.unwrap();
    assert_eq!(day.rates, [(TimeOfDay(6.5), 0.5), (TimeOfDay(12.0), 3.0)]);
    assert!(plan("").unwrap().day.is_none());

    let text = "[day]\npace = 0\nspeed = 3\n[day.rates]\n\"25\" = 1\n\"9\" = \"many\"\n\"10\" = -1\n\"11\" = 1\n\"11:00\" = 2\n";
    let found = mistakes(&format!("{text}{hold}"));
    let places: Vec<_> = found.iter().map(|(line, key, _)| (*line, key.as_str())).collect();
    let wanted = [
        (1, "day.starts"),
        (2, "day.pace"),
        (3, "day.speed"),
        (4, "day.rates"),
        (5, "day.rates.25"),
        (6, "day.rates.9"),
        (7, "day.rates.10"),
    ];
    assert_eq!(places, wanted, "{found:#?}");
    assert_eq!(found[3].2, "has the same time twice");
}

#[test]
fn users_change_their_own_status_only_where_they_have_logins_of_their_own() {
    let hold = "[[phase]]\nkind = \"hold\"\nduration = \"1s\"\nown_changes_per_second = 2\n";
    let found = mistakes(hold);
    assert_eq!((found[0].0, found[0].1.as_str()), (4, "phase.own_changes_per_second"));
    assert!(found[0].2.contains("own_presence = \"login\""), "{found:?}");
    let with = |more: &str| Plan::parse(Path::new("x"), &format!("{more}{hold}"));
    assert!(with("[estate]\nown_presence = \"login\"\n").unwrap().has_own_changes());
    assert!(with("[target]\nurl = \"http://x\"\ncontrol = \"127.0.0.1:1\"\n").is_ok());

    let file = std::env::temp_dir().join(format!("livename-load-own-{}.txt", std::process::id()));
    std::fs::write(&file, "CN=Ann/O=R\n").unwrap();
    let found = mistakes(&format!(
        "[target]\nurl = \"http://x\"\ncontrol = \"127.0.0.1:1\"\ntoken_file = {file:?}\n{hold}"
    ));
    assert!(found.len() == 1 && found[0].2.contains("whose tokens"), "{found:?}");
    let real =
        format!("[target]\nurl = \"http://x\"\npeople_file = {file:?}\n[population]\nchanging = 5\n{hold}");
    let found = mistakes(&real);
    std::fs::remove_file(file).unwrap();
    assert_eq!((found[0].0, found[0].1.as_str()), (5, "population.changing"), "{found:?}");
    assert!(found[1].2.contains("only [actors] change their status"), "{found:?}");
}

#[test]
fn metrics_have_a_url_and_stand_in_for_a_process() {
    let text = "[target]\nurl = \"http://x\"\ncontrol = \"127.0.0.1:1\"\ngateway_pid = 3\nmetrics = \"x:9180\"\n\
                [[phase]]\nkind = \"hold\"\nduration = \"1s\"\n";
    let found = mistakes(text);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|(line, key, _)| (*line, key.as_str()) == (5, "target.metrics")), "{found:?}");
}

#[test]
fn where_people_work_a_plan_stays_below_the_ceiling() {
    let file = std::env::temp_dir().join(format!("livename-load-plan-{}.txt", std::process::id()));
    std::fs::write(&file, "CN=Ann/O=R\n").unwrap();
    let plan = |rate: u32| {
        format!(
            "[target]\nurl = \"http://im.example\"\npeople_file = {file:?}\n\
             [actors]\nserver = \"st1.example:1533\"\nfile = {file:?}\n\
             [[phase]]\nkind = \"hold\"\nduration = \"1s\"\nchanges_per_second = {rate}\n"
        )
    };
    assert!(Plan::parse(Path::new("x"), &plan(20)).unwrap().is_real());
    let found = mistakes(&plan(21));
    assert!(found[0].2.contains("21 changes a second where people work; 20 are allowed"), "{found:?}");
    std::fs::remove_file(file).unwrap();
}

/// A folder with the files of an estate.
fn keys(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("livename-load-plan-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let keys = include_str!("../estate/websphere.keys");
    for (file, text) in [
        ("people", "CN=Ann/O=R"),
        ("tokens", "abc"),
        ("secret", "MDEyMzQ1Njc4OTAxMjM0NTY3ODk=\n"),
        ("keys", keys),
        ("password", "load test\n"),
        ("wrong", "hush-hush\n"),
        ("no-realm", &keys.replace("Realm=load", "Realm=")),
        ("no-private", &keys.replace("ltpa.PrivateKey", "ltpa.Other")),
    ] {
        std::fs::write(folder.join(file), text).unwrap();
    }
    folder
}

#[test]
fn mistakes_about_tokens_have_their_lines_and_tell_no_secrets() {
    let folder = keys("tokens");
    let plan = |text: &str| {
        let text = format!(
            "[target]\nurl = \"http://im.example\"\npeople_file = \"people\"\n{text}\n\
             [[phase]]\nkind = \"hold\"\nduration = \"1s\"\n"
        );
        Plan::parse(&folder.join("plan.toml"), &text)
    };
    let good = |text: &str| plan(text).unwrap().target.unwrap();
    let secret = "domino_secret_file = \"secret\"";
    let keys = "websphere_key_file = \"keys\"\nwebsphere_password_file = \"password\"";
    assert_eq!(good(secret).cookie, "LtpaToken");
    assert_eq!(good(keys).cookie, "LtpaToken2");
    assert_eq!(good(&format!("{keys}\ntoken = \"ltpa1\"")).cookie, "LtpaToken");
    assert_eq!(good(&format!("{keys}\ncookie = \"Own\"")).cookie, "Own");
    assert!(good("token_file = \"tokens\"").key.is_none());
    good("websphere_key_file = \"no-realm\"\nrealm = \"r\"\nwebsphere_password_file = \"password\"");
    for (text, line, key, message) in [
        (format!("{secret}\n{keys}"), 5, "websphere_key_file", "leave out this or domino_secret_file"),
        (format!("{secret}\ntoken_file = \"tokens\""), 5, "token_file", "leave one of them out"),
        ("domino_secret_file = \"wrong\"".into(), 4, "domino_secret_file", "base64 text of exactly 20 bytes"),
        ("domino_secret_file = \"nowhere\"".into(), 4, "domino_secret_file", "No such file"),
        ("websphere_key_file = \"keys\"".into(), 1, "websphere_password_file", "is missing"),
        (keys.replace("password\"", "wrong\""), 4, "websphere_key_file", "wrong password, or a damaged file"),
        (keys.replace("password\"", "nowhere\""), 5, "websphere_password_file", "No such file"),
        (keys.replace("\"keys", "\"wrong"), 4, "websphere_key_file", "ltpa.version is missing"),
        (keys.replace("\"keys", "\"no-realm"), 4, "websphere_key_file", "names no realm"),
        (keys.replace("\"keys", "\"no-private"), 4, "websphere_key_file", "has no private key"),
        (format!("{keys}\ntoken = \"ltpa3\""), 6, "token", "expected \"ltpa2\" or \"ltpa1\""),
        (format!("{secret}\nrealm = \"r\""), 5, "realm", "give websphere_key_file"),
    ] {
        let found = plan(&text).unwrap_err().mistakes;
        let [found] = found.as_slice() else { panic!("{text}: {found:?}") };
        assert_eq!((found.line, found.key.as_str()), (line, format!("target.{key}").as_str()), "{found:?}");
        assert!(found.message.contains(message), "{found:?}");
        assert!(!found.message.contains("hush") && !found.message.contains("load test"), "{found:?}");
    }
    let shown = format!("{:?}", plan(keys).unwrap());
    assert!(shown.contains("TokenKey(…)") && !shown.contains("load test"), "{shown}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn schemes_and_versions_go_with_what_is_there() {
    let folder = keys("schemes");
    let plan = |text: &str| {
        let text = format!("{text}\n[[phase]]\nkind = \"hold\"\nduration = \"1s\"\n");
        Plan::parse(&folder.join("plan.toml"), &text)
    };
    let target = |urls: &str| format!("[target]\npeople_file = \"people\"\n{urls}\n[transports]\nsse = 1\n");
    let (one, two) = ("url = \"https://im.example\"", "plain_url = \"http://im.example\"");
    let both = format!("{one}\n{two}");
    for (text, percent) in [
        (String::new(), 0),
        ("[estate]\ntls = true".into(), 100),
        ("[transports]\nhttps = 30".into(), 30),
        (target(one), 100),
        (target(&one.replace("https", "http")), 0),
        (target(&both), 50),
        (format!("{}https = 80\nhttp2 = 10", target(&both)), 80),
    ] {
        assert_eq!(plan(&text).unwrap().transports.https_percent, percent, "{text}");
    }
    assert_eq!(plan("[transports]\nhttps = 30").unwrap().transports.websocket, 1);
    for (text, key) in [
        (target(two), "target.url"),
        (target(&format!("{one}\nplain_url = \"https://x\"")), "target.plain_url"),
        (format!("{}https = 80", target(one)), "transports.https"),
        ("[estate]\ntls = false\n[transports]\nhttps = 10".into(), "transports.https"),
        ("[transports]\nsse = 1\nhttp2 = 10".into(), "transports.http2"),
        ("[transports]\nhttps = 10\nhttp2 = 10".into(), "transports.http2"),
        ("[actors]\ncount = 1\ntls = true".into(), "actors.tls"),
    ] {
        let found = plan(&text).unwrap_err().mistakes;
        assert!(found.iter().any(|mistake| mistake.key == key), "{text}: {found:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
