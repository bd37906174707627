//! From a document to a plan: defaults, limits, and what does not go together.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use settings::{Mistakes, Section};

use super::people::{Own, day, population};
use super::{
    Actors, Day, Estate, Kind, Part, Phase, Plan, Population, Safety, Target, Thresholds, TokenKind,
    Transports, tokens,
};

/// What one generator process could ever open.
const MOST_BROWSERS: usize = 1_000_000;
pub(super) const MOST_PEOPLE: usize = 1_000_000;
pub(super) const MOST_PER_SECOND: f64 = 100_000.0;
/// Beyond half of its 28,000 ports Linux takes milliseconds to find a free one for an address, and the
/// generator would measure that.
const BROWSERS_PER_SOURCE: usize = 10_000;

pub(super) fn plan(path: &Path, text: &str) -> Result<Plan, Mistakes> {
    settings::read(path, text, |root| Some(document(path, text, root)))
}

fn document(path: &Path, text: &str, root: &Section<'_>) -> Plan {
    let target = target(root.table("target"), path, root.has("actors"));
    let (estate, tls) = estate(root.table("estate"), target.is_some());
    let own = Own::of(target.as_ref(), estate);
    let population = population(root.table("population"), target.as_ref(), own);
    let day = day(root.table("day"));
    let busiest = day.as_ref().map_or(1.0, Day::busiest);
    let actors = actors(root.table("actors"), path, target.as_ref());
    let safety = safety(root.table("safety"));
    let transports = transports(root.table("transports"), target.as_ref(), tls);
    let thresholds = thresholds(root.table("thresholds"));
    let phases = phases(root, &population, own);
    let mut plan = Plan {
        name: path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        text: text.to_owned(),
        seed: root.number("seed", 0..=u64::MAX).unwrap_or(1),
        part: Part::WHOLE,
        threads: root.number("threads", 1..=64).unwrap_or(1),
        sources: root.list("sources").unwrap_or_default(),
        settle: root.duration("settle").unwrap_or(Duration::from_secs(10)),
        target,
        actors,
        safety,
        estate,
        population,
        day,
        transports,
        phases,
        thresholds,
    };
    plan.sources = sources(&plan);
    if plan.is_real() {
        let (mut open, limit) = (0, safety.pages_per_second);
        for phase in &plan.phases {
            let pages = phase.pages_per_second(open, busiest);
            phase.after(&mut open);
            if pages > limit {
                let name = &phase.name;
                root.wrong(
                    "safety",
                    format!("phase \"{name}\" opens {pages:.0} pages a second where people work; {limit} are allowed"),
                );
            }
        }
    }
    let most = plan.phases.iter().map(|phase| phase.changes_per_second * busiest).fold(0.0, f64::max);
    if plan.is_real() && plan.actors.is_some() && most > safety.changes_per_second {
        let limit = safety.changes_per_second;
        root.wrong("safety", format!("{most} changes a second where people work; {limit} are allowed"));
    }
    plan
}

/// A started estate is reached from as many addresses as it needs.
fn sources(plan: &Plan) -> Vec<IpAddr> {
    if !plan.sources.is_empty() || plan.target.is_some() {
        return plan.sources.clone();
    }
    let count = plan.most_browsers().div_ceil(BROWSERS_PER_SOURCE).clamp(1, 250);
    let last = |number| u8::try_from(number).unwrap_or(u8::MAX);
    (1..=count).map(|number| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last(number)))).collect()
}

