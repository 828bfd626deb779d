//! Checking a name and its password: with a growing delay after wrong tries, a bound on parallel work, and the same
//! effort whether the name exists or not.

use std::sync::Arc;
use std::time::Duration;

use eseal_kernel::{Clock, Digest, Timestamp};
use tokio::sync::{Mutex, Semaphore};

use crate::password::{Password, PasswordError};
use crate::users::{User, Users};

/// Wrong tries in a row before the first delay.
const FREE_TRIES: u32 = 3;
/// The first delay; each further wrong try doubles it.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// The longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(300);
/// Names are counted in so many buckets, those that exist and those that don't alike: the memory is bounded, and a
/// delay tells nothing about a name.
const BUCKETS: usize = 4_096;
/// So many tries wait for their turn; one more is refused.
const WAITING: usize = 64;

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotIn {
    /// No such name, or another password.
    Wrong,
    /// Too many wrong tries for this name: not before so much time.
    Wait(Duration),
    /// Too many people sign in at the same moment.
    Busy,
    /// The password could not be checked at all.
    Failed,
}

/// Checks names and passwords.
#[derive(Debug)]
pub struct SignIn {
    users: Users,
    clock: Clock,
    /// Of a password that nobody has: what is checked for a name that does not exist.
    nobody: String,
    /// So that nobody can choose names that share a bucket with somebody's.
    secret: [u8; 32],
    tries: Vec<Mutex<Tries>>,
    waiting: Semaphore,
    checking: Arc<Semaphore>,
}

/// The wrong tries of a bucket since the last right one.
#[derive(Debug, Default, Clone, Copy)]
struct Tries {
    wrong: u32,
    not_before: Option<Timestamp>,
}

impl SignIn {
    /// Checks against `users`, at most `parallel` passwords at a time.
    ///
    /// # Errors
    /// [`PasswordError::Failed`] without random numbers.
    pub fn try_new(users: Users, clock: Clock, parallel: usize) -> Result<Self, PasswordError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|_| PasswordError::Failed)?;
        let nobody = Password::generate()?.hash()?;
        let tries = (0..BUCKETS).map(|_| Mutex::default()).collect();
        let parallel = parallel.clamp(1, Semaphore::MAX_PERMITS);
        let (waiting, checking) = (Semaphore::new(WAITING), Arc::new(Semaphore::new(parallel)));
        Ok(Self { users, clock, nobody, secret, tries, waiting, checking })
    }

    /// The user, if the password is theirs.
    ///
    /// # Errors
    /// [`NotIn`].
    pub async fn check(&self, name: &str, password: Password) -> Result<User, NotIn> {
        let _waiting = self.waiting.try_acquire().map_err(|_| NotIn::Busy)?;
        let bucket = self.tries.get(self.bucket(name)).ok_or(NotIn::Failed)?;
        // One try at a time for a name: many at once would all be free.
        let mut tries = bucket.lock().await;
        let now = self.clock.now();
        if let Some(not_before) = tries.not_before.filter(|moment| *moment > now) {
            return Err(NotIn::Wait(between(now, not_before)));
        }
        // Counted before it is known, so that a caller who hangs up early gains no try.
        *tries = tries.one_more(now);
        let user = self.users.find(name);
        let hash = user.as_ref().map_or(&self.nobody, |user| &user.password).clone();
        let right = self.fits(hash, password).await?;
        match user {
            Some(user) if right => {
                *tries = Tries::default();
                Ok(user)
            }
            _ => Err(NotIn::Wrong),
        }
    }

    /// On a thread that may block, and no more of them than allowed.
    async fn fits(&self, hash: String, password: Password) -> Result<bool, NotIn> {
        let permit = self.checking.clone().acquire_owned().await.map_err(|_| NotIn::Failed)?;
        let check = move || {
            let _permit = permit; // until the work is done, even if nobody waits for it any more
            password.fits(&hash)
        };
        tokio::task::spawn_blocking(check).await.map_err(|_| NotIn::Failed)
    }

    fn bucket(&self, name: &str) -> usize {
        let digest = Digest::of(&[&self.secret, name.as_bytes()].concat());
        let [a, b, ..] = *digest.bytes();
        usize::from(u16::from_be_bytes([a, b])) % BUCKETS
    }
}

