//! What a token check costs, beside the bare primitives that no check can do without.

#![allow(clippy::expect_used, reason = "a bench that cannot be set up may panic")]

use std::hint::black_box;

use divan::Bencher;
use protocol::ltpa::domino::{DominoKey, DominoSecret, mint};
use protocol::ltpa::ring::{KeyRing, SsoCookie, Verifier};
use protocol::ltpa::{Policy, SystemSeconds};

const NOW: SystemSeconds = SystemSeconds(1_767_225_600);
const SECRET: [u8; 20] = [7; 20];
const USER: &[u8] = b"CN=Ada Test/OU=Lab/O=Example";

fn main() {
    divan::main();
}

mod domino {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha1::{Digest as _, Sha1};

    use super::*;

    /// The floor: decode the text, hash the same bytes once.
    #[divan::bench(sample_size = 1000)]
    fn bare_sha1_and_base64(bencher: Bencher<'_, '_>) {
        let token = token();
        bencher.bench(|| {
            let mut buffer = [0; 300];
            let length = STANDARD.decode_slice(black_box(&token), &mut buffer).expect("base64");
            let hash = Sha1::new().chain_update(&buffer[..length - 20]).chain_update(SECRET).finalize();
            hash[..] == buffer[length - 20..length]
        });
    }

    /// From the text of the Cookie header to the identity.
    #[divan::bench(sample_size = 1000)]
    fn key_ring(bencher: Bencher<'_, '_>) {
        let header = format!("LtpaToken={}", token());
        let ring = ring();
        bencher.bench(|| ring.check(black_box(&header), NOW).is_ok());
    }

    fn token() -> String {
        mint(USER, SystemSeconds(NOW.0 - 60), SystemSeconds(NOW.0 + 1740), &secret()).expect("a token")
    }

    fn ring() -> KeyRing {
        let key = DominoKey { id: "primary".into(), secret: secret(), not_after: None };
        let cookie = SsoCookie { name: "LtpaToken".to_owned(), verifier: Verifier::Domino(vec![key]) };
        KeyRing::new(vec![cookie], Policy::default()).expect("a ring")
    }

    fn secret() -> DominoSecret {
        DominoSecret::from_bytes(&SECRET).expect("twenty bytes")
    }
}
