//! Items that may not exist, and what can only be looked at.

use super::*;
use crate::estate::ItemName;

fn known(names: &[&str]) -> BTreeSet<ItemName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[test]
fn an_item_that_neither_the_form_nor_a_document_has_is_not_written_unless_forced() {
    let documents = || vec![server("Mail1", "0"), server("Sametime", "2")];
    let mut estate = estate(documents());
    let planned = |estate: &Estate, text: &str| plan(&setup(text), &ItemTable::built_in(), estate);
    let action = |plan: &Plan| {
        let mail = plan.documents.iter().find(|document| document.step == Step::InotesServer).unwrap();
        mail.items.iter().find(|item| item.setting == Setting::ServerSso).unwrap().action
    };
    assert_eq!(action(&planned(&estate, SETUP)), Action::Update, "nobody could look at the design");
    let replica = &mut estate.replicas[0];
    replica
        .known
        .insert(DocumentKind::Server, known(&["ServerName", "HTTP_EnableSessionAuth", "HTTP_TCPNP"]));
    let careful = planned(&estate, SETUP);
    assert_eq!(action(&careful), Action::Manual);
    let (_, item) = careful.manual().find(|(_, item)| item.setting == Setting::ServerSso).unwrap();
    assert!(item.why.contains("neither the form nor any document"), "{}", item.why);
    assert_eq!(action(&planned(&estate, &format!("{SETUP}[items]\nforce = true\n"))), Action::Update);
    estate.replicas[0].known.get_mut(&DocumentKind::Server).unwrap().insert("http_ssocfg".parse().unwrap());
    assert_eq!(action(&planned(&estate, SETUP)), Action::Update);
}

#[test]
fn the_host_name_of_a_server_that_nobody_could_read_is_looked_at_and_not_written() {
    let offline = Estate { replicas: vec![Replica::unseen("Renovation", "Renovation")] };
    let plan = plan(&setup(SETUP), &ItemTable::built_in(), &offline);
    let mut items = plan.documents.iter().flat_map(|document| &document.items);
    assert!(items.all(|item| item.setting != Setting::ServerHost));
    let looks = |host: &str| {
        plan.cut_over.iter().any(|step| step.text.contains("host name: look") && step.text.contains(host))
    };
    assert!(
        looks("mail1.renovation.example") && looks("sametime.renovation.example"),
        "{:#?}",
        plan.cut_over
    );
    assert!(has(&plan, "sso-unseen"));
}

#[test]
fn fields_whose_values_nobody_knows_are_in_the_list_of_what_to_look_at() {
    let text = SETUP.replace("for = \"mail-servers\"", "for = \"all\"");
    let plan = made(&text, vec![server("Mail1", "0"), server("Sametime", "2")]);
    for field in ["Instant messaging features", "Secrets and tokens", "Files/Directory paths"] {
        assert!(plan.cut_over.iter().any(|step| step.text.contains(field)), "{field}: {:#?}", plan.cut_over);
    }
}

#[test]
fn a_password_in_the_clear_is_said() {
    let text = SETUP
        .replace("https://mail1.renovation.example\"", "http://mail1.renovation.example\"\nplain = true");
    let plan = made(&text, vec![server("Mail1", "0"), server("Sametime", "2")]);
    assert!(has(&plan, "clear-text") && has(&plan, "locking"));
    assert!(!has(&made(SETUP, vec![server("Mail1", "0"), server("Sametime", "2")]), "clear-text"));
}

/// Each directory's SSO document lists the servers of its own: one that nobody can see holds up nobody else's.
#[test]
fn an_sso_document_speaks_for_the_servers_of_its_directory() {
    let text = SETUP
        .replace("not-clustered", "different-domains")
        .replace(
            "name   = \"Sametime/Renovation\"\ndomain = \"Renovation\"",
            "name = \"Sametime/Chat\"\ndomain = \"Chat\"",
        )
        .replace("[sso]", "[[directory]]\ndomain = \"Chat\"\npath = \"files\"\n[sso]");
    let table =
        ItemTable::built_in().overridden("[item.sso]\nservers = { item = \"LTPA_Servers\" }").unwrap();
    let sso = |domain, servers| {
        let items =
            [("LTPA_TokenName", "LtpaToken"), ("LTPA_TokenDomain", domain), ("LTPA_Servers", servers)];
        document(DocumentKind::Sso, "1", &items)
    };
    let planned = |sso| {
        let mut estate = estate(vec![server("Mail1", "0"), sso]);
        estate.replicas.push(Replica::unseen("Chat", "Chat"));
        plan(&setup(&text), &table, &estate)
    };
    let right = planned(sso(".renovation.example", "Mail1/Renovation"));
    let states =
        |state| BTreeMap::from([("Chat".to_owned(), SsoState::Unseen), ("Renovation".to_owned(), state)]);
    assert_eq!(right.sso_states(), states(SsoState::Right));
    let said = right.findings.iter().find(|finding| finding.id == "sso-unseen").unwrap();
    assert!(said.text.contains("Sametime/O=Chat") && !said.text.contains("Mail1"), "{}", said.text);
    for wrong in
        [sso(".renovation.example", "Other/Renovation"), sso("renovation.example", "Mail1/Renovation")]
    {
        assert_eq!(planned(wrong).sso_states(), states(SsoState::Wrong));
    }
}
