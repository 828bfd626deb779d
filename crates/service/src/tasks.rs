//! Background tasks of a process. One that ends before the process stops is a failure of the process: a service whose
//! writer or consumer is gone must not look alive.
//!
//! Stopping has two steps: first what brings work (servers, consumers), then what does it (writers), so that the work
//! under way is finished and answered.

use std::error::Error;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::deadline::Deadline;
use crate::status::chain;

/// The background tasks of a process. Cheap to clone; copies share the tasks.
#[derive(Debug, Clone)]
pub struct Tasks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    first: Step,
    last: Step,
    /// The first task that ended early.
    failed: watch::Sender<Option<TaskEnded>>,
}

/// The tasks that stop together.
#[derive(Debug, Clone, Default)]
struct Step {
    stop: CancellationToken,
    running: TaskTracker,
    /// Those that run; names need not be unique.
    names: Arc<Mutex<Vec<String>>>,
}

impl Step {
    fn begun(&self, task: &str) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).push(task.to_owned());
    }

    fn ended(&self, task: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = names.iter().position(|name| name == task) {
            names.swap_remove(place);
        }
    }

    fn lingering(&self) -> Vec<String> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks them to stop and waits; whether all did in time.
    async fn finish(&self, until: Instant) -> bool {
        self.stop.cancel();
        self.running.close();
        tokio::time::timeout_at(until, self.running.wait()).await.is_ok()
    }
}