fn target(section: Section<'_>, plan: &Path, has_actors: bool) -> Option<Target> {
    // Files are taken from the folder of the plan.
    let file = |key| {
        let text: &str = section.text(key)?;
        Some(plan.parent().unwrap_or(Path::new("")).join(text))
    };
    let url = |key| section.text(key).map(|text: &str| text.trim_end_matches('/').to_owned());
    let key = tokens::key(&section);
    let cookie = section.text("cookie").or(key.as_ref().map(|key| key.cookie())).unwrap_or("LtpaToken");
    let target = Target {
        url: url("url").unwrap_or_default(),
        plain_url: url("plain_url"),
        control: section.parsed("control"),
        people_file: file("people_file"),
        cookie: cookie.to_owned(),
        key,
        token_file: file("token_file"),
        ca: file("ca"),
        metrics: section.text("metrics").map(str::to_owned),
        gateway_pid: section.number("gateway_pid", 1..=u32::MAX),
        community_pid: section.number("community_pid", 1..=u32::MAX),
    };
    let there = section.is_there();
    if there {
        if !target.url.starts_with("http://") && !target.url.starts_with("https://") {
            section.wrong("url", "expected a URL such as \"https://im.example\"");
        }
        if let Some(plain) = &target.plain_url
            && !(plain.starts_with("http://") && target.url.starts_with("https://"))
        {
            section.wrong("plain_url", "expected an http URL, beside an https one in \"url\"");
        }
        if target.token_file.is_some() && target.key.is_some() && !has_actors {
            let why = "browsers take their tokens from here or make them with a key: leave one of them out";
            section.wrong("token_file", why);
        }
        if let Some(metrics) = &target.metrics {
            if !metrics.starts_with("http://") && !metrics.starts_with("https://") {
                section.wrong("metrics", "expected a URL such as \"http://im.example:9180/metrics\"");
            }
            if target.gateway_pid.is_some() {
                section
                    .wrong("metrics", "is for a gateway whose process is not known: leave out gateway_pid");
            }
        }
        if target.control.is_none() && target.people_file.is_none() {
            let why =
                "without the control interface of a simulated community, people_file has to name people";
            section.wrong("people_file", why);
        }
        has_lines(&section, "people_file", target.people_file.as_ref());
        has_lines(&section, "token_file", target.token_file.as_ref());
        exists(&section, "ca", target.ca.as_ref());
    }
    section.no_others();
    there.then_some(target)
}

fn actors(section: Section<'_>, plan: &Path, target: Option<&Target>) -> Option<Actors> {
    let hexadecimal = |text: &str| u16::from_str_radix(text.strip_prefix("0x")?, 16).ok();
    let login_type = section.text("login_type").map(|text| {
        hexadecimal(text).unwrap_or_else(|| {
            section.wrong("login_type", "expected a number such as \"0x14b4\"");
            0
        })
    });
    let path = |key| section.text(key).map(|text: &str| plan.parent().unwrap_or(Path::new("")).join(text));
    let actors = Actors {
        server: section.text("server").unwrap_or_default().to_owned(),
        tls: section.flag("tls", false),
        ca: path("ca"),
        file: path("file"),
        count: section.number("count", 1..=MOST_PEOPLE).unwrap_or(0),
        login_type: login_type.unwrap_or(0x14b4),
        watch: section.number("watch", 0..=1000).unwrap_or(20),
        changes_per_second: section.number("changes_per_second", 0.0..=MOST_PER_SECOND).unwrap_or(0.0),
    };
    let there = section.is_there();
    if there {
        has_lines(&section, "file", actors.file.as_ref());
        exists(&section, "ca", actors.ca.as_ref());
        if actors.ca.is_some() && !actors.tls {
            section.wrong("ca", "is for tls = true");
        }
        match target {
            None => {
                for key in ["server", "file", "tls", "ca"].into_iter().filter(|key| section.has(key)) {
                    section.wrong(key, "is for tests with a [target]; a started community needs \"count\"");
                }
                if actors.count == 0 {
                    section.wrong("count", "is missing; how many people of the started community log in");
                }
            }
            Some(target) => {
                if !actors.server.contains(':') {
                    let why = "expected host and port of a community server, such as \"st1.example:1533\"";
                    section.wrong("server", why);
                }
                if actors.file.is_none() {
                    section.wrong("file", "is missing; the names of the test users");
                }
                if section.has("count") {
                    section.wrong("count", "is for tests without a [target]; here \"file\" names them");
                }
                if target.control.is_none() && section.has("changes_per_second") {
                    let why = "is for simulated communities; elsewhere actors make all changes of the phases";
                    section.wrong("changes_per_second", why);
                }
            }
        }
    }
    section.no_others();
    there.then_some(actors)
}

