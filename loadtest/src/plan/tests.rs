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
