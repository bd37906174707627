//! Format and life time of tokens, compared with what the Sametime side makes.

use super::*;

const SAMETIME_12: &str = r#"
topology = "sametime-12"
[[server]]
role   = "inotes"
name   = "Mail1/Renovation"
domain = "Renovation"
host   = "mail1.renovation.example"
[[server]]
role   = "sametime"
host   = "sametime.renovation.example"
[[directory]]
domain = "Renovation"
path   = "files"
[sso]
domain = ".renovation.example"
[sso.sametime]
token_format = "both"
lifetime     = 120
[awareness]
for = "all"
"#;

/// The plan for an SSO document with these items, as far as tokens are concerned.
fn tokens(text: &str, expiration: &str, format: Option<&str>) -> Vec<(Level, &'static str)> {
    let mut items = vec![("LTPA_TokenName", "LtpaToken"), ("LTPA_TokenExpiration", expiration)];
    items.extend(format.map(|format| ("LTPA_Format", format)));
    let table =
        ItemTable::built_in().overridden("[item.sso]\ntoken-format = { item = \"LTPA_Format\" }").unwrap();
    let documents = vec![server("Mail1", "2"), document(DocumentKind::Sso, "1", &items)];
    let plan = plan(&setup(text), &table, &estate(documents));
    let of_tokens = |finding: &&Finding| finding.id.starts_with("token-");
    plan.findings.iter().filter(of_tokens).map(|finding| (finding.level, finding.id)).collect()
}

#[test]
fn life_times_that_differ_are_said() {
    let both = Some("LtpaToken and LtpaToken2 (all releases)");
    assert_eq!(tokens(SAMETIME_12, "120", both), []);
    assert_eq!(tokens(SAMETIME_12, "30", both), [(Level::Warning, "token-lifetime")]);
    // What setup.toml wants counts, not what is replaced.
    let wanted =
        |minutes| SAMETIME_12.replace("[sso.sametime]", &format!("expiration = {minutes}\n[sso.sametime]"));
    assert_eq!(tokens(&wanted(120), "30", both), []);
    assert_eq!(tokens(&wanted(60), "120", both), [(Level::Warning, "token-lifetime")]);
}

#[test]
fn formats_are_compared_where_the_document_names_them() {
    let differs = [(Level::Warning, "token-format")];
    assert_eq!(tokens(SAMETIME_12, "120", Some("LtpaToken2")), differs);
    assert_eq!(tokens(SAMETIME_12, "120", Some("ltpatoken")), differs);
    let second = SAMETIME_12.replace("\"both\"", "\"ltpa2\"");
    assert_eq!(tokens(&second, "120", Some("LtpaToken2")), []);
    // A code, or nothing: somebody has to look.
    let look = [(Level::Note, "token-format")];
    assert_eq!(tokens(SAMETIME_12, "120", Some("3")), look);
    assert_eq!(tokens(SAMETIME_12, "120", None), look);
}
