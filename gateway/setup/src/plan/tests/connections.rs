//! Which pairs of servers are connected, and what an existing Connection document keeps.

use super::*;

fn titles(plan: &Plan) -> Vec<&str> {
    let connections = plan.documents.iter().filter(|document| document.kind == DocumentKind::Connection);
    connections.map(|document| document.title.as_str()).collect()
}

#[test]
fn mail_servers_in_two_domains_are_both_connected() {
    let second = "[[server]]\nrole = \"inotes\"\nname = \"Mail2/Chat\"\ndomain = \"Chat\"\nhost = \"mail2.renovation.example\"\n\
                  [[directory]]\ndomain = \"Chat\"\npath = \"files\"\n";
    // A second mail server of a domain gets the directory by the domain's own replication.
    let third = "[[server]]\nrole = \"inotes\"\nname = \"Mail3/Renovation\"\ndomain = \"Renovation\"\nhost = \"mail3.renovation.example\"\n";
    let text = SETUP
        .replace("not-clustered", "different-domains")
        .replace("[sso]", &format!("{second}{third}[sso]"));
    let mut estate = estate(vec![server("Mail1", "0"), server("Sametime", "2"), server("Mail3", "0")]);
    estate.replicas.push(Replica::unseen("Chat", "Chat"));
    let plan = plan(&setup(&text), &ItemTable::built_in(), &estate);
    let both = |mail: &str| {
        [format!("{mail} -> CN=Sametime/O=Renovation"), format!("CN=Sametime/O=Renovation -> {mail}")]
    };
    assert_eq!(titles(&plan), [both("CN=Mail1/O=Renovation"), both("CN=Mail2/O=Chat")].concat());
}

#[test]
fn the_registration_server_stands_for_its_domain() {
    let text = format!("{SETUP}\n[connection]\nregistration_server = \"Hub/Renovation\"\n");
    let plan = made(&text, vec![server("Mail1", "0"), server("Sametime", "2")]);
    assert_eq!(titles(&plan)[0], "CN=Hub/O=Renovation -> CN=Sametime/O=Renovation");
}

#[test]
fn mail_goes_on_being_routed_over_a_connection_that_replicates_from_now_on() {
    let items =
        [("Source", "Mail1/Renovation"), ("Destination", "Sametime/Renovation"), ("Tasks", "Mail Routing")];
    let routes = document(DocumentKind::Connection, "1", &items);
    let plan = made(SETUP, vec![server("Mail1", "2"), server("Sametime", "2"), routes]);
    let tasks = plan.documents[0].items.iter().find(|item| item.setting == Setting::ConnectionTasks).unwrap();
    assert_eq!(tasks.wanted, Value::Texts(vec!["Mail Routing".to_owned(), "Replication".to_owned()]));
}
