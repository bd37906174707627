//! An estate for the stand-in, and the whole way through the library as an administrator walks it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use gateway_setup::apply::{self, Consent, Journal, Report};
use gateway_setup::config::{self, Setup};
use gateway_setup::directory::{AnyDirectory, open};
use gateway_setup::items::ItemTable;
use gateway_setup::plan::{self, Plan};
use gateway_setup::survey::{Opened, discover, survey};
use gateway_setup::verify::{self, Resolve, Seen, Verification, Way};
use protocol::secret::Secret;
use serde_json::{Value, json};

use crate::standin::{PASSWORD, Standin, USER, web};

/// A folder of a test; gone when dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("livename-setup-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("password"), format!("{PASSWORD}\n")).unwrap();
        Self(folder)
    }

    pub(crate) fn journal(&self) -> Journal {
        Journal::open(&self.0.join("journal")).unwrap()
    }

    pub(crate) fn setup(&self, text: &str) -> Setup {
        config::parse(&self.0.join("setup.toml"), text)
            .unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// `setup.toml` for one domain on a stand-in.
pub(crate) fn toml(standin: &Standin, topology: &str, awareness: &str) -> String {
    format!(
        r#"
topology = "{topology}"
[[server]]
role = "inotes"
name = "Mail1/Renovation"
domain = "Renovation"
host = "mail1.renovation.example"
[[server]]
role = "sametime"
name = "Sametime/Renovation"
domain = "Renovation"
host = "sametime.renovation.example"
{}
[sso]
domain = ".renovation.example"
{awareness}
"#,
        directory(standin, "Renovation", "drapi")
    )
}

/// One `[[directory]]`.
pub(crate) fn directory(standin: &Standin, domain: &str, path: &str) -> String {
    format!(
        "[[directory]]\ndomain = \"{domain}\"\npath = \"{path}\"\nurl = \"http://{}\"\nuser = \"{USER}\"\npassword_file = \"password\"\npage = 7\n",
        standin.address
    )
}

/// A Server document; `session` as `HTTP_EnableSessionAuth`.
pub(crate) fn server(name: &str, organization: &str, session: &str) -> Value {
    let mut server = json!({
        "Form": "Server", "Type": "Server",
        "ServerName": format!("CN={name}/O={organization}"),
        "SMTPFullHostDomain": format!("{}.renovation.example", name.to_lowercase()),
        "HTTP_EnableSessionAuth": session,
        "ServerTitle": "not ours to touch",
    });
    if session == "2" {
        server["HTTP_SSOCfg"] = json!("LtpaToken");
        server["HTTP_TCPNP"] = json!("1");
    }
    server
}

pub(crate) fn person(name: &str, sametime: Option<&str>) -> Value {
    let mut person = json!({
        "Form": "Person", "Type": "Person",
        "FullName": [format!("CN={name}/O=Renovation"), name],
        "MailServer": "CN=Mail1/O=Renovation", "MailFile": "mail\\x",
    });
    if let Some(sametime) = sametime {
        person["SametimeServer"] = json!(sametime);
    }
    person
}

/// Two servers and three persons; the SSO document as Sametime's installer leaves it.
pub(crate) fn fill(standin: &Standin, case_b: bool) {
    let mut state = standin.lock();
    state.put(server("Mail1", "Renovation", if case_b { "2" } else { "0" }));
    state.put(server("Sametime", "Renovation", if case_b { "0" } else { "2" }));
    state.put(json!({"Form": "WebSSOConfig", "LTPA_TokenName": "LtpaToken", "LTPA_TokenDomain": ".renovation.example", "LTPA_TokenExpiration": 30}));
    for name in ["Ann Archer", "Łukasz Żółć", "A/B Team"] {
        state.put(person(name, None));
    }
}

/// The forms' designs and subforms. The names of items that no public source names are invented; their labels are
/// those of the forms.
pub(crate) fn designs() -> (BTreeMap<String, Value>, BTreeMap<String, Value>) {
    let text = |name: &str| json!({"name": name, "type": "text"});
    let connection = [
        "ConnectionType",
        "Source",
        "SourceDomain",
        "Destination",
        "DestinationDomain",
        "PortName",
        "Enabled",
        "Tasks",
    ];
    let mut connection: Vec<Value> = connection.into_iter().map(text).collect();
    connection.push(json!({"name": "Interval", "type": "number"}));
    let forms = BTreeMap::from([
        ("Local".to_owned(), json!({ "fields": connection })),
        (
            "WebSSOConfig".to_owned(),
            json!({"fields": [
                text("LTPA_TokenName"), text("LTPA_TokenDomain"),
                {"name": "LTPA_ServerNames", "type": "names", "allowmultivalues": true, "label": "Domino Server Names:"},
            ]}),
        ),
        (
            "ServerConfig".to_owned(),
            json!({"fields": [text("ServerName"), text("UseAsDefault")], "subforms": ["$iNotes tab"]}),
        ),
    ]);
    let label = "Set an instant messaging server hostname for all iNotes users:";
    let tab = json!({"fields": [{"name": "DWA_IMServerHost", "type": "text", "label": label}]});
    (forms, BTreeMap::from([("$iNotes tab".to_owned(), tab)]))
}

/// One administrator at one directory.
pub(crate) struct Desk {
    pub(crate) setup: Setup,
    pub(crate) table: ItemTable,
    pub(crate) opened: Vec<Opened<AnyDirectory>>,
    pub(crate) consent: Consent,
}

impl Desk {
    pub(crate) fn new(setup: Setup) -> Self {
        let opened = setup
            .directories
            .iter()
            .map(|access| Opened { directory: open(access).unwrap(), access: access.clone() });
        // No source names the item with the participating servers: somebody has to look.
        let consent = Consent { sso_checked: true };
        Self { opened: opened.collect(), table: ItemTable::built_in(), setup, consent }
    }

    pub(crate) async fn discover(&mut self) {
        discover(&mut self.table, &mut self.opened).await.unwrap();
    }

    pub(crate) async fn verify(&mut self, resolve: &Resolve) -> Verification {
        let estate = survey(&self.setup, &self.table, &mut self.opened).await.unwrap();
        let plan = plan::plan(&self.setup, &self.table, &estate);
        let users = verify::test_users(&self.setup, &self.table, &mut self.opened).await.unwrap();
        let mut checks = verify::documents(&self.setup, &self.table, &estate, &plan, &users);
        let password = Secret::from(web::PASSWORD);
        let probe = self.setup.probe.as_ref().map(|probe| (probe, Way::Password(&password)));
        let seen = Some(Seen { estate: &estate, table: &self.table });
        checks.extend(verify::network(&self.setup, seen, resolve, probe, None).await.0);
        Verification { checks }.sorted()
    }

    pub(crate) async fn plan(&mut self) -> Plan {
        let estate = survey(&self.setup, &self.table, &mut self.opened).await.unwrap();
        plan::plan(&self.setup, &self.table, &estate)
    }

    pub(crate) async fn apply(&mut self, journal: &mut Journal) -> Report {
        let plan = self.plan().await;
        assert!(!plan.is_refused(), "{:?}", plan.findings);
        apply::apply(&plan, &self.table, &mut self.opened, journal, self.consent, |_| {}).await.unwrap()
    }

    pub(crate) async fn undo(&mut self, journal: &mut Journal) -> Report {
        apply::undo(&self.table, &mut self.opened, journal, |_| {}).await.unwrap()
    }
}
