//! The administrator of a soft card (a PUK, as tokens call it): their PIN gives a locked card a new one, and has a count of its
//! own. A card of an earlier release has none until somebody with its PIN gives it one.

use crate::TRIES;
use crate::error::CardError;
use crate::pin::Pin;
use crate::soft_card::SoftCard;
use crate::stored::{ADMIN_PLACE, Admin, Contents, PIN_PLACE};
use crate::tries::Tries;
use crate::vault::{DataKey, PinBox};

impl SoftCard {
    /// How often the administrator's PIN may still be tried; `None` where the card has no administrator.
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged.
    pub fn admin_tries_left(&self) -> Result<Option<u8>, CardError> {
        Ok(self.contents()?.admin.map(|admin| admin.tries_left))
    }

    /// Tries the administrator's PIN; if it is right, the card gets a new PIN and all tries of both. Counted on disk before
    /// it is tried, by a count of its own. At its end nothing opens the card for whom its PIN is locked.
    ///
    /// # Errors
    /// [`CardError::NotOffered`] where there is no administrator, [`CardError::AdminPinIncorrect`],
    /// [`CardError::AdminPinLocked`]; a card that was taken away, exchanged or damaged.
    pub fn unblock(&self, admin: &Pin, new: &Pin) -> Result<(), CardError> {
        self.as_administrator(admin, |contents, data_key| {
            contents.pin = PinBox::new(new, data_key, &contents.binding(PIN_PLACE))?;
            contents.tries_left = TRIES;
            Ok(())
        })
    }

    /// Gives a card that has no administrator one, by the card's PIN, which is one try. Earlier releases don't read the card
    /// from then on.
    ///
    /// # Errors
    /// [`CardError::AdminExists`]; as [`SoftCard::unlock`].
    pub fn give_administrator(&self, pin: &Pin, admin: &Pin) -> Result<(), CardError> {
        if self.contents()?.admin.is_some() {
            return Err(CardError::AdminExists); // and nothing was tried
        }
        self.unlock(pin)?.give_administrator(admin)
    }

    /// Replaces the administrator's PIN; trying the old one is a try of its count.
    ///
    /// # Errors
    /// As [`SoftCard::unblock`].
    pub fn change_admin_pin(&self, old: &Pin, new: &Pin) -> Result<(), CardError> {
        self.as_administrator(old, |contents, data_key| {
            let pin = PinBox::new(new, data_key, &contents.binding(ADMIN_PLACE))?;
            contents.admin = Some(Admin { tries_left: TRIES, pin });
            Ok(())
        })
    }

    /// One try of the administrator's PIN, gone from disk before it is tried, and given back with all others if it is right.
    fn as_administrator(
        &self,
        admin: &Pin,
        change: impl FnOnce(&mut Contents, &DataKey) -> Result<(), CardError>,
    ) -> Result<(), CardError> {
        let file = self.lock()?;
        let mut contents = self.contents()?;
        let none = || CardError::NotOffered("an administrator's PIN".to_owned());
        let count = contents.admin.as_mut().ok_or_else(none)?;
        let left = count.tries_left.checked_sub(1).ok_or(CardError::AdminPinLocked)?;
        count.tries_left = left;
        let tried = count.pin.clone();
        file.replace(&contents)?;
        let Some(data_key) = tried.open(admin, &contents.binding(ADMIN_PLACE))? else {
            let tries_left = Tries::Exactly(left);
            return Err(if left == 0 {
                CardError::AdminPinLocked
            } else {
                CardError::AdminPinIncorrect { tries_left }
            });
        };
        contents.admin = Some(Admin { tries_left: TRIES, pin: tried });
        change(&mut contents, &data_key)?;
        file.replace(&contents)
    }
}
