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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use eseal_card::{Pin, SoftCard};
    use eseal_kernel::Clock;
    use eseal_pki::{DevelopmentCa, Purpose, Subject, Suite};

    use super::*;

    const XINGHE: &str = "91320500MA7XNGH152";
    const YUNQI: &str = "91330100MA7YUNQ29B";

    #[test]
    fn each_order_gets_the_card_of_its_organization_and_a_used_one_only_when_somebody_asks_for_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let [one, other] = [("one", XINGHE), ("other", YUNQI)].map(|(name, uscc)| card(folder.path(), name, uscc));
        let missing = CardAddress::File(folder.path().join("missing"));
        let pins = ["a", "b", "c"].map(PathBuf::from);
        let mut cards = Cards::new(Lang::En, &[missing, one.clone(), other], &pins).expect("cards");
        let found = cards.of(&uscc(YUNQI)).expect("its card");
        assert_eq!(found.pin_file.as_deref(), Some(Path::new("c")));
        assert_eq!(cards.of(&uscc(XINGHE)).expect("its card").card.address(), one.to_string());
        cards.used(found.card.serial());
        assert!(cards.of(&uscc(YUNQI)).is_none());
        cards.offer_again();
        assert!(cards.of(&uscc(YUNQI)).is_some());
        assert!(cards.of(&uscc("11320500014150050B")).is_none());
    }

    #[test]
    fn pin_files_are_none_one_for_all_or_one_for_each() {
        let cards = ["a", "b"].map(|name| CardAddress::File(name.into()));
        let files = |count: usize| vec![PathBuf::from("pin"); count];
        for (count, fits) in [(0, true), (1, true), (2, true), (3, false)] {
            assert_eq!(Cards::new(Lang::En, &cards, &files(count)).is_ok(), fits, "{count}");
        }
    }

    fn uscc(code: &str) -> Uscc {
        code.parse().expect("a code")
    }

    fn card(folder: &Path, name: &str, organization: &str) -> CardAddress {
        let (path, now) = (folder.join(name), Clock::System.now());
        let pin = Pin::try_new("135246".to_owned()).expect("a PIN");
        let card = SoftCard::create(&path, CardKind::Holder, &pin, &[Suite::EcdsaP256Sha256]).expect("a card");
        let ca = DevelopmentCa::create(Suite::EcdsaP256Sha256, "ca", Purpose::Holder, now).expect("an authority");
        let unlocked = card.unlock(&pin).expect("right");
        let key = unlocked.public_key(Suite::EcdsaP256Sha256).expect("a key");
        let subject = Subject::of_organization("seal", uscc(organization), "某公司");
        let issued = ca.issue(&key, &subject, Duration::from_secs(3600), now).expect("a certificate");
        unlocked.import_certificate(Suite::EcdsaP256Sha256, &issued).expect("imported");
        CardAddress::File(path)
    }
}
