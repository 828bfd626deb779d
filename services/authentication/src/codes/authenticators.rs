//! Secrets of authenticators: made, confirmed by a first code, asked for codes, and forgotten.

use std::time::Duration;

use eseal_kernel::{Id, Timestamp};
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use zeroize::Zeroizing;

use super::{Code, Codes, CodesError, Memory, RightCode, totp};
use crate::contents::KEY_ID;
use crate::domain::ids::{AuthenticatorId, HostedKeyId, PersonId};
use crate::domain::policy::SecondFactor;
use crate::vault::random;

const TABLE: &str = "authenticator_secret";
/// How long a secret waits for its first code.
const CONFIRM_WITHIN: Duration = Duration::from_secs(600);

/// A new authenticator, which counts for nothing before it is confirmed.
#[derive(Debug)]
pub struct Offer {
    /// Its id.
    pub id: AuthenticatorId,
    /// What is scanned; a secret that is shown this once.
    pub uri: Zeroizing<String>,
    /// When it is too late to confirm it.
    pub confirm_before: Timestamp,
}

/// What a first code showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// The authenticator knows the secret.
    Yes,
    /// It is not the code of now, or was used before.
    WrongCode,
    /// There is no such secret, or it waited too long.
    NotOffered,
}

/// The secret of an authenticator, as it is used.
#[derive(Debug)]
pub(super) struct Authenticator {
    name: String,
    secret: Zeroizing<[u8; totp::SECRET]>,
    made_at: Timestamp,
    last_step: i64,
}

impl Authenticator {
    /// The code, if it is one of now that was not used before, nor one after it.
    pub(super) fn right(&self, code: &Code, now: Timestamp) -> Option<RightCode> {
        let seconds = u64::try_from(now.micros() / 1_000_000).unwrap_or_default();
        let step = i64::try_from(totp::step_of(&self.secret, &code.0, seconds)?).ok()?;
        // One that was used is as wrong as any other, so that the time does not tell that the PIN beside it is right.
        (step > self.last_step).then(|| RightCode(Memory::Step(self.name.clone(), step)))
    }
}

impl Codes {
    /// Makes an authenticator for a person, in place of one that was not confirmed.
    ///
    /// # Errors
    /// [`CodesError`].
    pub async fn offer(
        &self,
        (key, person): (HostedKeyId, &PersonId),
        account: &str,
        now: Timestamp,
    ) -> Result<Offer, CodesError> {
        let mut secret = Zeroizing::new([0; totp::SECRET]);
        random(&mut *secret)?;
        let id = AuthenticatorId(Id::random(now));
        let (owner, name) = (owner(key, person), name(key, person, id));
        let sealed = self.vault.seal(&place(&name), &*secret).await?;
        // One that has given a code is about to be in use, on another replica perhaps.
        let earlier = Expr::col("owner").eq(owner.as_str()).and(Expr::col("last_step").eq(0));
        self.changed(&Query::delete().from_table(TABLE).and_where(earlier).take()).await?;
        let insert = Query::insert()
            .into_table(TABLE)
            .columns(["secret_id", "owner", "person_id", "secret", "last_step", "made_at", KEY_ID])
            .values_panic([
                name.into(),
                owner.into(),
                person.as_str().into(),
                sealed.into(),
                0_i64.into(),
                now.micros().into(),
                self.vault.current().into(),
            ])
            .take();
        self.changed(&insert).await?;
        let uri = totp::uri(&secret, account).ok_or(CodesError::Damaged)?;
        Ok(Offer { id, uri, confirm_before: now.plus(CONFIRM_WITHIN) })
    }

    /// Whether this is a code of the authenticator that was offered. It is used up with that.
    ///
    /// # Errors
    /// [`CodesError`].
    pub async fn confirm(
        &self,
        (key, person): (HostedKeyId, &PersonId),
        id: AuthenticatorId,
        code: &Code,
        now: Timestamp,
    ) -> Result<Confirmed, CodesError> {
        let offered = self.authenticator(key, person, id).await?;
        let Some(offered) = offered.filter(|offered| now <= offered.made_at.plus(CONFIRM_WITHIN)) else {
            return Ok(Confirmed::NotOffered);
        };
        let Some(right) = offered.right(code, now) else { return Ok(Confirmed::WrongCode) };
        Ok(if self.use_up(right).await? == SecondFactor::Totp { Confirmed::Yes } else { Confirmed::WrongCode })
    }

    /// Forgets the secrets of a person for a hosted key, for good: the files of the database forget them too.
    ///
    /// # Errors
    /// [`CodesError`].
    pub async fn forget(&self, key: HostedKeyId, person: &PersonId) -> Result<(), CodesError> {
        let theirs = Expr::col("owner").eq(owner(key, person));
        self.changed(&Query::delete().from_table(TABLE).and_where(theirs).take()).await?;
        Ok(self.database.purge().await?)
    }

