//! Codes that are sent: good once, for a short time, for a use of one seal by one person; stored hashed like PINs.

use std::time::Duration;

use eseal_kernel::Timestamp;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Query};
use zeroize::Zeroizing;

use super::{Code, Codes, CodesError, Memory, RightCode};
use crate::domain::ids::{PersonId, SealId};
use crate::pins::Pin;
use crate::vault::{VaultError, random};

const TABLE: &str = "sealing_code";
/// Digits of a code that is sent. One of an authenticator has fewer, so that the two can be told apart.
pub(super) const DIGITS: usize = 8;
/// How long it is good.
const GOOD_FOR: Duration = Duration::from_secs(300);
/// How often it may be tried; the tries of the PIN count besides.
const TRIES: i32 = 5;
/// How long to wait before another one is sent.
pub const PAUSE: Duration = Duration::from_secs(30);

/// What became of the wish for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way, and good until then.
    Until(Timestamp),
    /// One was sent a moment ago; so long another one has to wait.
    JustNow(Duration),
    /// Nobody sends codes on here.
    NoWebhook,
}

impl Codes {
    /// Makes a code for a use of a seal and has it sent to its custodian, in place of one before.
    ///
    /// # Errors
    /// [`CodesError`]; nobody took it: then it is good for nothing.
    pub async fn send(&self, seal: SealId, person: &PersonId, now: Timestamp) -> Result<Sent, CodesError> {
        let Some(webhook) = &self.webhook else { return Ok(Sent::NoWebhook) };
        let code = sent_code()?;
        let hash = self.pins.hash(Pin::try_new(code.to_string()).map_err(|_| CodesError::Damaged)?).await?;
        let until = now.plus(GOOD_FOR);
        let mut replace = OnConflict::columns(["seal_id", "person_id"]);
        replace.update_columns(["hash", "made_at", "tries_left"]);
        replace.action_and_where(Expr::col((TABLE, "made_at")).lte(now.minus(PAUSE).micros()));
        let insert = Query::insert()
            .into_table(TABLE)
            .columns(["seal_id", "person_id", "hash", "made_at", "tries_left"])
            .values_panic([
                seal.to_string().into(),
                person.as_str().into(),
                hash.to_vec().into(),
                now.micros().into(),
                TRIES.into(),
            ])
            .on_conflict(replace)
            .take();
        if self.changed(&insert).await? == 0 {
            return Ok(Sent::JustNow(PAUSE));
        }
        if let Err(error) = webhook.send(seal, person, &code, now, until).await {
            // Another one may be asked for at once.
            let this = whose(seal, person).and(Expr::col("made_at").eq(now.micros()));
            self.changed(&Query::delete().from_table(TABLE).and_where(this).take()).await?;
            return Err(error.into());
        }
        Ok(Sent::Until(until))
    }

    /// The code, if it is the one that was sent. The try of it is counted in any case.
    pub(super) async fn right_sent(
        &self,
        seal: SealId,
        person: PersonId,
        code: Code,
        now: Timestamp,
    ) -> Result<Option<RightCode>, CodesError> {
        let theirs = whose(seal, &person);
        let select = Query::select().columns(["hash", "made_at"]).from(TABLE).and_where(theirs.clone()).take();
        let Some(row) = self.database.reader().query_one(&select).await? else { return Ok(None) };
        let (hash, made_at): (Vec<u8>, i64) = (row.try_get("", "hash")?, row.try_get("", "made_at")?);
        if now > Timestamp::from_micros(made_at).plus(GOOD_FOR) {
            return Ok(None);
        }
        // Counted before it is compared.
        let count = Query::update()
            .table(TABLE)
            .value("tries_left", Expr::col("tries_left").sub(1))
            .and_where(theirs.and(Expr::col("made_at").eq(made_at)))
            .and_where(Expr::col("tries_left").gt(0))
            .take();
        if self.changed(&count).await? == 0 {
            return Ok(None);
        }
        let code = Pin::try_new(code.0.to_string()).map_err(|_| CodesError::Damaged)?;
        let is_right = self.pins.is_right(code, Zeroizing::new(hash)).await?;
        Ok(is_right.then_some(RightCode(Memory::Sent(seal, person, made_at))))
    }