/// A task that ended before the process stopped, or did not stop with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskEnded {
    /// It returned, although nobody asked it to.
    #[error("the task \"{task}\" ended by itself")]
    Early {
        /// The task.
        task: String,
    },
    /// It failed.
    #[error("the task \"{task}\" failed: {why}")]
    Failed {
        /// The task.
        task: String,
        /// The error and its causes.
        why: String,
    },
    /// It panicked.
    #[error("the task \"{task}\" panicked")]
    Panicked {
        /// The task.
        task: String,
    },
    /// Tasks were still running when the time to stop was over.
    #[error("these tasks did not stop within {bound:?}: {}", .tasks.join(", "))]
    Lingering {
        /// Which.
        tasks: Vec<String>,
        /// The time that they had.
        bound: Duration,
    },
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        let (failed, _) = watch::channel(None);
        Self(Arc::new(Inner { first: Step::default(), last: Step::default(), failed }))
    }

    /// Runs `task` until [`Tasks::stopping`]. If it ends before that, however it ends, the process stops with a
    /// failure.
    pub fn spawn<E>(&self, name: impl Into<String>, task: impl Future<Output = Result<(), E>> + Send + 'static)
    where
        E: Error + Send + 'static,
    {
        self.run(&self.0.first, name.into(), task);
    }

    /// Runs `task` until [`Tasks::stopping_last`]: what others of our tasks still need while they stop.
    pub fn spawn_last<E>(&self, name: impl Into<String>, task: impl Future<Output = Result<(), E>> + Send + 'static)
    where
        E: Error + Send + 'static,
    {
        self.run(&self.0.last, name.into(), task);
    }

    /// Cancelled when the process is to stop: every loop waits for it.
    pub fn stopping(&self) -> CancellationToken {
        self.0.first.stop.clone()
    }

    /// Cancelled when the tasks of [`Tasks::spawn`] have stopped.
    pub fn stopping_last(&self) -> CancellationToken {
        self.0.last.stop.clone()
    }

    /// Asks the process to stop.
    pub fn stop(&self) {
        self.0.first.stop.cancel();
    }

    /// Asks all tasks to stop and waits until they have, at most for `bound`.
    ///
    /// # Errors
    /// [`TaskEnded`]: the first task that ended early or failed, or that some linger.
    pub async fn finish(&self, bound: Duration) -> Result<(), TaskEnded> {
        let until = Deadline::within(bound).instant();
        let stopped = self.0.first.finish(until).await & self.0.last.finish(until).await;
        if let Some(failed) = self.0.failed.borrow().clone() {
            return Err(failed);
        }
        let tasks = [self.0.first.lingering(), self.0.last.lingering()].concat();
        if stopped { Ok(()) } else { Err(TaskEnded::Lingering { tasks, bound }) }
    }

    fn run<E>(&self, step: &Step, task: String, future: impl Future<Output = Result<(), E>> + Send + 'static)
    where
        E: Error + Send + 'static,
    {
        let (tasks, step_of_it) = (self.clone(), step.clone());
        step.begun(&task);
        step.running.spawn(async move {
            let ended = AssertUnwindSafe(future).catch_unwind().await;
            step_of_it.ended(&task);
            let ended = match ended {
                // Once the process stops, a writer may end as soon as nobody is left who has work for it.
                Ok(Ok(())) if tasks.0.first.stop.is_cancelled() => return tracing::debug!(task, "stopped"),
                Ok(Ok(())) => TaskEnded::Early { task },
                Ok(Err(error)) => TaskEnded::Failed { task, why: chain(&error) },
                Err(_) => TaskEnded::Panicked { task },
            };
            tracing::error!("{ended}");
            tasks.0.failed.send_if_modified(|first| first.is_none() && first.replace(ended).is_none());
            tasks.stop();
        });
    }
}

/// What is done now and again after each pause, never twice at a time, until the stop.
#[derive(Debug)]
pub struct Rounds {
    ticks: Interval,
    stop: CancellationToken,
}

impl Rounds {
    /// The first round begins at once.
    pub fn every(pause: Duration, stop: CancellationToken) -> Self {
        let mut ticks = tokio::time::interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, stop }
    }

    /// Waits for the next round and does this in it; nothing any more once the stop is asked for. Work that is under way then is
    /// dropped where it waits: a process may end between any two lines anyway.
    pub async fn next<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let round = async {
            self.ticks.tick().await;
            work.await
        };
        self.stop.run_until_cancelled(round).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(120);

    #[tokio::test]
    async fn a_task_that_ends_early_stops_the_others() {
        let tasks = Tasks::new();
        let stopping = tasks.stopping();
        tasks.spawn("patient", async move {
            stopping.cancelled().await;
            Ok::<(), std::io::Error>(())
        });
        tasks.spawn("hasty", async { Ok::<(), std::io::Error>(()) });
        tasks.stopping().cancelled().await;
        assert_eq!(tasks.finish(BOUND).await, Err(TaskEnded::Early { task: "hasty".to_owned() }));
    }

    #[tokio::test]
    async fn a_task_that_panics_stops_the_process_with_a_failure() {
        let tasks = Tasks::new();
        tasks.spawn("shaky", async {
            if BOUND.is_zero() { Ok::<(), std::io::Error>(()) } else { panic!("on purpose") }
        });
        tasks.stopping().cancelled().await;
        assert_eq!(tasks.finish(BOUND).await, Err(TaskEnded::Panicked { task: "shaky".to_owned() }));
    }

    #[tokio::test]
    async fn tasks_that_stop_when_asked_are_no_failure() {
        let tasks = Tasks::new();
        let stopping = tasks.stopping();
        tasks.spawn("patient", async move {
            stopping.cancelled().await;
            Ok::<(), std::io::Error>(())
        });
        assert_eq!(tasks.finish(BOUND).await, Ok(()));
    }

    #[tokio::test]
    async fn what_does_the_work_stops_after_what_brings_it_and_may_end_by_itself_then() {
        let tasks = Tasks::new();
        let (work, mut works) = tokio::sync::mpsc::channel(1);
        let stopping = tasks.stopping();
        tasks.spawn("consumer", async move {
            stopping.cancelled().await;
            // The last piece of work, begun before and finished now.
            work.send(()).await
        });
        tasks.spawn_last("writer", async move {
            // It does not wait to be told: nobody is left who could have work.
            works.recv().await.ok_or_else(|| std::io::Error::other("the work was lost"))
        });
        assert_eq!(tasks.finish(BOUND).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_stop_is_waited_for_no_longer_than_the_bound() {
        let tasks = Tasks::new();
        tasks.spawn("deaf", std::future::pending::<Result<(), std::io::Error>>());
        assert_eq!(
            tasks.finish(BOUND).await,
            Err(TaskEnded::Lingering { tasks: vec!["deaf".to_owned()], bound: BOUND })
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_again_and_again_is_done_at_once_and_then_after_each_pause_until_the_stop() {
        let (stop, begun, mut done) = (CancellationToken::new(), Instant::now(), 0);
        let mut rounds = Rounds::every(BOUND, stop.clone());
        while let Some(at) = rounds.next(async { begun.elapsed() }).await {
            // Timers count in milliseconds.
            assert!(at >= BOUND * done && at < BOUND * done + BOUND / 2, "{at:?}");
            done += 1;
            if done == 3 {
                stop.cancel();
            }
        }
        assert_eq!(done, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_waits_is_dropped_at_the_stop() {
        let stop = CancellationToken::new();
        let work = async {
            stop.cancel();
            std::future::pending::<()>().await;
        };
        assert_eq!(Rounds::every(BOUND, stop.clone()).next(work).await, None);
    }
}
