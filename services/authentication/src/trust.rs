//! Whom this system trusts, and what that says of a certificate.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eseal_eventstore::Database;
use eseal_kernel::{Digest, Timestamp};
use eseal_pki::{Certificate, CertificateError, Chain, ChainError, Crl, CrlError, TrustStore, chain};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, Order, Query, SelectStatement, UnionType};
use sea_orm::{ConnectionTrait as _, DbErr};

use crate::contents::{ContentError, Contents, part_of};
use crate::domain::reason::Reason;
use crate::domain::trust_anchor::Purpose;

/// How long what was found out about a chain is remembered, for how many chains: lists run out meanwhile.
const LOOKED_FOR: Duration = Duration::from_secs(60);
const MOST_LOOKED_AT: usize = 4096;

/// The trust anchors and revocation lists of one moment.
#[derive(Debug, Default)]
pub struct Trust {
    /// The newest fact of trust that it knows.
    revision: i64,
    holder: TrustStore,
    maker: TrustStore,
    /// The newest list of each issuer, or of each part of it.
    crls: Vec<Crl>,
    /// SHA-256 of each.
    crl_digests: Vec<Digest>,
    /// What the lists say of chains that were asked about: their signatures are not checked again for each use.
    looked_at: Mutex<HashMap<(Purpose, Digest), Arc<Looked>>>,
}

/// What is known of a certificate whose chain leads to a trusted root and that may be used for its purpose.
#[derive(Debug)]
pub struct Looked {
    chain: Chain,
    /// When this was found out.
    at: Timestamp,
    /// Since when the lists have it, or one above it, as revoked.
    revoked_since: Option<Timestamp>,
    /// SHA-256 of the lists that speak about the chain.
    lists: Vec<Digest>,
    /// The certificates that no current list speaks about, each with its issuer.
    unlisted: Vec<(Certificate, Certificate)>,
}

impl Looked {
    /// Whether all of the chain is inside its validity, and no list has it as revoked.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self, now: Timestamp) -> Result<(), Fault> {
        self.chain.valid_at(now).map_err(fault)?;
        match self.revoked_since {
            Some(since) if since <= now => Err(Fault::Revoked),
            Some(_) | None => Ok(()),
        }
    }

    /// SHA-256 of the lists that speak about the chain.
    pub fn lists(&self) -> &[Digest] {
        &self.lists
    }

    /// The certificates that no current list speaks about, each with its issuer.
    pub fn unlisted(&self) -> &[(Certificate, Certificate)] {
        &self.unlisted
    }
}

/// Why a certificate is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is no certificate that can be read.
    Malformed,
    /// No chain to a trusted root of the purpose, or its usage does not allow it.
    Untrusted,
    /// It, or one above it, is outside its validity.
    Expired,
    /// It, or one above it, was revoked.
    Revoked,
    /// Nobody says whether it, or one above it, is revoked, and the settings ask for that.
    StatusUnknown,
    /// Its subject is another organization.
    OtherOrganization,
}

impl Fault {
    /// The code that tells it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "CERTIFICATE_MALFORMED",
            Self::Untrusted => Reason::CertificateUntrusted.code(),
            Self::Expired => Reason::CertificateExpired.code(),
            Self::Revoked => Reason::CertificateRevoked.code(),
            Self::StatusUnknown => Reason::CertificateStatusUnknown.code(),
            Self::OtherOrganization => "CERTIFICATE_NOT_OF_ORGANIZATION",
        }
    }

    /// What gate d says of it.
    pub const fn at_gate_d(self) -> Reason {
        match self {
            Self::Expired => Reason::CertificateExpired,
            Self::Revoked => Reason::CertificateRevoked,
            Self::StatusUnknown => Reason::CertificateStatusUnknown,
            Self::Malformed | Self::Untrusted | Self::OtherOrganization => Reason::CertificateUntrusted,
        }
    }
}

/// What is known of the signer of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signer {
    /// Whether it chains to a trusted root and may sign; the fault if not.
    pub trusted: Result<(), Fault>,
    /// Whether no root is trusted for the purpose, so that nothing can be said.
    pub no_roots: bool,
    /// Whether all of the chain was inside its validity at the moment that was asked about.
    pub valid_at: bool,
    /// Since when it is revoked, if it is.
    pub revoked_since: Option<Timestamp>,
}

impl Trust {
    /// What is known of a certificate that leads to a trusted root for the purpose. Of one that came without others it is
    /// remembered for a minute.
    ///
    /// # Errors
    /// [`Fault::Untrusted`].
    pub fn look(
        &self,
        purpose: Purpose,
        leaf: &Certificate,
        pool: &[Certificate],
        now: Timestamp,
    ) -> Result<Arc<Looked>, Fault> {
        let key = (purpose, leaf.fingerprint());
        let known = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known
            && pool.is_empty()
            && (known.at..=known.at.plus(LOOKED_FOR)).contains(&now)
        {
            return Ok(known);
        }
        let looked = Arc::new(self.looked(self.chain(purpose, leaf, pool, now)?, now));
        if pool.is_empty() {
            let mut looked_at = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
            if looked_at.len() >= MOST_LOOKED_AT {
                looked_at.clear();
            }
            looked_at.insert(key, Arc::clone(&looked));
        }
        Ok(looked)
    }

