//! A fresh token becomes a card.

use cryptoki::session::UserType;
use cryptoki::types::AuthPin;

use super::{Token, fits, load, tokens};
use crate::driver::device::Device as _;
use crate::driver::wire::Initialize;
use crate::fault::Fault;
use crate::pkcs11::faults::fault;
use crate::uri::TokenUri;

impl Token {
    /// Initializes a token that never was: what is on others is not destroyed. Takes the first that fits the URI.
    pub(crate) fn initialize(uri: &TokenUri, wanted: &Initialize) -> Result<Self, Fault> {
        // The label is what it gets, not what it has.
        let uri = TokenUri { token: None, ..uri.clone() };
        let context = load(&uri)?;
        let before = tokens(&context)?;
        let fresh = before.iter().find(|(slot, info)| !info.token_initialized() && fits(&uri, *slot, info));
        let Some((slot, _)) = fresh else {
            let used = before.iter().any(|(slot, info)| fits(&uri, *slot, info));
            return Err(if used { Fault::Initialized } else { Fault::Absent });
        };
        let admin = AuthPin::from(wanted.admin.expose().to_owned());
        context.init_token(*slot, &admin, &wanted.label).map_err(fault)?;

        // It may have another slot now (SoftHSM), and a serial number that no other has.
        let serials: Vec<_> =
            before.iter().filter(|(_, info)| info.token_initialized()).map(|(_, info)| info.serial_number()).collect();
        let now = tokens(&context)?;
        let made = now.iter().find(|(slot_now, info)| {
            let is_new = slot_now == slot || !serials.contains(&info.serial_number());
            is_new && info.token_initialized() && info.label() == wanted.label
        });
        let (slot, info) = made.ok_or_else(|| Fault::Lied("a token that was initialized is not there".to_owned()))?;
        let mut uri = uri;
        (uri.token, uri.serial, uri.slot_id) =
            (Some(info.label().to_owned()), Some(info.serial_number().to_owned()), None);
        let mut token = Self::at(context.clone(), *slot, info, &uri)?;
        token.log_in(UserType::So, wanted.admin.expose())?;
        let pin = AuthPin::from(wanted.pin.expose().to_owned());
        token.session.init_pin(&pin).map_err(fault)?;
        token.session.logout().map_err(fault)?;
        token.unlock(wanted.pin.expose())?;
        token.objects().store_kind(wanted.kind)?;
        token.session.logout().map_err(fault)?;
        token.is_unlocked = false;
        Ok(token)
    }
}
