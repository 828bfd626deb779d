//! Keys and PINs are in the memory of a process. It is written to no file when the process dies, and no other process of its user
//! may read it.

/// Has the system write no core dump of this process. What it starts decides for itself.
#[cfg(unix)]
pub fn no_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // A pattern that begins with a pipe takes no notice of the limit (core(5)); this one also keeps debuggers out (prctl(2)).
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// There are none to be switched off.
#[cfg(not(unix))]
pub const fn no_core_dumps() {}
