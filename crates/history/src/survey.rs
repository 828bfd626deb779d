//! The first reading: everything, once. Which applications, seals and keys belong together, where their events lie, and
//! whether all events are what they were.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use eseal_kernel::Id;
use eseal_proto::application::v1::Particulars;
use eseal_proto::application::v1::application_event::Kind as Application;
use eseal_proto::authentication::v1::authentication_event::Kind as Authentication;
use eseal_proto::event::v1::Event;
use eseal_proto::fabrication::v1::fabrication_event::Kind as Fabrication;

use crate::check::{Check, Checker, Tip};
use crate::fact::Fact;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A seal by its id.
    Seal(Id),
    /// An application by its id.
    Application(Id),
}

/// A thing that has a stream, or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Thing {
    Application(Id),
    Seal(Id),
    HostedKey(Id),
}

/// What was read of one owner.
#[derive(Debug, Default)]
struct Owner {
    checker: Checker,
    head_position: Option<u64>,
}

/// What the first reading learned.
#[derive(Debug, Default)]
pub struct Survey {
    checking: bool,
    owners: BTreeMap<String, Owner>,
    /// Things that belong together, both ways.
    beside: HashMap<Thing, BTreeSet<Thing>>,
    /// The seal that came after a seal.
    successors: BTreeSet<(Id, Id)>,
    /// The seal that an application wants renewed, replaced, changed or ended.
    existing: BTreeSet<(Id, Id)>,
    /// The seals that came of applications: application, seal.
    made: BTreeSet<(Id, Id)>,
}

/// What belongs to the asked one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// What was asked for.
    pub subject: Subject,
    /// The asked seal, or the seals that came of the asked application.
    pub seals: Vec<Id>,
    /// The asked application, or the one that the asked seal came of.
    pub applications: Vec<Id>,
    /// Seals before, the nearest last.
    pub earlier: Vec<Id>,
    /// Seals after, the nearest first.
    pub later: Vec<Id>,
    /// The streams of all of them, by owner.
    pub(crate) streams: BTreeMap<String, BTreeSet<String>>,
}

impl Survey {
    /// Learns, and checks if `checking`.
    pub fn new(checking: bool) -> Self {
        Self { checking, ..Self::default() }
    }

    /// Notes where a service says that its history ends; its events may be none.
    pub fn expect(&mut self, owner: &str, head_position: u64) {
        self.owner(owner).head_position = Some(head_position);
    }

    /// Reads the next event of its owner.
    pub fn read(&mut self, event: &Event) {
        self.owner(&event.owner).checker.next(event);
        if relates(event) {
            self.relate(&Fact::of(event));
        }
    }

    /// How far the events of each owner are what they were; nothing where it was not asked for.
    pub fn checks<'a>(&'a self) -> BTreeMap<&'a str, Check> {
        let found = |(name, owner): (&'a String, &'a Owner)| (name.as_str(), owner.checker.found(owner.head_position));
        self.owners.iter().filter(|_| self.checking).map(found).collect()
    }

    /// What belongs to `subject`; nothing if no event tells of it.
    pub fn scope(&self, subject: Subject) -> Option<Scope> {
        let (applications, seals) = match subject {
            Subject::Seal(seal) => {
                let of_it = |(application, made): &(Id, Id)| (*made == seal).then_some(*application);
                (self.made.iter().filter_map(of_it).collect(), vec![seal])
            }
            Subject::Application(application) => {
                let of_it = |(of, made): &(Id, Id)| (*of == application).then_some(*made);
                let registered = |seal: &Id| self.tip("authentication", &stream("seal", *seal)).is_some();
                (vec![application], self.made.iter().filter_map(of_it).filter(registered).collect())
            }
        };
        let mut streams = BTreeMap::<String, BTreeSet<String>>::new();
        for thing in self.kin(subject) {
            for (owner, stream) in thing.streams() {
                if self.tip(owner, &stream).is_some() {
                    streams.entry(owner.to_owned()).or_default().insert(stream);
                }
            }
        }
        if streams.is_empty() {
            return None;
        }
        let (earlier, later) = (self.line_of(&seals, &applications, false), self.line_of(&seals, &applications, true));
        Some(Scope { subject, seals, applications, earlier, later, streams })
    }

    /// For each owner that matters, the first and the last position of what belongs to `scope`: the second reading
    /// needs nothing before or after.
    pub fn spans(&self, scope: &Scope) -> BTreeMap<String, (u64, u64)> {
        let mut spans = BTreeMap::new();
        for (owner, streams) in &scope.streams {
            let tips = || streams.iter().filter_map(|stream| self.tip(owner, stream));
            if let (Some(first), Some(last)) = (tips().map(|tip| tip.first).min(), tips().map(|tip| tip.last).max()) {
                spans.insert(owner.clone(), (first, last));
            }
        }
        spans
    }

    pub(crate) fn tip(&self, owner: &str, stream: &str) -> Option<&Tip> {
        self.owners.get(owner)?.checker.tip(stream)
    }

    fn owner(&mut self, name: &str) -> &mut Owner {
        // Not by `entry`: this is done for every event, and the name is there for all but the first.
        if !self.owners.contains_key(name) {
            let checker = Checker::new(self.checking);
            self.owners.insert(name.to_owned(), Owner { checker, ..Owner::default() });
        }
        self.owners.entry(name.to_owned()).or_default()
    }
}

