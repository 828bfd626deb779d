//! Second factors.

use eseal_kernel::Timestamp;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::moment;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query as Sql};

use super::{Query, QueryError, word};
use crate::codec::words;
use crate::domain::ids::{AuthenticatorId, HostedKeyId, PersonId, SealId};
use crate::domain::policy::SecondFactor;

const TABLE: &str = "authenticator";

impl Query {
    /// The code that uses of a seal need beside the PIN, as its policy says now.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn second_factor(&self, seal: SealId) -> Result<SecondFactor, QueryError> {
        let of_seal = Expr::col("seal_id").eq(seal.to_string());
        let select = Sql::select().column("policy").from("seal_policy").and_where(of_seal).take();
        let Some(row) = self.database.reader().query_one(&select).await? else { return Ok(SecondFactor::None) };
        let policy: pb::SealPolicy =
            serde_json::from_str(&row.try_get::<String>("", "policy")?).map_err(|_| QueryError::Damaged("policy"))?;
        words::second_factor(policy.second_factor).ok_or(QueryError::Damaged("policy"))
    }

    /// The authenticator of a person for a hosted key; none if they have none in use.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn authenticator(
        &self,
        key: HostedKeyId,
        person: &PersonId,
    ) -> Result<Option<AuthenticatorId>, QueryError> {
        let select = Sql::select()
            .column("authenticator_id")
            .from(TABLE)
            .and_where(Expr::col("hosted_key_id").eq(key.to_string()))
            .and_where(Expr::col("person_id").eq(person.as_str()))
            .and_where(Expr::col("authenticator_id").ne(""))
            .take();
        let row = self.database.reader().query_one(&select).await?;
        row.map(|row| word(&row, "authenticator_id")).transpose()
    }

    /// The authenticators in use for a hosted key, of which there are not many.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn authenticators(&self, key: HostedKeyId) -> Result<Vec<pb::Authenticator>, QueryError> {
        let select = Sql::select()
            .columns(["person_id", "authenticator_id", "changed_at"])
            .from(TABLE)
            .and_where(Expr::col("hosted_key_id").eq(key.to_string()))
            .and_where(Expr::col("authenticator_id").ne(""))
            .order_by("person_id", Order::Asc)
            .take();
        let rows = self.database.reader().query_all(&select).await?;
        let shown = rows.iter().map(|row| {
            let at = Timestamp::from_micros(row.try_get("", "changed_at")?);
            Ok(pb::Authenticator {
                custodian_id: row.try_get("", "person_id")?,
                authenticator_id: row.try_get("", "authenticator_id")?,
                enrolled_at: Some(moment::from_micros(at.micros())),
            })
        });
        shown.collect()
    }
}