    fn looked(&self, chain: Chain, now: Timestamp) -> Looked {
        let revoked_since = match chain.check_revocation(&self.crls, Timestamp::from_micros(i64::MAX)) {
            Err(ChainError::Revoked { since, .. }) => Some(since),
            Ok(()) | Err(_) => None,
        };
        let without = chain.without_current_crl(&self.crls, now);
        let pairs = chain.certificates().windows(2).map(|pair| (pair[0].clone(), pair[1].clone()));
        let unlisted = pairs.filter(|(certificate, _)| without.contains(certificate)).collect();
        let speaks = |list: &Crl| chain.certificates().iter().skip(1).any(|issuer| list.verify(issuer).is_ok());
        let lists = self.digested_crls().filter(|(_, list)| speaks(list)).map(|(digest, _)| digest).collect();
        Looked { chain, at: now, revoked_since, lists, unlisted }
    }

    /// What can be said of the signer of a document that may be old.
    pub fn signer(
        &self,
        purpose: Purpose,
        leaf: &Certificate,
        pool: &[Certificate],
        at: Timestamp,
        now: Timestamp,
    ) -> Signer {
        let chain = match self.chain(purpose, leaf, pool, at) {
            Ok(chain) => chain,
            Err(fault) => return self.nobody(purpose, fault),
        };
        let revoked_since = match chain.check_revocation(&self.crls, now) {
            Err(ChainError::Revoked { since, .. }) => Some(since),
            Ok(()) | Err(_) => None,
        };
        Signer { trusted: Ok(()), no_roots: false, valid_at: chain.valid_at(at).is_ok(), revoked_since }
    }

    /// A signer of whom nothing can be said but this.
    pub fn nobody(&self, purpose: Purpose, fault: Fault) -> Signer {
        Signer { trusted: Err(fault), no_roots: self.roots(purpose).is_empty(), valid_at: false, revoked_since: None }
    }

    /// Who certifies holders.
    pub const fn holders(&self) -> &TrustStore {
        &self.holder
    }

    /// The newest list of each issuer, or of each part of it.
    pub fn crls(&self) -> &[Crl] {
        &self.crls
    }

    /// The same with the SHA-256 of each.
    pub fn digested_crls(&self) -> impl Iterator<Item = (Digest, &Crl)> {
        self.crl_digests.iter().copied().zip(&self.crls)
    }

    /// The trusted certificate whose key signed this list; none if it is no trusted one.
    pub fn issuer_of(&self, list: &Crl) -> Option<&Certificate> {
        let anchors = self.holder.roots().iter().chain(self.maker.roots());
        anchors.into_iter().find(|anchor| list.verify(anchor).is_ok())
    }

    /// A way to a trusted root, over certificates that were valid at `at` where there are such.
    fn chain(&self, purpose: Purpose, leaf: &Certificate, pool: &[Certificate], at: Timestamp) -> Result<Chain, Fault> {
        let chain = chain::build_at(leaf, pool, self.roots(purpose), Some(at)).map_err(fault)?;
        let purpose = match purpose {
            Purpose::Holder => chain::Purpose::Holder,
            Purpose::Maker => chain::Purpose::Maker,
        };
        chain.check_purpose(purpose).map_err(fault)?;
        Ok(chain)
    }

    fn roots(&self, purpose: Purpose) -> &TrustStore {
        match purpose {
            Purpose::Holder => &self.holder,
            Purpose::Maker => &self.maker,
        }
    }
}

fn fault(error: ChainError) -> Fault {
    match error {
        ChainError::NotYetValid { .. } | ChainError::Expired { .. } => Fault::Expired,
        ChainError::Revoked { .. } => Fault::Revoked,
        ChainError::NoPath { .. }
        | ChainError::NotTrusted { .. }
        | ChainError::BadSignature { .. }
        | ChainError::UnsupportedAlgorithm { .. }
        | ChainError::NotCa { .. }
        | ChainError::PathTooLong { .. }
        | ChainError::KeyUsage { .. }
        | ChainError::Purpose { .. }
        | ChainError::CaPurpose { .. }
        | ChainError::UnknownCritical { .. }
        | ChainError::NameNotAllowed { .. }
        | ChainError::NameNotCompared { .. }
        | ChainError::NamesMalformed { .. }
        | ChainError::NoPolicy { .. }
        | ChainError::AnyPolicyMapped { .. }
        | ChainError::TooManyCertificates => Fault::Untrusted,
    }
}