impl Survey {
    fn relate(&mut self, fact: &Fact) {
        match fact {
            Fact::Application(Application::Submitted(fact)) => {
                self.asked_for(&fact.application_id, fact.particulars.as_ref());
            }
            Fact::Application(Application::Revised(fact)) => {
                self.asked_for(&fact.application_id, fact.particulars.as_ref());
            }
            Fact::Fabrication(Fabrication::RunBegun(fact)) => self.came_of(&fact.application_id, &fact.seal_id),
            Fact::Authentication(Authentication::SealRegistered(fact)) => {
                self.came_of(&fact.application_id, &fact.seal_id);
                if let (Ok(seal), Ok(predecessor)) = (fact.seal_id.parse(), fact.predecessor_seal_id.parse()) {
                    self.successors.insert((predecessor, seal));
                    self.belong(Thing::Seal(predecessor), Thing::Seal(seal));
                }
                if let (Ok(seal), Ok(key)) = (fact.seal_id.parse(), fact.hosted_key_id.parse()) {
                    self.belong(Thing::Seal(seal), Thing::HostedKey(key));
                }
            }
            Fact::Authentication(Authentication::SealReplaced(fact)) => {
                if let (Ok(seal), Ok(successor)) = (fact.seal_id.parse(), fact.successor_seal_id.parse()) {
                    self.successors.insert((seal, successor));
                    self.belong(Thing::Seal(seal), Thing::Seal(successor));
                }
            }
            _ => {}
        }
    }

    fn asked_for(&mut self, application: &str, particulars: Option<&Particulars>) {
        let (Ok(application), Some(particulars)) = (application.parse(), particulars) else { return };
        if let Ok(seal) = particulars.existing_seal_id.parse() {
            self.existing.insert((application, seal));
            self.belong(Thing::Application(application), Thing::Seal(seal));
        }
        if let Ok(key) = particulars.hosted_key_id.parse() {
            self.belong(Thing::Application(application), Thing::HostedKey(key));
        }
    }

    fn came_of(&mut self, application: &str, seal: &str) {
        if let (Ok(application), Ok(seal)) = (application.parse(), seal.parse()) {
            self.made.insert((application, seal));
            self.belong(Thing::Application(application), Thing::Seal(seal));
        }
    }

    fn belong(&mut self, one: Thing, other: Thing) {
        self.beside.entry(one).or_default().insert(other);
        self.beside.entry(other).or_default().insert(one);
    }

    /// Everything that belongs to `subject`, however far. A hosted key belongs to a seal, but what else it was used for
    /// does not.
    fn kin(&self, subject: Subject) -> BTreeSet<Thing> {
        let start = match subject {
            Subject::Seal(seal) => Thing::Seal(seal),
            Subject::Application(application) => Thing::Application(application),
        };
        let (mut kin, mut next) = (BTreeSet::from([start]), vec![start]);
        while let Some(thing) = next.pop() {
            if matches!(thing, Thing::HostedKey(_)) {
                continue;
            }
            for other in self.beside.get(&thing).into_iter().flatten() {
                if kin.insert(*other) {
                    next.push(*other);
                }
            }
        }
        kin
    }

    /// The seals before or after, one after the other; a seal that stands in two places is named once.
    fn line_of(&self, seals: &[Id], applications: &[Id], later: bool) -> Vec<Id> {
        let mut steps: BTreeSet<(Id, Id)> = self.successors.clone();
        for (application, existing) in &self.existing {
            let made = self.made.iter().filter(|(of, _)| of == application);
            steps.extend(made.map(|(_, seal)| (*existing, *seal)).filter(|(before, after)| before != after));
        }
        let wanted = applications.iter().filter(|_| !later);
        let existing =
            wanted.flat_map(|own| self.existing.iter().filter(move |(of, _)| of == own).map(|(_, seal)| *seal));
        let mut found: Vec<Id> = existing.filter(|seal| !seals.contains(seal)).collect();
        let mut next: Vec<Id> = seals.iter().chain(&found).copied().collect();
        while let Some(seal) = next.pop() {
            let step = |(before, after): &(Id, Id)| match later {
                true => (*before == seal).then_some(*after),
                false => (*after == seal).then_some(*before),
            };
            for other in steps.iter().filter_map(step) {
                let registered = self.tip("authentication", &stream("seal", other)).is_some();
                if registered && !found.contains(&other) && !seals.contains(&other) {
                    found.push(other);
                    next.push(other);
                }
            }
        }
        if !later {
            found.reverse();
        }
        found
    }
}

impl Thing {
    /// Its streams, by owner.
    fn streams(self) -> Vec<(&'static str, String)> {
        match self {
            Self::Application(id) => {
                vec![("application", stream("application", id)), ("fabrication", stream("fabrication", id))]
            }
            Self::Seal(id) => vec![("authentication", stream("seal", id))],
            Self::HostedKey(id) => vec![("authentication", stream("hosted_key", id))],
        }
    }
}

/// The name of a stream.
pub(crate) fn stream(kind: &str, id: Id) -> String {
    format!("{kind}-{id}")
}

/// Whether an event can say what belongs together. Most don't, and their payloads need not be read.
fn relates(event: &Event) -> bool {
    matches!(
        event.r#type.as_str(),
        "eseal.application.v1.Submitted"
            | "eseal.application.v1.Revised"
            | "eseal.fabrication.v1.RunBegun"
            | "eseal.authentication.v1.SealRegistered"
            | "eseal.authentication.v1.SealReplaced"
    )
}

#[cfg(test)]
mod tests;