fn safety(section: Section<'_>) -> Safety {
    let safety = Safety {
        changes_per_second: section.number("changes_per_second", 0.0..=MOST_PER_SECOND).unwrap_or(20.0),
        pages_per_second: section.number("pages_per_second", 0.0..=MOST_PER_SECOND).unwrap_or(50.0),
        logins_per_second: section.number("logins_per_second", 0.01..=MOST_PER_SECOND).unwrap_or(10.0),
        failed_percent: section.number("failed_percent", 0.0..=100.0).unwrap_or(5.0),
    };
    section.no_others();
    safety
}

fn exists(section: &Section<'_>, key: &'static str, file: Option<&PathBuf>) {
    if let Some(file) = file
        && let Err(error) = std::fs::metadata(file)
    {
        section.wrong(key, format!("{}: {error}", file.display()));
    }
}

/// A list of nobody would let a test run that tests nothing: without tokens, for example, browsers would come
/// without cookies.
fn has_lines(section: &Section<'_>, key: &'static str, file: Option<&PathBuf>) {
    let Some(file) = file else { return };
    match std::fs::read_to_string(file) {
        Ok(text) if text.trim().is_empty() => {
            section.wrong(key, format!("{}: there is nothing in it", file.display()));
        }
        Ok(_) => {}
        Err(error) => section.wrong(key, format!("{}: {error}", file.display())),
    }
}

/// And whether all browsers speak TLS, if it says so.
fn estate(section: Section<'_>, has_target: bool) -> (Estate, Option<bool>) {
    let own_logins = section.word("own_presence", &[("login", true), ("off", false)]).unwrap_or(false);
    let own_privacy = section.word("privacy", &[("own", true), ("trust", false)]).unwrap_or(false);
    if own_privacy && !own_logins {
        section.wrong("privacy", "\"own\" needs own_presence = \"login\"");
    }
    let kinds = [("domino", TokenKind::Domino), ("ltpa2", TokenKind::Ltpa2), ("ltpa1", TokenKind::Ltpa1)];
    let token = section.word("token", &kinds).unwrap_or(TokenKind::Domino);
    let tls = section.has("tls").then(|| section.flag("tls", false));
    let estate = Estate { own_logins, own_privacy, token };
    if has_target && section.is_there() {
        section.wrong("own_presence", "[estate] is for tests without a [target]: leave one of them out");
    }
    section.no_others();
    (estate, tls)
}

fn transports(section: Section<'_>, target: Option<&Target>, tls: Option<bool>) -> Transports {
    let weight = |key| section.number(key, 0..=1_000_000);
    let given = ["websocket", "sse", "poll"].into_iter().any(|key| section.has(key));
    let percent = |key| section.number(key, 0..=100);
    // Who comes how, where nothing else is said.
    let usual = match target {
        Some(Target { plain_url: Some(_), .. }) => 50,
        Some(target) if target.url.starts_with("https://") => 100,
        Some(_) => 0,
        None => 100 * u8::from(tls == Some(true)),
    };
    let https = percent("https");
    let transports = Transports {
        websocket: weight("websocket").unwrap_or(u32::from(!given)),
        sse: weight("sse").unwrap_or(0),
        poll: weight("poll").unwrap_or(0),
        https_percent: https.unwrap_or(usual),
        http2_percent: percent("http2").unwrap_or(0),
    };
    if transports.websocket == 0 && transports.sse == 0 && transports.poll == 0 {
        section.wrong("websocket", "at least one transport needs a weight");
    }
    if https.is_some() && target.is_some_and(|target| target.plain_url.is_none()) {
        section.wrong("https", "needs both addresses of the target: url (https) and plain_url (http)");
    }
    if https.is_some() && tls.is_some() {
        section.wrong("https", "says more than estate.tls: leave that out");
    }
    if transports.http2_percent > 0 && transports.https_percent == 0 {
        section.wrong("http2", "is agreed on over https, and no browser of this plan comes over it");
    }
    if transports.http2_percent > 0 && transports.sse == 0 && transports.poll == 0 {
        section.wrong("http2", "is for sse and poll; a WebSocket begins with HTTP/1.1");
    }
    section.no_others();
    transports
}

