//! A real slapd with a schema shaped like Domino's (domino-directory.md 6), on a free port, gone when dropped.

use std::fmt::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use loadtest_sim::left_out;

use crate::estate::Folder;
use crate::ports;
use crate::standin::PASSWORD;

/// What is special about it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Kind {
    /// The set-up account may write.
    pub(crate) writer: bool,
    /// The schema wants distinguished names in `SametimeServer`.
    pub(crate) dn_values: bool,
    /// It speaks TLS only.
    pub(crate) tls: bool,
}

pub(crate) struct Slapd {
    pub(crate) port: u16,
    tls: bool,
    child: Child,
    folder: Folder,
}

impl Drop for Slapd {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Slapd {
    /// `None` where slapd or its tools are not installed. `writer`: whether the set-up account may write.
    pub(crate) fn start(people: &[(String, Option<&str>)], writer: bool) -> Option<Self> {
        Self::start_as(people, Kind { writer, ..Kind::default() })
    }

    pub(crate) fn start_as(people: &[(String, Option<&str>)], kind: Kind) -> Option<Self> {
        let [Some(program), Some(add), Some(_)] = ["slapd", "slapadd", "ldapsearch"].map(left_out::need)
        else {
            return None;
        };
        let folder = Folder::new();
        let port = ports::reserved().port();
        let at = |name: &str| folder.0.join(name);
        for name in ["cfg", "db"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        std::fs::write(at("boot.ldif"), boot(&folder.0, kind)).unwrap();
        std::fs::write(at("schema.ldif"), schema(kind.dn_values)).unwrap();
        std::fs::write(at("people.ldif"), ldif(people)).unwrap();
        for (number, file) in [("0", "boot.ldif"), ("1", "people.ldif")] {
            let output = Command::new(&add)
                .args(["-q", "-n", number, "-F"])
                .arg(at("cfg"))
                .arg("-l")
                .arg(at(file))
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let scheme = if kind.tls { "ldaps" } else { "ldap" };
        let child = Command::new(program)
            .args(["-d", "0", "-h", &format!("{scheme}://127.0.0.1:{port}/"), "-F"])
            .arg(at("cfg"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let slapd = Self { port, tls: kind.tls, child, folder };
        let end = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "slapd does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(slapd)
    }

    /// The `[[directory]]` for it.
    pub(crate) fn access(&self) -> String {
        format!(
            "[[directory]]\nname = \"persons\"\ndomain = \"Renovation\"\npath = \"ldap\"\nurl = \"{}\"\nbase = \"o=Renovation\"\n\
             user = \"cn=Setup,o=Renovation\"\npassword_file = \"password\"\npage = 200\n{}",
            self.url(),
            if self.tls {
                format!("ca = \"{}\"\n", self.folder.0.join("tls.pem").display())
            } else {
                String::new()
            }
        )
    }

    fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", if self.tls { "ldaps" } else { "ldap" }, self.port)
    }

    /// Everything that is stored, as ldapsearch prints it for a reader with all rights.
    pub(crate) fn dump(&self) -> String {
        let output = Command::new("ldapsearch")
            .args([
                "-x",
                "-LLL",
                "-o",
                "ldif-wrap=no",
                "-D",
                "cn=Admin,o=Renovation",
                "-w",
                "testonly",
                "-b",
                "o=Renovation",
            ])
            .env("LDAPTLS_CACERT", self.folder.0.join("tls.pem"))
            .args(["-H", &self.url(), "-z", "0", "(objectClass=dominoPerson)"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

fn boot(folder: &Path, kind: Kind) -> String {
    let access = if kind.writer { "write" } else { "read" };
    let mut text = String::from("dn: cn=config\nobjectClass: olcGlobal\ncn: config\n");
    if kind.tls {
        let (certificate, key) = (folder.join("tls.pem"), folder.join("tls.key"));
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let _ = writeln!(
            text,
            "olcTLSCertificateFile: {}\nolcTLSCertificateKeyFile: {}",
            certificate.display(),
            key.display()
        );
    }
    text.push('\n');
    text.push_str("dn: cn=module{0},cn=config\nobjectClass: olcModuleList\ncn: module{0}\nolcModulePath: /usr/lib/ldap\nolcModuleLoad: back_mdb\n\n");
    text.push_str("dn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n");
    for name in ["core", "cosine", "inetorgperson"] {
        let _ = writeln!(text, "include: file:///etc/ldap/schema/{name}.ldif\n");
    }
    let _ = writeln!(text, "include: file://{}\n", folder.join("schema.ldif").display());
    let _ = write!(
        text,
        "dn: olcDatabase={{1}}mdb,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcMdbConfig\nolcDatabase: {{1}}mdb\n\
         olcSuffix: o=Renovation\nolcDbDirectory: {}\nolcDbNoSync: TRUE\nolcDbMaxSize: 1073741824\nolcRootDN: cn=Admin,o=Renovation\nolcRootPW: testonly\n\
         olcDbIndex: MailServer eq\nolcDbIndex: objectClass eq\nolcSizeLimit: size.soft=500 size.hard=unlimited size.prtotal=unlimited\n\
         olcAccess: {{0}}to attrs=userPassword by anonymous auth by * none\n\
         olcAccess: {{1}}to * by dn.exact=\"cn=Setup,o=Renovation\" {access} by users read by anonymous read\n",
        folder.join("db").display()
    );
    text
}

fn schema(dn_values: bool) -> String {
    let text = include_str!("domino-ldap-schema.ldif");
    let line = |line: &str| match line.split_once(" EQUALITY ") {
        Some((start, _)) if dn_values && line.contains("'SametimeServer'") => {
            format!(
                "{start} EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 SINGLE-VALUE )\n"
            )
        }
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn ldif(people: &[(String, Option<&str>)]) -> String {
    let mut text = String::from("dn: o=Renovation\nobjectClass: organization\no: Renovation\n\n");
    let _ = writeln!(
        text,
        "dn: cn=Setup,o=Renovation\nobjectClass: inetOrgPerson\ncn: Setup\nsn: Setup\nuserPassword: {PASSWORD}\n"
    );
    for (name, sametime) in people {
        let escaped = name.replace(',', "\\,");
        let _ = writeln!(
            text,
            "dn: cn={escaped},o=Renovation\nobjectClass: dominoPerson\ncn: {name}\nsn: x\nMailServer: CN=Mail1,O=Renovation\nMailFile: mail\\x"
        );
        if let Some(sametime) = sametime {
            let _ = writeln!(text, "SametimeServer: {sametime}");
        }
        text.push('\n');
    }
    text
}
