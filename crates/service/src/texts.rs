//! Errors that every program of eseal may end with, for people who read Chinese. Causes from the operating system and from
//! libraries stay as they are.

use crate::StartError;
use crate::config::{ConfigError, Problem};
use crate::status::chain;
use crate::tasks::TaskEnded;

/// Settings that can't be used.
pub fn config(error: &ConfigError) -> String {
    match error {
        ConfigError::Unreadable { path, why } => format!("无法读取配置文件 {}:{why}", path.display()),
        ConfigError::Wrong(problems) => {
            let line = |problem: &Problem| format!("配置项 {}({}):{}", problem.setting, problem.source, problem.what);
            problems.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    }
}

/// A service that could not be wired.
pub fn start(error: &StartError) -> String {
    match error {
        StartError::Store { service, source } => format!("{service} 的数据库无法使用:{}", chain(source)),
        StartError::Setting { service, what, why } => format!("{service} 无法启动:{what}:{why}"),
    }
}

/// A background task that ended.
pub fn task(error: &TaskEnded) -> String {
    match error {
        TaskEnded::Early { task } => format!("后台任务“{task}”意外结束"),
        TaskEnded::Failed { task, why } => format!("后台任务“{task}”失败:{why}"),
        TaskEnded::Panicked { task } => format!("后台任务“{task}”崩溃"),
        TaskEnded::Lingering { tasks, bound } => {
            format!("以下后台任务未能在 {bound:?} 内停止:{}", tasks.join("、"))
        }
    }
}
