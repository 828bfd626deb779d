//! Files with secrets: whether anybody else can read them.

use std::fs::Metadata;

/// Whether nobody but this process's user and root can read this file. A file of root may be readable by its group as well: so are
/// the secrets that Kubernetes mounts into a pod, and PostgreSQL takes its key by the same rule.
#[cfg(unix)]
pub fn is_private(file: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    private(file.mode(), file.uid(), rustix::process::geteuid().as_raw())
}

/// Files have no mode there; the rights of their folder decide.
#[cfg(not(unix))]
pub fn is_private(_file: &Metadata) -> bool {
    true
}

#[cfg(any(unix, test))]
fn private(mode: u32, owner: u32, own: u32) -> bool {
    let others = if owner == 0 && own != 0 { 0o037 } else { 0o077 };
    mode & others == 0
}

#[cfg(test)]
mod tests {
    use super::private;

    #[test]
    fn a_file_of_ones_own_is_for_oneself_alone() {
        for own in [0, 65_532] {
            assert!(private(0o100_600, own, own) && private(0o100_400, own, own));
            for open in [0o640, 0o604, 0o660, 0o410] {
                assert!(!private(0o100_000 | open, own, own), "{open:o}");
            }
        }
    }

    #[test]
    fn a_secret_mounted_for_the_group_of_a_pod_is_private_and_one_for_everybody_is_not() {
        assert!(private(0o100_440, 0, 65_532) && private(0o100_640, 0, 65_532));
        for open in [0o444, 0o644, 0o660, 0o450] {
            assert!(!private(0o100_000 | open, 0, 65_532), "{open:o}");
        }
        assert!(!private(0o100_440, 1_000, 65_532), "another user's, who may let in whom they like");
    }
}
