//! What this service does, between gRPC and the rules: it finds what a command needs besides its words (pictures,
//! files, who filed it), and hands the order to the writer, which loads, decides, appends and projects, all or nothing.

use eseal_eventstore::{CommandError, Database, Metadata, Order, Outcome, Row, Stored, Writer};
use eseal_impression::ImpressionError;
use eseal_kernel::{Digest, Id, Text};
use eseal_proto::application::v1 as pb;
use sea_orm::DbErr;

use crate::contents::{self, Contact, Material};
use crate::domain::command::{Revise, Submit};
use crate::domain::event::{ReturnCode, ReturnReason};
use crate::domain::existing::RevocationReason;
use crate::domain::particulars::{
    Attachment, Custody, Impression, Kind, Name, Organization, SealType, Shape, Size, Validity,
};
use crate::domain::person::{Erase, Person};
use crate::domain::{Application, Command, Particulars, PersonId};
use crate::impressions::{Drawing, Impressions};
use crate::query::{Query, QueryError, Reader};

/// The service behind its gRPC methods and reactions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// The read side.
    pub query: Query,
    database: Database,
    writer: Writer,
    impressions: Impressions,
    approvals_needed: u32,
}

/// A filled-in form: what the particulars become once its picture and texts are stored.
#[derive(Debug, Clone)]
pub struct Form {
    /// What the application is for.
    pub kind: Kind,
    /// Whose seal.
    pub organization: Organization,
    /// What seal.
    pub seal_type: SealType,
    /// Its name.
    pub seal_name: Name,
    /// Where its picture comes from.
    pub picture: Picture,
    /// Its size.
    pub size: Size,
    /// Where its keys are.
    pub custody: Custody,
    /// Who may use it.
    pub custodian: PersonId,
    /// For how long.
    pub validity: Validity,
    /// What goes with it.
    pub attachments: Vec<Attachment>,
    /// The persons named in it.
    pub contacts: Vec<Contact>,
    /// Why, where the end of a seal is asked for.
    pub revocation_reason: Option<RevocationReason>,
}

/// Where the picture of a seal comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// A PNG that was stored before.
    Stored(Digest),
    /// The system draws it.
    Drawn(Shape),
}

/// Who applies.
#[derive(Debug, Clone)]
pub struct Applicant {
    /// Who.
    pub person: PersonId,
    /// What they may read.
    pub reader: Reader,
}

/// Why a form or file was refused before any rule was asked.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A file that the form names is not stored, or not for this applicant to use.
    #[error("no file with the SHA-256 {0} is stored")]
    NotStored(Digest),
    /// The picture of a seal that names a person was stored without saying so: it could not be erased with them.
    #[error("the picture of this seal is about its custodian: store it with that person_id")]
    NotAboutCustodian,
    /// The picture can't be drawn or used.
    #[error(transparent)]
    Picture(#[from] ImpressionError),
    /// The read side failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
}

impl App {
    /// The service on this database and its writer.
    pub fn new(database: Database, writer: Writer, impressions: Impressions, approvals_needed: u32) -> Self {
        Self { query: Query::new(database.clone()), database, writer, impressions, approvals_needed }
    }

