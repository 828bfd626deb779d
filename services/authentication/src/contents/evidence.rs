//! What uses of seals were judged by: imported revocation lists, and what issuers answered, each stored once under its SHA-256.
//!
//! What is looked at names its pieces without reading them. Pieces can be forgotten where the settings want that: first what
//! attempts of old name, then, a day after no attempt names them any more, the pieces themselves. A piece that is wanted again
//! in that day is written again, in the transaction of the use that wants it, and so is not forgotten under it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eseal_eventstore::{Database, Row};
use eseal_kernel::{Digest, Id, Timestamp};
use eseal_online::Piece;
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Func, JoinType, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait as _, DbErr, QueryResult};

use super::{ContentError, Contents};
use crate::domain::ids::{AttemptId, SealId};

/// The most pieces of which is remembered that they are stored, and how long that is believed.
const MOST_STORED: usize = 4096;
const STORED_FOR: Duration = Duration::from_secs(60 * 60);
/// How long a piece stays that no attempt names.
const UNUSED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A revocation list.
    List,
    /// A list of changes.
    Changes,
    /// An OCSP response.
    Ocsp,
}

impl Kind {
    const ALL: [Self; 3] = [Self::List, Self::Changes, Self::Ocsp];

    /// As the table has it.
    const fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Changes => "changes",
            Self::Ocsp => "ocsp",
        }
    }

    /// What DER is, by what its outer SEQUENCE begins with: an OCSPResponse with an ENUMERATED, a CertificateList with a SEQUENCE.
    fn of(der: &[u8]) -> Self {
        const ENUMERATED: u8 = 0x0a;
        let header = der.get(1).map_or(0, |length| if length & 0x80 == 0 { 2 } else { 2 + usize::from(length & 0x7f) });
        if der.get(header) == Some(&ENUMERATED) { Self::Ocsp } else { Self::List }
    }
}

impl From<Piece> for Kind {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Answer => Self::Ocsp,
            Piece::List => Self::List,
            Piece::Changes => Self::Changes,
        }
    }
}

/// A piece that a use was judged by, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Its SHA-256.
    pub digest: Digest,
    /// What it is.
    pub kind: Kind,
    /// How many bytes it has.
    pub bytes: usize,
    table: &'static str,
}

/// What is known to be stored, and since when.
pub(super) type Stored = Arc<Mutex<HashMap<Digest, Timestamp>>>;

impl Contents {
    /// The row of what an issuer answered; none where it is stored already, and nobody is about to forget it.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub async fn evidence_row(&self, kind: Kind, der: &[u8], now: Timestamp) -> Result<Option<Row>, ContentError> {
        let digest = Digest::of(der);
        if self.is_stored(digest, now) {
            return Ok(None);
        }
        let select = Query::select()
            .column("digest")
            .from("evidence_content")
            .and_where(Expr::col("digest").eq(digest.to_string()))
            .and_where(Expr::col("unused_since").is_null())
            .take();
        if self.database.reader().query_one(&select).await?.is_none() {
            return Ok(Some(content(kind, digest, der)));
        }
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        if stored.len() >= MOST_STORED {
            stored.clear();
        }
        stored.insert(digest, now);
        Ok(None)
    }

    fn is_stored(&self, digest: Digest, now: Timestamp) -> bool {
        let stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        stored.get(&digest).is_some_and(|seen| (*seen..=seen.plus(STORED_FOR)).contains(&now))
    }

    /// What was looked at when a use of a seal was decided, by its SHA-256. What was forgotten is left out.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub async fn evidence(&self, seal: SealId, attempt: AttemptId) -> Result<Vec<Evidence>, ContentError> {
        let rows = self.database.reader().query_all(&pieces(seal, attempt)).await?;
        let mut found = Vec::new();
        for row in &rows {
            if let Some(one) = piece(row)? {
                found.push(one);
            }
        }
        // Earlier releases did not say what it is.
        for one in found.iter_mut().filter(|(_, kind)| kind.is_none()) {
            let der = self.evidence_bytes(&one.0).await?.unwrap_or_default();
            one.1 = Some(Kind::of(&der));
        }
        Ok(found.into_iter().map(|(one, kind)| Evidence { kind: kind.unwrap_or(one.kind), ..one }).collect())
    }

    /// The bytes of a piece; none if it was forgotten meanwhile.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub async fn evidence_bytes(&self, piece: &Evidence) -> Result<Option<Vec<u8>>, ContentError> {
        self.blob(piece.table, "der", ("digest", &piece.digest.to_string())).await
    }

    /// Forgets what attempts that began before `before` were judged by, and pieces that no attempt names since a day. Does at most
    /// `most` of each, and gives how many it forgot: with fewer than `most` there are no more for now.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub async fn forget_evidence(&self, before: Timestamp, now: Timestamp, most: u64) -> Result<u64, ContentError> {
        let named = forget_names(&self.database, before, most).await?;
        mark_unused(&self.database, now, most).await?;
        Ok(Ord::max(named, forget_unused(&self.database, now, most).await?))
    }
}

