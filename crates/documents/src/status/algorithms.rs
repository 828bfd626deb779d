//! Until when algorithms and keys were strong enough to rely on.

use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, DigestAlg, SignatureAlgorithm};

/// 2004-08-17: two messages with one MD5 were published (Wang and others).
const MD5_END: Timestamp = Timestamp::from_seconds(1_092_700_800);
/// 2013-12-31, the end of SHA-1 and of RSA below 2048 bits for signing (NIST SP 800-131A Rev. 2, §3 and §9).
const SHA1_AND_SHORT_RSA_END: Timestamp = Timestamp::from_seconds(1_388_534_399);

/// Until when what can be relied upon. What is not named has no end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlgorithmRules {
    /// Digests with the last moment at which a signature over them was good.
    pub digests: Vec<(DigestAlg, Timestamp)>,
    /// The last moment at which a key that is weak ([`eseal_pki::PublicKey::is_weak`]: RSA below 2048 bits) was good.
    pub weak_keys: Option<Timestamp>,
}

impl Default for AlgorithmRules {
    fn default() -> Self {
        Self {
            digests: vec![(DigestAlg::Md5, MD5_END), (DigestAlg::Sha1, SHA1_AND_SHORT_RSA_END)],
            weak_keys: Some(SHA1_AND_SHORT_RSA_END),
        }
    }
}

/// Something that was strong enough for a while only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeakAlgorithm {
    /// Its name: `SHA-1`, `RSA 1024`.
    pub name: String,
    /// The last moment at which it was strong enough.
    pub until: Timestamp,
}

impl AlgorithmRules {
    fn digest(&self, digest: DigestAlg) -> Option<WeakAlgorithm> {
        let (_, until) = self.digests.iter().find(|(weak, _)| *weak == digest)?;
        Some(WeakAlgorithm { name: digest.name().to_owned(), until: *until })
    }

    fn key(&self, certificate: &Certificate) -> Option<WeakAlgorithm> {
        let key = certificate.public_key().ok().filter(|key| key.is_weak())?;
        self.weak_keys.map(|until| WeakAlgorithm { name: key.description(), until })
    }

    /// What of a signature by the first certificate of `chain` has an end, the earliest first. How the trusted root at the end
    /// of the chain was signed does not matter.
    pub(super) fn weak(
        &self,
        digests: impl IntoIterator<Item = DigestAlg>,
        signature: Option<SignatureAlgorithm>,
        chain: &[Certificate],
    ) -> Option<WeakAlgorithm> {
        let issued = chain.iter().take(chain.len().saturating_sub(1));
        let by_issuers = issued.filter_map(|certificate| certificate.signature_algorithm().ok());
        let named = signature.into_iter().chain(by_issuers).filter_map(SignatureAlgorithm::digest);
        let weak = digests.into_iter().chain(named).filter_map(|digest| self.digest(digest));
        weak.chain(chain.iter().filter_map(|certificate| self.key(certificate))).min_by_key(|weak| weak.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_the_days_that_they_are_said_to_be() {
        assert_eq!(MD5_END.to_string(), "2004-08-17T00:00:00.000000Z");
        assert_eq!(SHA1_AND_SHORT_RSA_END.to_string(), "2013-12-31T23:59:59.000000Z");
    }

    #[test]
    fn the_weakest_of_several_decides() {
        let rules = AlgorithmRules::default();
        let signature = Some(SignatureAlgorithm::RsaPkcs1(DigestAlg::Sha1));
        let weak = rules.weak([DigestAlg::Md5, DigestAlg::Sha256], signature, &[]).expect("two are weak");
        assert_eq!((weak.name.as_str(), weak.until), ("MD5", MD5_END));
        assert_eq!(rules.weak([DigestAlg::Sm3], Some(SignatureAlgorithm::Sm2Sm3), &[]), None);
    }
}