impl Tries {
    fn one_more(self, now: Timestamp) -> Self {
        let wrong = self.wrong.saturating_add(1);
        let doublings = wrong.checked_sub(FREE_TRIES).map(|beyond| beyond.min(16));
        let delay = doublings.map(|doublings| (FIRST_DELAY * 2_u32.pow(doublings)).min(LONGEST_DELAY));
        Self { wrong, not_before: delay.map(|delay| now.plus(delay)) }
    }
}

fn between(now: Timestamp, later: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(later.micros() - now.micros()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::NewUser;
    use eseal_service::Role;
    use tempfile::TempDir;

    struct Bench {
        _folder: TempDir,
        clock: Clock,
        sign_in: SignIn,
    }

    fn bench() -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::fixed(Timestamp::from_seconds(1_800_000_000));
        let users = Users::open(&folder.path().join("users.toml"), clock.clone()).expect("no users yet");
        let li = NewUser { password: Some(right()), ..NewUser::new("li", [Role::Admin]) };
        users.add(li).expect("added");
        let sign_in = SignIn::try_new(users, clock.clone(), 2).expect("random numbers");
        Bench { _folder: folder, clock, sign_in }
    }

    fn right() -> Password {
        Password::try_new("correct horse").expect("a password")
    }

    fn wrong() -> Password {
        Password::try_new("wrong horse").expect("a password")
    }

    impl Bench {
        async fn check(&self, name: &str, password: Password) -> Result<String, NotIn> {
            self.sign_in.check(name, password).await.map(|user| user.name)
        }
    }

    #[tokio::test]
    async fn the_right_password_lets_in() {
        let bench = bench();
        assert_eq!(bench.check("li", right()).await, Ok("li".to_owned()));
        assert_eq!(bench.check("li", wrong()).await, Err(NotIn::Wrong));
    }

    #[tokio::test]
    async fn after_three_wrong_tries_even_the_right_password_has_to_wait() {
        let bench = bench();
        for _ in 0..3 {
            assert_eq!(bench.check("li", wrong()).await, Err(NotIn::Wrong));
        }
        assert_eq!(bench.check("li", right()).await, Err(NotIn::Wait(Duration::from_secs(1))));
        bench.clock.set(bench.clock.now().plus(Duration::from_secs(1)));
        assert_eq!(bench.check("li", right()).await, Ok("li".to_owned()));
    }

    #[tokio::test]
    async fn the_delay_grows_and_ends_with_the_right_password() {
        let bench = bench();
        for expected in [0, 0, 1, 2, 4, 8] {
            assert_eq!(bench.check("li", wrong()).await, Err(NotIn::Wrong));
            bench.clock.set(bench.clock.now().plus(Duration::from_secs(expected)));
        }
        assert!(bench.check("li", right()).await.is_ok());
        assert_eq!(bench.check("li", wrong()).await, Err(NotIn::Wrong));
        assert!(bench.check("li", right()).await.is_ok());
    }

    #[test]
    fn the_delay_is_never_longer_than_five_minutes() {
        let now = Timestamp::from_seconds(0);
        let mut tries = Tries::default();
        for _ in 0..1_000 {
            tries = tries.one_more(now);
            assert!(tries.not_before.is_none_or(|moment| moment <= now.plus(LONGEST_DELAY)));
        }
        assert_eq!(tries.not_before, Some(now.plus(LONGEST_DELAY)));
    }

    #[tokio::test]
    async fn a_name_that_does_not_exist_is_answered_like_one_that_does() {
        let bench = bench();
        for _ in 0..3 {
            assert_eq!(bench.check("nobody", wrong()).await, Err(NotIn::Wrong));
        }
        assert_eq!(bench.check("nobody", wrong()).await, Err(NotIn::Wait(Duration::from_secs(1))));
    }

    #[tokio::test]
    async fn many_tries_at_once_are_not_more_tries() {
        let bench = bench();
        let tries = (0..8).map(|_| bench.check("li", wrong()));
        let answers = futures::future::join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| **answer == Err(NotIn::Wrong)).count(), 3);
    }

    #[tokio::test]
    async fn wrong_tries_for_one_name_do_not_delay_another() {
        let bench = bench();
        let elsewhere = |name: &String| bench.sign_in.bucket(name) != bench.sign_in.bucket("li");
        let other = (0..).map(|i| format!("n{i}")).find(elsewhere).expect("another bucket");
        for _ in 0..4 {
            let _ = bench.check(&other, wrong()).await;
        }
        assert!(bench.check("li", right()).await.is_ok());
    }
}