    /// The secret of an authenticator; none once it was forgotten.
    pub(super) async fn authenticator(
        &self,
        key: HostedKeyId,
        person: &PersonId,
        id: AuthenticatorId,
    ) -> Result<Option<Authenticator>, CodesError> {
        let name = name(key, person, id);
        let named = Expr::col("secret_id").eq(name.as_str());
        let select = Query::select().columns(["secret", "made_at", "last_step"]).from(TABLE).and_where(named).take();
        let Some(row) = self.database.reader().query_one(&select).await? else { return Ok(None) };
        let opened = self.vault.open_box(&place(&name), &row.try_get::<Vec<u8>>("", "secret")?).await?;
        let secret = Zeroizing::new(opened.as_slice().try_into().map_err(|_| CodesError::Damaged)?);
        let (made_at, last_step) = (Timestamp::from_micros(row.try_get("", "made_at")?), row.try_get("", "last_step")?);
        Ok(Some(Authenticator { name, secret, made_at, last_step }))
    }

    /// Whether the step of an authenticator's code was not used before, nor one after it (RFC 6238 §5.2). It is now.
    pub(super) async fn use_step(&self, name: &str, step: i64) -> Result<bool, CodesError> {
        let take = Query::update()
            .table(TABLE)
            .value("last_step", step)
            .and_where(Expr::col("secret_id").eq(name))
            .and_where(Expr::col("last_step").lt(step))
            .take();
        Ok(self.changed(&take).await? == 1)
    }
}

fn owner(key: HostedKeyId, person: &PersonId) -> String {
    format!("{key}/{person}")
}

/// Whose it is stands in its name, so that its box opens for nobody else.
fn name(key: HostedKeyId, person: &PersonId, id: AuthenticatorId) -> String {
    format!("{key}/{person}/{id}")
}

/// The place that the box of an authenticator's secret is bound to.
pub(crate) fn place(name: &str) -> String {
    format!("authenticator_secret/{name}")
}

#[cfg(test)]
mod tests {
    use super::super::Whose;
    use super::super::tests::{Own, code, key, seal, zhou};
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const SECONDS: u64 = 1_800_000_000;

    async fn read(own: &Own, id: AuthenticatorId) -> Authenticator {
        own.codes.authenticator(key(), &zhou(), id).await.expect("read").expect("it is there")
    }

    async fn offered(own: &Own) -> AuthenticatorId {
        own.codes.offer((key(), &zhou()), "zhou", NOW).await.expect("offered").id
    }

    #[tokio::test]
    async fn of_two_uses_that_found_one_code_right_one_uses_it_up() {
        let own = Own::open().await;
        let id = offered(&own).await;
        let shown = code(&totp::shown(&read(&own, id).await.secret, SECONDS));
        // Both look before either has used it up, as on two replicas.
        let both = [read(&own, id).await, read(&own, id).await].map(|one| one.right(&shown, NOW).expect("right"));
        let mut kinds = Vec::new();
        for right in both {
            kinds.push(own.codes.use_up(right).await.expect("the database"));
        }
        assert_eq!(kinds, [SecondFactor::Totp, SecondFactor::None]);
        assert!(read(&own, id).await.right(&shown, NOW).is_none(), "who looks later finds it wrong");
    }

    #[tokio::test]
    async fn a_step_before_the_one_that_was_used_is_used_by_nobody() {
        let own = Own::open().await;
        let id = offered(&own).await;
        let found = read(&own, id).await;
        let right = |seconds| found.right(&code(&totp::shown(&found.secret, seconds)), NOW).expect("right");
        let (earlier, later) = (right(SECONDS - 30), right(SECONDS));
        assert_eq!(own.codes.use_up(later).await.expect("the database"), SecondFactor::Totp);
        assert_eq!(own.codes.use_up(earlier).await.expect("the database"), SecondFactor::None);
    }

    #[tokio::test]
    async fn a_code_is_looked_at_where_one_of_its_kind_is_asked_for_only() {
        let own = Own::open().await;
        let (id, person) = (offered(&own).await, zhou());
        let text = totp::shown(&read(&own, id).await.secret, SECONDS);
        for (asked, is_right) in [
            (SecondFactor::None, false),
            (SecondFactor::Sent, false),
            (SecondFactor::Totp, true),
            (SecondFactor::Any, true),
        ] {
            let whose = Whose { seal: seal(), key: key(), person: &person, authenticator: Some(id) };
            let shown = own.codes.look_up(code(&text), whose).await.expect("looked up");
            let right = own.codes.compare(asked, shown, NOW).await.expect("compared");
            assert_eq!(right.is_some(), is_right, "{asked:?}");
        }
    }

    #[tokio::test]
    async fn another_offer_takes_the_place_of_one_that_has_given_no_code_only() {
        let own = Own::open().await;
        let first = offered(&own).await;
        let second = offered(&own).await;
        assert!(own.codes.authenticator(key(), &zhou(), first).await.expect("read").is_none());
        let shown = code(&totp::shown(&read(&own, second).await.secret, SECONDS));
        let confirmed = own.codes.confirm((key(), &zhou()), second, &shown, NOW).await;
        assert_eq!(confirmed.expect("the database"), Confirmed::Yes);
        // Its fact is not there yet, so that one more is offered.
        offered(&own).await;
        read(&own, second).await;
    }
}
