//! Read tables thrown away and folded again from the events.

use crate::{Database, StoreError, Stored};

/// One kind of aggregate of a service, for [`rebuild`].
#[derive(Debug, Clone, Copy)]
pub struct Projector {
    tables: &'static [&'static str],
}

impl Projector {
    /// The rows of this aggregate.
    pub const fn of<A: Stored>() -> Self {
        Self { tables: A::TABLES }
    }
}

/// Empties the read tables and the claims, and fills them again from the events, in one transaction. How many events
/// were folded. The service does not run meanwhile.
///
/// # Errors
/// [`StoreError`] when an event can't be read or the database fails; nothing is changed then.
pub async fn rebuild(_database: &Database, _projectors: &[Projector]) -> Result<u64, StoreError> {
    todo!()
}
