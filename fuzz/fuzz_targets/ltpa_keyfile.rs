//! Any text is a key file or an error, and the keys of a file that is accepted work: what its private key
//! signs, its public key accepts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::ltpa::keyfile::KeyFile;
use protocol::ltpa::websphere::{SigningKey, VerifyKey, Version, WebSphereKey, prove};
use protocol::ltpa::{KeyLife, Policy, SystemSeconds};
use protocol::secret::Secret;

fuzz_target!(|text: &str| {
    for password in ["WebAS", "lotus-test", "fips-test-pw"] {
        let Ok(file) = KeyFile::read(text, &Secret::from(password)) else { continue };
        let key = VerifyKey::new(&file).expect("keys of a file that could be read");
        let keys = [WebSphereKey { id: "k".into(), key: key.into(), life: KeyLife::ALWAYS }];
        let Ok(signing_key) = SigningKey::new(&file) else { continue };
        let token = signing_key.mint(Version::Two, "realm", "user", 9000).unwrap();
        let policy = Policy { fips: true, ..Policy::default() };
        let proof = prove(Version::Two, &token, &keys, SystemSeconds(9), &policy).expect("a good token");
        assert_eq!(proof.identity().user, "user");
    }
});
