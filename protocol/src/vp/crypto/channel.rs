//! Channel ciphers: what to offer, what to choose, and the two chains of an encrypted channel
//! (vp-wire.md 6.4).
//!
//! Only the data of a ChannelSend is ever encrypted; its type, and everything else, travels in clear.

use bytes::Bytes;
use zeroize::Zeroizing;

use super::dh::{KEY_LEN, Keypair, PublicKey};
use super::rc2::Chain;
use super::{CryptoError, Random};
use crate::vp::message::{EncryptionChoice, EncryptionOffer, RepeatedMode, mode};
use crate::vp::prim::{EncryptItem, LoginId};

/// What one side wants of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// No encryption: awareness, resolve, storage, conferences.
    #[default]
    Clear,
    /// The best cipher both know, else none.
    Prefer,
    /// The best cipher both know, else no channel.
    Require,
}

/// What a creator has put into its ChannelCreate and must remember until the answer.
#[derive(Debug)]
pub struct Offer {
    wish: Wish,
    keypair: Option<Keypair>,
}

impl Offer {
    /// An offer of every cipher this side knows, or of none. Draws a key pair if there is something to
    /// offer.
    pub fn new(wish: Wish, random: &mut Random) -> Self {
        let keypair = (wish != Wish::Clear).then(|| draw(random));
        Self { wish, keypair }
    }

    /// What to put into the ChannelCreate.
    pub fn message(&self) -> EncryptionOffer {
        let Some(keypair) = &self.keypair else { return EncryptionOffer::default() };
        let mode = if self.wish == Wish::Require { mode::ANY } else { mode::ANY_OR_NONE };
        let items = vec![
            EncryptItem { cipher: EncryptItem::RC2_40, info: Bytes::new() },
            EncryptItem { cipher: EncryptItem::RC2_128, info: public_info(keypair) },
        ];
        EncryptionOffer { mode, items, repeated: RepeatedMode { mode, flag: false } }
    }

    /// The ciphers of the channel after the peer's ChannelAccept; `None` if it is in clear.
    ///
    /// # Errors
    /// [`CryptoError`] if the answer cannot be followed, above all if it is "none" to a side that requires
    /// encryption. The channel must then be destroyed.
    pub fn answered(
        &self,
        choice: &EncryptionChoice,
        ids: LoginIds<'_>,
    ) -> Result<Option<Codec>, CryptoError> {
        let Some(keypair) = &self.keypair else {
            return if choice.mode == mode::NONE { Ok(None) } else { Err(CryptoError::NoCommonCipher) };
        };
        match (choice.mode, &choice.item) {
            (mode::NONE, _) if self.wish == Wish::Require => Err(CryptoError::NoCommonCipher),
            (mode::NONE, _) => Ok(None),
            (_, Some(item)) if item.cipher == EncryptItem::RC2_40 => Codec::by_login_ids(ids).map(Some),
            (_, Some(item)) if item.cipher == EncryptItem::RC2_128 => {
                Codec::by_keys(keypair, &item.info).map(Some)
            }
            _ => Err(CryptoError::NoCommonCipher),
        }
    }
}

/// What an acceptor answers.
#[derive(Debug)]
pub struct Choice {
    /// What to put into the ChannelAccept.
    pub message: EncryptionChoice,
    /// The ciphers of the channel; `None` if it is in clear.
    pub codec: Option<Codec>,
}

impl Choice {
    /// Chooses the strongest cipher of an offer that both sides can use.
    ///
    /// # Errors
    /// [`CryptoError::NoCommonCipher`] if one side requires encryption and the other has nothing to match.
    pub fn new(
        wish: Wish,
        offer: &EncryptionOffer,
        ids: LoginIds<'_>,
        random: &mut Random,
    ) -> Result<Self, CryptoError> {
        if wish != Wish::Clear && offer.mode != mode::NONE {
            if let Some(choice) = Self::by_keys(offer, random) {
                return Ok(choice);
            }
            if let Some(choice) = Self::by_login_ids(offer, ids) {
                return Ok(choice);
            }
        }
        let clear_will_do = wish != Wish::Require && matches!(offer.mode, mode::NONE | mode::ANY_OR_NONE);
        if clear_will_do {
            return Ok(Self { message: EncryptionChoice::default(), codec: None });
        }
        Err(CryptoError::NoCommonCipher)
    }

