use super::*;

struct Ends {
    alice: LoginId,
    bob: LoginId,
}

impl Ends {
    fn new(alice: &str, bob: &str) -> Self {
        Self { alice: alice.into(), bob: bob.into() }
    }

    fn of_alice(&self) -> LoginIds<'_> {
        LoginIds { own: &self.alice, peer: &self.bob }
    }

    fn of_bob(&self) -> LoginIds<'_> {
        LoginIds { own: &self.bob, peer: &self.alice }
    }
}

fn random(seed: u8) -> Random {
    Box::new(move |out| out.fill(seed))
}

fn offer(wish: Wish) -> Offer {
    Offer::new(wish, &mut random(1))
}

fn choose(wish: Wish, offer: &EncryptionOffer, ends: &Ends) -> Result<Choice, CryptoError> {
    Choice::new(wish, offer, ends.of_bob(), &mut random(2))
}

fn talk(alice: &mut Codec, bob: &mut Codec) {
    for text in [&b"one"[..], b"", b"a longer one than a block"] {
        let sealed = alice.seal(text);
        assert_eq!(bob.open(&sealed).unwrap(), text);
        let sealed = bob.seal(text);
        assert_eq!(alice.open(&sealed).unwrap(), text);
    }
}

#[test]
fn the_stronger_cipher_is_chosen() {
    let ends = Ends::new("alice-1", "bob-22");
    let offer = offer(Wish::Prefer);
    let choice = choose(Wish::Prefer, &offer.message(), &ends).unwrap();
    assert_eq!(choice.message.mode, mode::RC2_128);
    let mut alice = offer.answered(&choice.message, ends.of_alice()).unwrap().unwrap();
    talk(&mut alice, &mut choice.codec.unwrap());
}

#[test]
fn login_ids_are_the_keys_when_nothing_else_is_offered() {
    let ends = Ends::new("alice-1", "bob-22");
    let offer = offer(Wish::Prefer);
    let mut message = offer.message();
    message.items.truncate(1);
    let choice = choose(Wish::Require, &message, &ends).unwrap();
    assert_eq!(choice.message.mode, mode::RC2_40);
    let mut alice = offer.answered(&choice.message, ends.of_alice()).unwrap().unwrap();
    talk(&mut alice, &mut choice.codec.unwrap());
}

#[test]
fn clear_is_agreed_on_only_if_both_allow_it() {
    let ends = Ends::new("alice-1", "bob-22");
    let clear = offer(Wish::Clear);
    assert_eq!(clear.message(), EncryptionOffer::default());
    let choice = choose(Wish::Prefer, &clear.message(), &ends).unwrap();
    assert_eq!(choice.message, EncryptionChoice::default());
    assert!(clear.answered(&choice.message, ends.of_alice()).unwrap().is_none());

    let refused = choose(Wish::Require, &clear.message(), &ends);
    assert_eq!(refused.unwrap_err(), CryptoError::NoCommonCipher);
    let strict = offer(Wish::Require);
    let refused = choose(Wish::Clear, &strict.message(), &ends);
    assert_eq!(refused.unwrap_err(), CryptoError::NoCommonCipher);
    assert!(strict.answered(&EncryptionChoice::default(), ends.of_alice()).is_err());
}

#[test]
fn answers_that_cannot_be_followed_are_errors() {
    let ends = Ends::new("al", "bob-22");
    let answer = |mode, cipher: Option<u16>, info: &'static [u8]| EncryptionChoice {
        mode,
        item: cipher.map(|cipher| EncryptItem { cipher, info: Bytes::from_static(info) }),
        repeated: None,
    };
    let error = |offer: &Offer, choice| offer.answered(&choice, ends.of_alice()).unwrap_err();
    let (clear, any) = (offer(Wish::Clear), offer(Wish::Prefer));
    assert_eq!(error(&clear, answer(mode::RC2_40, None, b"")), CryptoError::NoCommonCipher);
    assert_eq!(error(&any, answer(mode::RC2_40, None, b"")), CryptoError::NoCommonCipher);
    assert_eq!(error(&any, answer(mode::RC2_40, Some(9), b"")), CryptoError::NoCommonCipher);
    let by_ids = answer(mode::RC2_40, Some(EncryptItem::RC2_40), b"");
    assert_eq!(error(&any, by_ids), CryptoError::LoginIdTooShort);
    let by_keys = answer(mode::RC2_128, Some(EncryptItem::RC2_128), b"\x01");
    assert_eq!(error(&any, by_keys), CryptoError::PublicKey);
}