fn thresholds(section: Section<'_>) -> Thresholds {
    let thresholds = Thresholds {
        p50: section.duration("p50"),
        p99: section.duration("p99"),
        list_p99: section.duration("list_p99"),
        failed_percent: section.number("failed_percent", 0.0..=100.0),
    };
    section.no_others();
    thresholds
}

fn phases(root: &Section<'_>, population: &Population, own: Own) -> Vec<Phase> {
    let sections = root.tables("phase").into_iter();
    let phases: Vec<_> = sections.map(|section| phase(section, population, own)).collect();
    if phases.is_empty() {
        root.wrong("phase", "is missing; a test needs at least one [[phase]]");
    }
    phases
}

fn phase(section: Section<'_>, population: &Population, own: Own) -> Phase {
    let kinds = [("ramp", Kind::Ramp), ("hold", Kind::Hold), ("storm", Kind::Storm), ("drain", Kind::Drain)];
    let kind = section.word("kind", &kinds);
    if kind.is_none() && section.text("kind").is_none() {
        section.wrong("kind", "is missing; \"ramp\", \"hold\", \"storm\" or \"drain\"");
    }
    let kind = kind.unwrap_or(Kind::Hold);
    let duration = section.duration("duration");
    if duration.is_none() && section.text("duration").is_none() {
        section.wrong("duration", "is missing; how long the phase takes, as \"30s\"");
    }
    let duration = duration.unwrap_or(Duration::from_secs(1));
    let within = section.duration("within");
    let browsers = section.number("browsers", 0..=MOST_BROWSERS);
    let reconnect = section.number("reconnect_percent", 0..=100);
    let only_in_storms = |key| section.wrong(key, "is for kind = \"storm\"");
    match kind {
        Kind::Storm => {
            if within.is_some_and(|within| within > duration) {
                section.wrong("within", "is longer than the phase");
            }
        }
        Kind::Ramp | Kind::Hold | Kind::Drain => {
            reconnect.is_some().then(|| only_in_storms("reconnect_percent"));
            within.is_some().then(|| only_in_storms("within"));
        }
    }
    match kind {
        Kind::Ramp if browsers.is_none() => {
            section.wrong("browsers", "is missing; how many browsers there are at the end of the ramp");
        }
        Kind::Hold if browsers.is_some() => {
            section.wrong("browsers", "a hold keeps the browsers that are there");
        }
        _ => {}
    }
    let phase = Phase {
        name: section.text("name").unwrap_or(kind.name()).to_owned(),
        kind,
        duration,
        browsers,
        changes_per_second: section
            .number("changes_per_second", 0.0..=MOST_PER_SECOND)
            .unwrap_or(population.changes_per_second),
        own_changes_per_second: own.rate(&section).unwrap_or(population.own_changes_per_second),
        reconnect_percent: reconnect.unwrap_or(0),
        within: within.unwrap_or(duration.min(Duration::from_secs(1))),
        reloads_per_second: section.number("reloads_per_second", 0.0..=MOST_PER_SECOND).unwrap_or(0.0),
        check: section.flag("check", matches!(kind, Kind::Hold | Kind::Storm)),
    };
    section.no_others();
    phase
}