/// Reads trust from the tables, and again when it has changed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TrustReader {
    database: Database,
    contents: Contents,
    last: Arc<Mutex<Arc<Trust>>>,
}

/// Why trust can't be read.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// A content can't be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A stored certificate can't be read.
    #[error("a trusted certificate can't be read")]
    Certificate(#[from] CertificateError),
    /// A stored revocation list can't be read.
    #[error("a revocation list can't be read")]
    Crl(#[from] CrlError),
    /// A read table does not hold what the projection writes there.
    #[error("the column {0} does not hold what the projection writes there")]
    Damaged(&'static str),
    /// A content that facts name is not there.
    #[error("the content {0} of a fact of trust is missing")]
    Missing(Digest),
}

impl TrustReader {
    /// Reads from these.
    pub fn new(database: Database, contents: Contents) -> Self {
        Self { database, contents, last: Arc::default() }
    }

    /// Trust as the latest facts say.
    ///
    /// # Errors
    /// [`TrustError`]. A part that can't be read is never left out.
    pub async fn current(&self) -> Result<Arc<Trust>, TrustError> {
        let revision = self.revision().await?;
        let last = Arc::clone(&self.last.lock().unwrap_or_else(PoisonError::into_inner));
        if last.revision == revision {
            return Ok(last);
        }
        let (crl_digests, crls) = self.newest_crls().await?.into_iter().unzip();
        let trust = Arc::new(Trust {
            revision,
            holder: self.anchors(Purpose::Holder).await?,
            maker: self.anchors(Purpose::Maker).await?,
            crls,
            crl_digests,
            looked_at: Mutex::default(),
        });
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&trust);
        Ok(trust)
    }

    /// The position of the newest fact of trust; 0 before the first.
    async fn revision(&self) -> Result<i64, DbErr> {
        let newest = |table| Query::select().expr_as(Func::max(Expr::col("position")), "position").from(table).take();
        let both = newest("trust_anchor").union(UnionType::All, newest("crl")).take();
        let select =
            Query::select().expr_as(Func::max(Expr::col("position")), "position").from_subquery(both, "newest").take();
        let row = self.database.reader().query_one(&select).await?;
        row.map_or(Ok(0), |row| Ok(row.try_get::<Option<i64>>("", "position")?.unwrap_or(0)))
    }

    async fn anchors(&self, purpose: Purpose) -> Result<TrustStore, TrustError> {
        let select = Query::select()
            .column("fingerprint")
            .from("trust_anchor")
            .and_where(Expr::col("purpose").eq(purpose.name()))
            .and_where(Expr::col("trusted").eq(true))
            .take();
        let mut roots = Vec::new();
        for row in self.database.reader().query_all(&select).await? {
            let digest = digest(&row.try_get::<String>("", "fingerprint")?, "fingerprint")?;
            let der = self.contents.certificate(digest).await?.ok_or(TrustError::Missing(digest))?;
            roots.push(Certificate::from_der(&der)?);
        }
        Ok(TrustStore::new(roots))
    }

    /// The newest list of each issuer; where its lists are parts (RFC 5280 §5.2.5), the newest of each part: one takes back nothing that
    /// another one says. A whole list stands for all that is older.
    async fn newest_crls(&self) -> Result<Vec<(Digest, Crl)>, TrustError> {
        let (mut found, mut whole) = (HashSet::new(), HashSet::new());
        let mut crls = Vec::new();
        for row in self.database.reader().query_all(&imported()).await? {
            let issuer: String = row.try_get("", "issuer")?;
            let known: Option<String> = row.try_get("", "part")?;
            let is_known = |part: &String| found.contains(&(issuer.clone(), part.clone()));
            if whole.contains(&issuer) || known.as_ref().is_some_and(is_known) {
                continue;
            }
            let digest = digest(&row.try_get::<String>("", "digest")?, "digest")?;
            let der = self.contents.crl(digest).await?.ok_or(TrustError::Missing(digest))?;
            let crl = Crl::from_der(&der)?;
            let part = part_of(&crl);
            if known.is_none() {
                self.contents.remember_part(digest, &part).await?;
            }
            if part.is_empty() {
                whole.insert(issuer.clone());
            }
            if found.insert((issuer, part)) {
                crls.push((digest, crl));
            }
        }
        Ok(crls)
    }
}

/// The lists that were taken in, the newest first, each with the part that it is; none where an earlier release took it in.
fn imported() -> SelectStatement {
    let own = |column| Expr::col(("crl", column));
    Query::select()
        .expr(own("digest"))
        .expr(own("issuer"))
        .expr(Expr::col(("crl_content", "part")))
        .from("crl")
        .left_join("crl_content", Expr::col(("crl_content", "digest")).equals(("crl", "digest")))
        .order_by(("crl", "this_update"), Order::Desc)
        .take()
}

fn digest(text: &str, column: &'static str) -> Result<Digest, TrustError> {
    text.parse().map_err(|_| TrustError::Damaged(column))
}
