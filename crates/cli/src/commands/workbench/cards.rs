//! The seal cards on the desk.

use std::collections::HashSet;
use std::path::PathBuf;

use eseal_card::{Card, CardAddress, CardKind, Drivers};
use eseal_kernel::Uscc;

use crate::failure::Failure;
use crate::lang::Lang;

/// The most tokens behind one address that are looked at.
const MOST: usize = 64;

/// A card that is there, and where its PIN is.
#[derive(Debug, Clone)]
pub struct Found {
    /// It.
    pub card: Card,
    /// The file with its PIN; none = somebody is asked.
    pub pin_file: Option<PathBuf>,
}

/// Where cards may be. What is there is looked at anew for each order: cards come and go.
#[derive(Debug)]
pub struct Cards {
    places: Vec<(CardAddress, Option<PathBuf>)>,
    drivers: Option<Drivers>,
    used: HashSet<String>,
}

impl Cards {
    /// The cards at these addresses.
    ///
    /// # Errors
    /// There are neither as many PIN files as cards, nor one for all, nor none; or no driver can be started.
    pub fn new(lang: Lang, addresses: &[CardAddress], pin_files: &[PathBuf]) -> Result<Self, Failure> {
        let pin_of = |number: usize| match pin_files {
            [] => Some(None),
            [one] => Some(Some(one.clone())),
            many if many.len() == addresses.len() => Some(many.get(number).cloned()),
            _ => None,
        };
        let place = |(number, address): (usize, &CardAddress)| Some((address.clone(), pin_of(number)?));
        let places: Option<Vec<_>> = addresses.iter().enumerate().map(place).collect();
        let places = places.ok_or_else(|| {
            let why = lang.pick("一个用于全部卡,或每卡一个", "one for all cards, or one for each");
            Failure::usage(lang, format_args!("--pin-file: {why}"))
        })?;
        let devices = addresses.iter().any(|address| !matches!(address, CardAddress::File(_)));
        let drivers = devices.then(Drivers::this_program).transpose();
        let drivers = drivers.map_err(|error| Failure::usage(lang, error))?;
        Ok(Self { places, drivers, used: HashSet::new() })
    }

    /// A card of this organization that was not used yet. One that can't be read is passed over: another may fit.
    pub fn of(&self, organization: &Uscc) -> Option<Found> {
        let fits = |card: &Card| {
            card.kind() == CardKind::Holder
                && !self.used.contains(card.serial())
                && card.certificates().is_ok_and(|list| list.iter().any(|one| one.is_for_organization(organization)))
        };
        self.places.iter().find_map(|(address, pin_file)| {
            let card = self.at(address).into_iter().find(|card| fits(card))?;
            Some(Found { card, pin_file: pin_file.clone() })
        })
    }

    /// A card was used: for a seal, or in vain.
    pub fn used(&mut self, serial: &str) {
        self.used.insert(serial.to_owned());
    }

    /// Somebody wants what was used to be tried again.
    pub fn offer_again(&mut self) {
        self.used.clear();
    }

    fn at(&self, address: &CardAddress) -> Vec<Card> {
        let Some(drivers) = self.drivers.as_ref().filter(|_| !matches!(address, CardAddress::File(_))) else {
            return Card::open(address).into_iter().collect();
        };
        let listed = Card::list(address, drivers).unwrap_or_default().into_iter().take(MOST);
        let ready = listed.filter(|listed| listed.initialized);
        ready.filter_map(|listed| Card::open_by(&listed.address.parse().ok()?, drivers).ok()).collect()
    }
}