/// The row that keeps what was looked at when a use of a seal was decided: a revocation list or an OCSP response, by its SHA-256.
pub fn seen_row((seal, attempt): (SealId, AttemptId), digest: Digest) -> Row {
    let values = vec![
        ("attempt_id", attempt.to_string().into()),
        ("seal_id", seal.to_string().into()),
        ("digest", digest.to_string().into()),
    ];
    Row { table: "sealing_evidence", key: &["attempt_id", "seal_id", "digest"], values }
}

fn content(kind: Kind, digest: Digest, der: &[u8]) -> Row {
    let values = vec![
        ("digest", digest.to_string().into()),
        ("der", der.to_vec().into()),
        ("kind", kind.name().into()),
        ("unused_since", None::<i64>.into()),
    ];
    Row { table: "evidence_content", key: &["digest"], values }
}

fn pieces(seal: SealId, attempt: AttemptId) -> SelectStatement {
    let own = |column| Expr::col(("sealing_evidence", column));
    let same = |table: &'static str| Expr::col((table, "digest")).equals(("sealing_evidence", "digest"));
    let length = |table: &'static str| Func::cust("length").arg(Expr::col((table, "der")));
    Query::select()
        .expr(own("digest"))
        .expr_as(length("crl_content"), Alias::new("imported"))
        .expr_as(length("evidence_content"), Alias::new("answered"))
        .expr_as(Expr::col(("evidence_content", "kind")), Alias::new("kind"))
        .from("sealing_evidence")
        .join(JoinType::LeftJoin, "crl_content", same("crl_content"))
        .join(JoinType::LeftJoin, "evidence_content", same("evidence_content"))
        .and_where(own("attempt_id").eq(attempt.to_string()))
        .and_where(own("seal_id").eq(seal.to_string()))
        .order_by(("sealing_evidence", "digest"), Order::Asc)
        .take()
}

/// A piece, and what it is where that is stored; none where it was forgotten.
fn piece(row: &QueryResult) -> Result<Option<(Evidence, Option<Kind>)>, ContentError> {
    let digest = row.try_get::<String>("", "digest")?.parse();
    let digest: Digest = digest.map_err(|_| DbErr::Type("sealing_evidence.digest".to_owned()))?;
    let size = |column: &str| -> Result<Option<usize>, DbErr> {
        Ok(row.try_get::<Option<i32>>("", column)?.and_then(|bytes| usize::try_from(bytes).ok()))
    };
    if let Some(bytes) = size("imported")? {
        return Ok(Some((Evidence { digest, kind: Kind::List, bytes, table: "crl_content" }, Some(Kind::List))));
    }
    let Some(bytes) = size("answered")? else { return Ok(None) };
    let name: String = row.try_get("", "kind")?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
    Ok(Some((Evidence { digest, kind: Kind::List, bytes, table: "evidence_content" }, kind)))
}

/// Ids of attempts sort by the moment that they carry, in milliseconds: what comes before the ones of this moment.
fn ids_from(moment: Timestamp) -> String {
    const MILLISECONDS: usize = "00000000-0000".len();
    Id::random(moment).to_string().chars().take(MILLISECONDS).collect()
}