    /// Hands an order to the writer.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn execute<A: Stored>(&self, order: Order<A>) -> Result<Outcome<A>, CommandError<A::Rejection>> {
        self.writer.execute(order).await
    }

    /// The order to file `form` as the application `id`.
    ///
    /// # Errors
    /// [`Refusal`] of its picture or attachments.
    pub async fn submit(
        &self,
        id: Id,
        applicant: Applicant,
        form: Form,
        metadata: Metadata,
    ) -> Result<Order<Application>, Refusal> {
        let (impression, drawn) = self.impression(&applicant, &form, &metadata).await?;
        self.check_attachments(&applicant, &form).await?;
        let existing = match form.kind.existing() {
            Some(seal) => self.query.known_seal(seal).await?,
            None => None,
        };
        let rows = form.rows(id).into_iter().chain(drawn.map(Material::row)).collect();
        let command = Command::Submit(Submit {
            application: id,
            applicant: applicant.person,
            approvals_needed: self.approvals_needed,
            particulars: form.particulars(impression),
            existing,
            now: metadata.now,
        });
        Ok(Order::new(id, command, metadata).with_rows(rows))
    }

    /// The order to put `form` in the place of what the application `id` asked for.
    ///
    /// # Errors
    /// [`Refusal`] of its picture or attachments.
    pub async fn revise(
        &self,
        id: Id,
        applicant: Applicant,
        form: Form,
        metadata: Metadata,
    ) -> Result<Order<Application>, Refusal> {
        let (impression, drawn) = self.impression(&applicant, &form, &metadata).await?;
        self.check_attachments(&applicant, &form).await?;
        let known = self.query.contacts(id).await?;
        let named = form.named();
        let gone = known.iter().filter(|known| !named.iter().any(|named| named.person_id == known.person_id));
        let blank = gone.map(|gone| pb::Contact { person_id: gone.person_id.clone(), ..pb::Contact::default() });
        let blank = blank.map(|contact| contents::contact_row(id, &contact));
        let rows = form.rows(id).into_iter().chain(blank).chain(drawn.map(Material::row)).collect();
        let command = Command::Revise(Revise {
            applicant: applicant.person,
            particulars: form.particulars(impression),
            other_contacts: named != known,
            now: metadata.now,
        });
        Ok(Order::new(id, command, metadata).with_rows(rows))
    }

    /// The order to return the application `id` to `applicant`. The words may be about them, so they are erased with
    /// them.
    pub fn send_back(
        &self,
        id: Id,
        applicant: &PersonId,
        reviewer: PersonId,
        (code, words): (ReturnCode, &Text<2000>),
        metadata: Metadata,
    ) -> Order<Application> {
        let reason = ReturnReason { code, text: Digest::of(words.as_str().as_bytes()) };
        let row = contents::text_row(id, words.as_str(), Some(applicant));
        Order::new(id, Command::Return { reviewer, reason }, metadata).with_rows(vec![row])
    }

    /// The order to record that `person` is erased, and how many rows are about them. The rows go once that is on record:
    /// see [`App::forget`].
    ///
    /// # Errors
    /// [`DbErr`] when the database fails.
    pub async fn erase(&self, person: PersonId, metadata: Metadata) -> Result<(Order<Person>, u32), DbErr> {
        let known = contents::known(&self.database, &person).await?;
        Ok((Order::new(person.clone(), Erase { person }, metadata), known))
    }

    /// Erases what is known of `person`.
    ///
    /// # Errors
    /// [`DbErr`] when the database fails.
    pub async fn forget(&self, person: &PersonId) -> Result<(), DbErr> {
        contents::forget(&self.database, person).await
    }

    /// Stores a file and gives its name.
    ///
    /// # Errors
    /// [`DbErr`] when the database fails.
    pub async fn store(&self, material: Material) -> Result<Digest, DbErr> {
        let digest = material.digest();
        material.store(&self.database).await?;
        Ok(digest)
    }

    /// The PNG that somebody's own drawing gives.
    ///
    /// # Errors
    /// [`ImpressionError`].
    pub async fn png_of(&self, svg: Vec<u8>, size: Size) -> Result<Vec<u8>, ImpressionError> {
        self.impressions.of_svg(svg, size).await
    }

    /// The impression that the form asks for, and the picture if it had to be drawn.
    async fn impression(
        &self,
        applicant: &Applicant,
        form: &Form,
        metadata: &Metadata,
    ) -> Result<(Impression, Option<Material>), Refusal> {
        let about = form.seal_type.names_a_person().then_some(&form.custodian);
        let size = form.size;
        match form.picture {
            Picture::Stored(digest) => {
                let stored = self.query.content(digest, &applicant.reader).await?;
                let stored = stored.ok_or(Refusal::NotStored(digest))?;
                if about.is_some_and(|person| !stored.about.iter().any(|about| about == person.as_str())) {
                    return Err(Refusal::NotAboutCustodian);
                }
                self.impressions.check(stored.bytes).await?;
                Ok((Impression { digest, drawn: None, size }, None))
            }
            Picture::Drawn(shape) => {
                let drawing = Drawing::new(shape, size, form.seal_type, &form.organization, &form.seal_name);
                let drawn = Material {
                    content: self.impressions.draw(drawing).await?,
                    media_type: "image/png",
                    stored_by: applicant.person.to_string(),
                    about: about.cloned(),
                    stored_at: metadata.now,
                };
                Ok((Impression { digest: drawn.digest(), drawn: Some(shape), size }, Some(drawn)))
            }
        }
    }

    async fn check_attachments(&self, applicant: &Applicant, form: &Form) -> Result<(), Refusal> {
        for attachment in &form.attachments {
            if !self.query.is_stored(attachment.digest, &applicant.reader).await? {
                return Err(Refusal::NotStored(attachment.digest));
            }
        }
        Ok(())
    }
}

impl Form {
    /// What must not be in an event: contact data, and the seal's name, which may be a person's.
    fn rows(&self, application: Id) -> Vec<Row> {
        let about = self.seal_type.names_a_person().then_some(&self.custodian);
        let name = contents::text_row(application, self.seal_name.as_str(), about);
        self.named().iter().map(|contact| contents::contact_row(application, contact)).chain([name]).collect()
    }

    /// The persons named in it, by their ids.
    fn named(&self) -> Vec<pb::Contact> {
        let mut named: Vec<_> = self.contacts.iter().map(pb::Contact::from).collect();
        named.sort_by(|a, b| a.person_id.cmp(&b.person_id));
        named
    }

    fn particulars(self, impression: Impression) -> Particulars {
        Particulars {
            kind: self.kind,
            organization: self.organization,
            seal_type: self.seal_type,
            seal_name: Digest::of(self.seal_name.as_str().as_bytes()),
            impression,
            custody: self.custody,
            custodian: self.custodian,
            validity: self.validity,
            attachments: self.attachments,
            revocation_reason: self.revocation_reason,
        }
    }
}
