//! Where the outside is touched: other services are asked, and the service's own maker card signs.
//!
//! With custody "hosted key" nobody stands at a workstation: each of our own facts about such a fabrication asks for the
//! next effect, whose result is the next command. Killed between an effect and its commit, the fact is delivered again;
//! what was recorded stays, and the first signature wins.

mod hosted;
mod maker;
mod peers;

pub use hosted::run as run_hosted;
pub use maker::OwnMaker;
pub use peers::Peers;