async fn forget_names(database: &Database, before: Timestamp, most: u64) -> Result<u64, DbErr> {
    let old = || Expr::col("attempt_id").lt(ids_from(before));
    let select = Query::select()
        .column("attempt_id")
        .from("sealing_evidence")
        .and_where(old())
        .order_by("attempt_id", Order::Asc)
        .limit(most)
        .take();
    let rows = database.reader().query_all(&select).await?;
    let Some(last) = rows.last() else { return Ok(0) };
    let last: String = last.try_get("", "attempt_id")?;
    let transaction = database.begin().await?;
    let delete = Query::delete()
        .from_table("sealing_evidence")
        .and_where(old())
        .and_where(Expr::col("attempt_id").lte(last))
        .take();
    let deleted = transaction.execute(&delete).await?.rows_affected();
    transaction.commit().await?;
    Ok(deleted)
}

/// That no attempt names a piece.
fn is_unnamed() -> Expr {
    let named = Query::select()
        .expr(Expr::val(1))
        .from("sealing_evidence")
        .and_where(Expr::col(("sealing_evidence", "digest")).equals(("evidence_content", "digest")))
        .take();
    Expr::exists(named).not()
}

async fn mark_unused(database: &Database, now: Timestamp, most: u64) -> Result<(), DbErr> {
    let unmarked = || Expr::col("unused_since").is_null();
    let digests = unnamed(database, unmarked(), most).await?;
    if digests.is_empty() {
        return Ok(());
    }
    let update = Query::update()
        .table("evidence_content")
        .value("unused_since", now.micros())
        .and_where(Expr::col("digest").is_in(digests))
        .and_where(unmarked())
        .and_where(is_unnamed())
        .take();
    let transaction = database.begin().await?;
    transaction.execute(&update).await?;
    transaction.commit().await
}

async fn forget_unused(database: &Database, now: Timestamp, most: u64) -> Result<u64, DbErr> {
    let unused = || Expr::col("unused_since").lt(now.minus(UNUSED_FOR).micros());
    let digests = unnamed(database, unused(), most).await?;
    if digests.is_empty() {
        return Ok(0);
    }
    let delete = Query::delete()
        .from_table("evidence_content")
        .and_where(Expr::col("digest").is_in(digests))
        .and_where(unused())
        .and_where(is_unnamed())
        .take();
    let transaction = database.begin().await?;
    let deleted = transaction.execute(&delete).await?.rows_affected();
    transaction.commit().await?;
    Ok(deleted)
}

async fn unnamed(database: &Database, which: Expr, most: u64) -> Result<Vec<String>, DbErr> {
    let select = Query::select()
        .column("digest")
        .from("evidence_content")
        .and_where(which)
        .and_where(is_unnamed())
        .limit(most)
        .take();
    let rows = database.reader().query_all(&select).await?;
    rows.iter().map(|row| row.try_get("", "digest")).collect()
}

#[cfg(test)]
mod tests {
    use eseal_eventstore::{DatabaseConfig, migrate};
    use eseal_service::config::Sources;
    use eseal_testkit::TestDb;

    use super::*;
    use crate::config::{CONFIG_DEFAULT, Config};
    use crate::vault::Vault;

    #[test]
    fn an_ocsp_response_and_a_list_are_told_apart_by_their_first_bytes() {
        assert_eq!(Kind::of(&[0x30, 3, 0x0a, 1, 3]), Kind::Ocsp);
        assert_eq!(Kind::of(&[0x30, 0x82, 1, 0, 0x0a, 1, 0]), Kind::Ocsp);
        assert_eq!(Kind::of(&[0x30, 0x82, 1, 0, 0x30, 0x81, 0x90]), Kind::List);
        for broken in [&[][..], &[0x30], &[0x30, 0x84, 0], &[0x30, 0xff]] {
            assert_eq!(Kind::of(broken), Kind::List, "{broken:?}");
        }
    }

    const THEN: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const HOUR: Duration = Duration::from_secs(60 * 60);
    const PIECE: &[u8] = &[0x30, 0];

    /// Contents in a database of their own.
    struct Own {
        contents: Contents,
        _db: TestDb,
    }

