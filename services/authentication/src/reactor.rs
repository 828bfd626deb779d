//! Facts -> our commands: a seal that fabrication made is taken into the registry; what approved applications asked for is
//! done with the seals that they are about ([`orders`]). One fact, at most one command.

pub mod orders;

use eseal_bus::{BusError, Consumer, Outcome, Received};
use eseal_eventstore::{Actor, Delivery, StoredEvent};
use eseal_kernel::{Digest, Timestamp};
use eseal_pki::Certificate;
use eseal_proto::fabrication::v1 as fabrication;
use eseal_seal::CertificateList;
use eseal_service::{Context, Peer};

use crate::app::App;
use crate::codec::{Unreadable, at, digests, json, parsed, words};
use crate::domain::ids::SealId;
use crate::domain::registration::Registration;
use crate::effects::{self, NotGiven};

/// Whose facts this service reacts to.
pub const OWNERS: [&str; 2] = ["fabrication", "application"];
const FABRICATION: &str = OWNERS[0];
const APPLICATION: &str = OWNERS[1];
const SEAL_FABRICATED: &str = "eseal.fabrication.v1.SealFabricated";

/// The seal that a fact says was made; nothing where it is no concern of ours.
///
/// # Errors
/// [`Unreadable`].
pub fn react(fact: &StoredEvent, now: Timestamp) -> Result<Option<(SealId, Registration)>, Unreadable> {
    if fact.kind != SEAL_FABRICATED {
        return Ok(None);
    }
    let made: fabrication::SealFabricated = json(&fact.payload)?;
    let asked = made.particulars.ok_or(Unreadable::Field("particulars"))?;
    let registration = Registration {
        application: parsed(&made.application_id, "applicationId")?,
        seal_digest: parsed(&made.seal_digest, "sealDigest")?,
        custody: words::custody(asked.custody, &made.card_serial, &asked.hosted_key_id)?,
        certificates: digests(&made.certificate_digests, "certificateDigests")?,
        organization: words::organization(asked.organization)?,
        seal_type: words::seal_type(asked.seal_type).ok_or(Unreadable::Field("sealType"))?,
        custodian: parsed(&asked.custodian_id, "custodianId")?,
        valid_from: at(asked.valid_from.as_ref(), "validFrom")?,
        valid_to: at(asked.valid_to.as_ref(), "validTo")?,
        registered_at: now,
        predecessor: predecessor(&asked.existing_seal_id)?,
        certificates_valid_to: Vec::new(), // its certificates tell
    };
    Ok(Some((parsed(&made.seal_id, "sealId")?, registration)))
}

/// The seal in whose place one was made; none of a new one.
fn predecessor(existing_seal_id: &str) -> Result<Option<SealId>, Unreadable> {
    if existing_seal_id.is_empty() {
        return Ok(None);
    }
    parsed(existing_seal_id, "existingSealId").map(Some)
}

/// Reacts to the facts of fabrication until the service stops.
///
/// # Errors
/// [`BusError`] when the bus can't go on.
pub async fn run(app: App, context: Context) -> Result<(), BusError> {
    let consumer = Consumer { name: context.name(), owner: FABRICATION };
    let fabrication = context.peer(FABRICATION);
    let handler = |received: Received, delivery: Delivery| handle(&app, &context, &fabrication, received, delivery);
    let wanted = |fact: &StoredEvent| fact.kind == SEAL_FABRICATED;
    context.consume(consumer, wanted, handler).await
}

async fn handle(app: &App, context: &Context, fabrication: &Peer, received: Received, delivery: Delivery) -> Outcome {
    let now = context.clock().now();
    let (seal, mut registration) = match react(&received.event, now) {
        Ok(Some(reaction)) => reaction,
        Ok(None) => return Outcome::Done,
        Err(unreadable) => return Outcome::Never(unreadable.to_string()),
    };
    let der = effects::made_seal(fabrication, registration.seal_digest, received.traceparent.clone()).await;
    let der = match der {
        Ok(der) => der,
        Err(error @ NotGiven::Later(_)) => return Outcome::Later(error.to_string()),
        Err(error @ (NotGiven::Never(_) | NotGiven::OtherContent(_))) => return Outcome::Never(error.to_string()),
    };
    match check(&der, seal, &registration) {
        Ok(ends) => registration.certificates_valid_to = ends,
        Err(why) => return Outcome::Never(why.to_owned()),
    }
    let action = match app.registration(registration).await {
        Ok(action) => action,
        Err(error) => return Outcome::Later(error.to_string()),
    };
    let row = match app.contents.seal_row(&der).await {
        Ok(row) => row,
        Err(error) => return Outcome::Later(error.to_string()),
    };
    let metadata = received.metadata(now, Actor::new(context.name(), "service"));
    let order = App::order(seal, None, action, metadata);
    Outcome::of(app.execute(order.delivered(delivery).with_rows(vec![row])).await)
}

/// Whether the SESeal is the one that the fact describes: its id, and the certificates with which it may be used. Gives the
/// last moment of each of them.
fn check(der: &[u8], seal: SealId, registration: &Registration) -> Result<Vec<Timestamp>, &'static str> {
    let structure = eseal_seal::Seal::from_der(der).map_err(|_| "what was made is no SESeal")?;
    if structure.info().es_id != seal.to_string() {
        return Err("the SESeal has another id");
    }
    let list = match &structure.info().certificates {
        CertificateList::Certificates(list) => list,
        CertificateList::Digests(_) => return Err("the SESeal does not carry its certificates"),
    };
    let listed: Vec<Digest> = list.iter().map(|der| Digest::of(der)).collect();
    if listed != registration.certificates {
        return Err("the SESeal lists other certificates");
    }
    let end = |der: &&[u8]| Certificate::from_der(der).map(|certificate| certificate.not_after());
    list.iter()
        .map(|der| end(&&**der))
        .collect::<Result<_, _>>()
        .map_err(|_| "a certificate in the SESeal can't be read")
}