    /// Whether the code that was sent then was not used before: whoever deletes it has used it.
    pub(super) async fn use_sent(&self, seal: SealId, person: &PersonId, made_at: i64) -> Result<bool, CodesError> {
        let this = whose(seal, person).and(Expr::col("made_at").eq(made_at));
        Ok(self.changed(&Query::delete().from_table(TABLE).and_where(this).take()).await? == 1)
    }
}

fn whose(seal: SealId, person: &PersonId) -> Expr {
    Expr::col("seal_id").eq(seal.to_string()).and(Expr::col("person_id").eq(person.as_str()))
}

/// Eight digits, each as likely as any other.
fn sent_code() -> Result<Zeroizing<String>, VaultError> {
    const CODES: u64 = 10_u64.pow(DIGITS as u32);
    let mut bytes = [0; 8];
    random(&mut bytes)?;
    // 2^64 is that much larger that no code is favoured by more than one in 10^11.
    let number = u64::from_be_bytes(bytes) % CODES;
    Ok(Zeroizing::new(format!("{number:08}")))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Own, code, seal, zhou};
    use super::*;
    use crate::domain::policy::SecondFactor;

    const MADE: Timestamp = Timestamp::from_seconds(1_800_000_000);

    /// Has this code be the one that was sent, in place of one before.
    async fn sent(own: &Own, code: &str, made_at: Timestamp) {
        let hash = own.codes.pins.hash(Pin::try_new(code.to_owned()).expect("a code")).await.expect("hashed");
        let delete = Query::delete().from_table(TABLE).and_where(whose(seal(), &zhou())).take();
        own.codes.changed(&delete).await.expect("deleted");
        let insert = Query::insert()
            .into_table(TABLE)
            .columns(["seal_id", "person_id", "hash", "made_at", "tries_left"])
            .values_panic([
                seal().to_string().into(),
                "zhou".into(),
                hash.to_vec().into(),
                made_at.micros().into(),
                TRIES.into(),
            ])
            .take();
        own.codes.changed(&insert).await.expect("inserted");
    }

    async fn right(own: &Own, text: &str, now: Timestamp) -> Option<RightCode> {
        own.codes.right_sent(seal(), zhou(), code(text), now).await.expect("compared")
    }

    async fn used(own: &Own, right: Option<RightCode>) -> SecondFactor {
        own.codes.use_up(right.expect("it was right")).await.expect("the database")
    }

    #[tokio::test]
    async fn of_two_uses_that_found_a_code_right_that_was_sent_one_uses_it_up() {
        let own = Own::open().await;
        sent(&own, "31415926", MADE).await;
        let both = [right(&own, "31415926", MADE).await, right(&own, "31415926", MADE).await];
        let mut kinds = Vec::new();
        for right in both {
            kinds.push(used(&own, right).await);
        }
        assert_eq!(kinds, [SecondFactor::Sent, SecondFactor::None]);
    }

    #[tokio::test]
    async fn a_code_in_whose_place_another_one_was_sent_meanwhile_lets_nothing_through_and_leaves_that_one_good() {
        let own = Own::open().await;
        sent(&own, "31415926", MADE).await;
        let earlier = right(&own, "31415926", MADE).await;
        let now = MADE.plus(PAUSE);
        sent(&own, "27182818", now).await;
        assert_eq!(used(&own, earlier).await, SecondFactor::None);
        let later = right(&own, "27182818", now).await;
        assert_eq!(used(&own, later).await, SecondFactor::Sent);
    }

    #[tokio::test]
    async fn a_code_is_good_to_the_last_of_its_five_minutes_and_five_tries() {
        let own = Own::open().await;
        sent(&own, "31415926", MADE).await;
        let last = MADE.plus(Duration::from_secs(300));
        assert!(right(&own, "31415926", last.plus(Duration::from_micros(1))).await.is_none(), "and no longer");
        for _ in 0..4 {
            assert!(right(&own, "00000000", last).await.is_none());
        }
        assert!(right(&own, "31415926", last).await.is_some());
        assert!(right(&own, "31415926", last).await.is_none(), "and no more");
    }

    #[test]
    fn codes_that_are_sent_have_eight_digits_and_differ() {
        let codes: std::collections::HashSet<_> = (0..50).map(|_| sent_code().expect("random").to_string()).collect();
        assert!(codes.len() > 45 && codes.iter().all(|code| code.len() == DIGITS));
    }
}