    fn by_keys(offer: &EncryptionOffer, random: &mut Random) -> Option<Self> {
        let offered = offer.items.iter().find(|item| item.cipher == EncryptItem::RC2_128)?;
        PublicKey::from_bytes(&offered.info).ok()?;
        let keypair = draw(random);
        let codec = Codec::by_keys(&keypair, &offered.info).ok()?;
        let item = EncryptItem { cipher: EncryptItem::RC2_128, info: public_info(&keypair) };
        Some(Self::of(mode::RC2_128, item, offer, codec))
    }

    fn by_login_ids(offer: &EncryptionOffer, ids: LoginIds<'_>) -> Option<Self> {
        offer.items.iter().find(|item| item.cipher == EncryptItem::RC2_40)?;
        let codec = Codec::by_login_ids(ids).ok()?;
        let item = EncryptItem { cipher: EncryptItem::RC2_40, info: Bytes::new() };
        Some(Self::of(mode::RC2_40, item, offer, codec))
    }

    fn of(mode: u16, item: EncryptItem, offer: &EncryptionOffer, codec: Codec) -> Self {
        let repeated = Some(RepeatedMode { mode: offer.mode, flag: false });
        Self { message: EncryptionChoice { mode, item: Some(item), repeated }, codec: Some(codec) }
    }
}

/// The login ids of the two ends of a channel. The peer's is the one in the creator or acceptor block that
/// the server puts in; empty if there is none.
#[derive(Clone, Copy, Debug)]
pub struct LoginIds<'a> {
    /// The id of this side's login.
    pub own: &'a LoginId,
    /// The id of the other side's login.
    pub peer: &'a LoginId,
}

/// The two directions of an encrypted channel. Messages must pass in order and without loss.
#[derive(Debug)]
pub struct Codec {
    sending: Chain,
    receiving: Chain,
}

impl Codec {
    /// RC2/40: each side encrypts with the first 5 bytes of its own login id.
    ///
    /// # Errors
    /// [`CryptoError::LoginIdTooShort`].
    pub fn by_login_ids(ids: LoginIds<'_>) -> Result<Self, CryptoError> {
        let key = |id: &LoginId| id.cipher_key().ok_or(CryptoError::LoginIdTooShort);
        Ok(Self { sending: Chain::new(&key(ids.own)?)?, receiving: Chain::new(&key(ids.peer)?)? })
    }

    /// RC2/128: both directions use the Diffie-Hellman key, each with an IV of its own.
    ///
    /// # Errors
    /// [`CryptoError::PublicKey`].
    pub fn by_keys(own: &Keypair, peer: &[u8]) -> Result<Self, CryptoError> {
        let chain = Chain::new(&own.agree(&PublicKey::from_bytes(peer)?)[..])?;
        Ok(Self { sending: chain.clone(), receiving: chain })
    }

    /// Encrypts the next message to send.
    pub fn seal(&mut self, data: &[u8]) -> Bytes {
        self.sending.encrypt(data).into()
    }

    /// Decrypts the next message received.
    ///
    /// # Errors
    /// [`CryptoError`]; the channel cannot go on.
    pub fn open(&mut self, data: &[u8]) -> Result<Bytes, CryptoError> {
        self.receiving.decrypt(data).map(Bytes::from)
    }
}

fn draw(random: &mut Random) -> Keypair {
    let mut private = Zeroizing::new([0; KEY_LEN]);
    random(&mut private[..]);
    Keypair::new(&private)
}

fn public_info(keypair: &Keypair) -> Bytes {
    Bytes::copy_from_slice(&keypair.public().to_bytes())
}

#[cfg(test)]
mod tests;