    impl Own {
        /// With one piece of evidence that no attempt names.
        async fn with_a_piece() -> Self {
            let (db, folder) = (TestDb::any().await, tempfile::tempdir().expect("a folder"));
            let database = Database::connect(&DatabaseConfig::new(db.url())).await.expect("a database");
            migrate(&database, crate::migrations).await.expect("migrations");
            let config: Config = Sources::new(CONFIG_DEFAULT).load().expect("settings");
            let config = Config { key_file: folder.path().join("authentication.key"), ..config };
            let vault = Arc::new(Vault::open(&config, true).expect("a vault"));
            let own = Self { contents: Contents::new(database, vault), _db: db };
            own.write(content(Kind::List, Digest::of(PIECE), PIECE)).await;
            own
        }

        async fn write(&self, row: Row) {
            let (columns, values): (Vec<_>, Vec<_>) = row.values.into_iter().unzip();
            let insert = Query::insert()
                .into_table(row.table)
                .columns(columns)
                .values_panic(values.into_iter().map(Expr::val))
                .take();
            self.change(&insert).await;
        }

        async fn change(&self, statement: &impl sea_orm::StatementBuilder) {
            let transaction = self.contents.database.begin().await.expect("begun");
            transaction.execute(statement).await.expect("changed");
            transaction.commit().await.expect("committed");
        }

        /// Has an attempt that began then name the piece.
        async fn named(&self, begun: Timestamp) {
            let (seal, attempt) = (SealId(Id::from_bytes([1; 16])), AttemptId(Id::random(begun)));
            self.write(seen_row((seal, attempt), Digest::of(PIECE))).await;
        }

        /// Forgets what is older than a month, and says whether the piece is still there.
        async fn is_there_after(&self, now: Timestamp) -> bool {
            self.contents.forget_evidence(now.minus(HOUR * 24 * 30), now, 10).await.expect("forgotten");
            let select = Query::select().column("digest").from("evidence_content").take();
            !self.contents.database.reader().query_all(&select).await.expect("rows").is_empty()
        }
    }

    #[tokio::test]
    async fn a_piece_is_forgotten_a_day_after_no_attempt_names_it_any_more_and_no_sooner() {
        let own = Own::with_a_piece().await;
        own.named(THEN).await;
        assert!(own.is_there_after(THEN.plus(HOUR * 24 * 29)).await);
        assert!(own.is_there_after(THEN.plus(HOUR * 24 * 31)).await, "its name is forgotten now");
        // That it is looked at meanwhile does not begin the day anew.
        let until = THEN.plus(HOUR * 24 * 32);
        for now in [until.minus(HOUR), until] {
            assert!(own.is_there_after(now).await);
        }
        assert!(!own.is_there_after(until.plus(Duration::from_micros(1))).await);
    }

    #[tokio::test]
    async fn a_piece_that_was_about_to_be_forgotten_stays_once_an_attempt_names_it() {
        let own = Own::with_a_piece().await;
        assert!(own.is_there_after(THEN).await, "no attempt names it since now");
        // A replica that knew it as stored does not write it again.
        own.named(THEN.plus(HOUR)).await;
        assert!(own.is_there_after(THEN.plus(HOUR * 48)).await);
    }

    #[tokio::test]
    async fn a_piece_is_written_again_where_it_is_not_known_to_stay() {
        let own = Own::with_a_piece().await;
        let is_written = async |now| {
            let row = own.contents.evidence_row(Kind::List, PIECE, now).await.expect("looked up");
            row.is_some()
        };
        assert!(!is_written(THEN).await, "it is stored");
        own.change(&Query::delete().from_table("evidence_content").take()).await;
        assert!(!is_written(THEN.plus(STORED_FOR)).await, "it is remembered as stored");
        assert!(is_written(THEN.plus(STORED_FOR).plus(Duration::from_micros(1))).await);
        own.write(content(Kind::List, Digest::of(PIECE), PIECE)).await;
        let later = THEN.plus(HOUR * 2);
        assert!(own.is_there_after(later).await, "no attempt names it since now");
        assert!(is_written(later).await, "or it would be forgotten under its use");
    }

    #[test]
    fn ids_of_earlier_attempts_come_before_a_moment_and_later_ones_behind() {
        let moment = Timestamp::from_seconds(1_800_000_000);
        let bound = ids_from(moment);
        let id = |at: Timestamp| Id::random(at).to_string();
        assert!(id(moment.minus(Duration::from_millis(1))) < bound && id(moment) > bound);
    }
}
