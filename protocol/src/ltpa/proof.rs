//! A verified token, before the question what time it is.

use std::sync::Arc;

use super::{Identity, KeyLife, Policy, Rejection, SystemSeconds};

/// What a token proved once. Worth keeping where proving is dear (RSA): judged anew at every use, it gives the
/// same answer as the token itself, as long as the key ring stays the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Shared: who keeps proofs hands them out at every request.
    pub(super) identity: Arc<Identity>,
    /// The last millisecond of the token's life.
    pub(super) expires_ms: u64,
    /// When the key that was used may be used.
    pub(super) key_life: KeyLife,
}

impl Proof {
    /// Who it is about, if its time is right.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The last millisecond since 1970-01-01 UTC at which the token is good, without the clock tolerance.
    pub fn expires_ms(&self) -> u64 {
        self.expires_ms
    }

    /// Whether the proof holds at this moment.
    ///
    /// # Errors
    /// [`Rejection::KeyRetired`], [`Rejection::NotYetValid`] or [`Rejection::Expired`].
    pub fn judge(&self, now: SystemSeconds, policy: &Policy) -> Result<(), Rejection> {
        if !self.key_life.covers(now) {
            return Err(Rejection::KeyRetired);
        }
        let now_ms = now.0.saturating_mul(1000);
        let skew_ms = u64::try_from(policy.skew.as_millis()).unwrap_or(u64::MAX);
        let created_ms = self.identity.created.map_or(0, |time| time.0.saturating_mul(1000));
        if created_ms.saturating_sub(skew_ms) > now_ms {
            return Err(Rejection::NotYetValid);
        }
        if now_ms > self.expires_ms.saturating_add(skew_ms) {
            return Err(Rejection::Expired);
        }
        Ok(())
    }

    /// The identity, if the proof holds at this moment.
    ///
    /// # Errors
    /// As [`Self::judge`].
    pub fn into_identity(self, now: SystemSeconds, policy: &Policy) -> Result<Arc<Identity>, Rejection> {
        self.judge(now, policy)?;
        Ok(self.identity)
    }
}
