//! Names of a package's entries, and the locations (`ST_Loc`) in its XML files that point to them.

use crate::NameProblem;

/// The name of a zip entry as a path without a leading slash, such as `Doc_0/Document.xml`.
///
/// Producers write UTF-8 or, without saying so, GBK; and `\` on Windows. Directories keep their last `/`.
pub fn entry_name(raw: &[u8]) -> Result<String, (String, NameProblem)> {
    let text = match std::str::from_utf8(raw) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::GB18030.decode_without_bom_handling(raw).0.into_owned(),
    };
    let name = text.replace('\\', "/");
    let problem = if name.starts_with('/') || name.as_bytes().get(1) == Some(&b':') {
        NameProblem::Absolute
    } else if name.chars().any(char::is_control) {
        NameProblem::NotAName
    } else {
        let name = name.strip_prefix("./").unwrap_or(&name);
        match name.trim_end_matches('/').split('/').find(|part| matches!(*part, "" | "." | "..")) {
            Some("..") => NameProblem::Outside,
            Some(_) => NameProblem::NotAName,
            None => return Ok(name.to_owned()),
        }
    };
    Err((text, problem))
}

/// The name as GBK, where the bytes are UTF-8 by chance: some pairs of bytes are a character in both, such as 模 and ģ. A
/// package that does not say which it is may mean either.
pub fn other_name(raw: &[u8]) -> Option<String> {
    let is_both = !raw.is_ascii() && std::str::from_utf8(raw).is_ok();
    let text = is_both.then(|| encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(raw))??;
    entry_name(text.as_bytes()).ok()
}

/// What two names must not have in common: on some systems they are the same file.
pub fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// The folder that holds the entry `name`: empty for the root, else with a `/` at its end.
pub fn folder_of(name: &str) -> &str {
    name.rfind('/').map_or("", |slash| &name[..=slash])
}

/// The entry name that `location` means in a file of `folder`: from the root with a leading slash, else relative
/// (GB/T 33190-2016 7.3, `ST_Loc`). `None` if it leads out of the package or names nothing.
pub fn resolve(folder: &str, location: &str) -> Option<String> {
    let location = location.trim().replace('\\', "/");
    let mut parts: Vec<&str> = match location.starts_with('/') {
        true => Vec::new(),
        false => folder.split('/').filter(|part| !part.is_empty()).collect(),
    };
    for part in location.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() { None } else { Some(parts.join("/")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_absolute_or_relative_to_their_file() {
        let folder = folder_of("Doc_0/Signs/Signatures.xml");
        assert_eq!(folder, "Doc_0/Signs/");
        assert_eq!(resolve(folder, "Sign_0/Signature.xml").as_deref(), Some("Doc_0/Signs/Sign_0/Signature.xml"));
        assert_eq!(resolve(folder, "/Doc_0/Document.xml").as_deref(), Some("Doc_0/Document.xml"));
        assert_eq!(resolve(folder, " ../Document.xml\n").as_deref(), Some("Doc_0/Document.xml"));
        assert_eq!(resolve("", r"Doc_0\Document.xml").as_deref(), Some("Doc_0/Document.xml"));
    }

    #[test]
    fn a_location_never_leads_out_of_the_package() {
        assert_eq!(resolve("Doc_0/", "../../etc/passwd"), None);
        assert_eq!(resolve("Doc_0/", "/../etc/passwd"), None);
        assert_eq!(resolve("", ""), None);
    }

    #[test]
    fn entry_names_that_lead_outside_or_are_no_names_are_refused() {
        let problem = |name: &str| entry_name(name.as_bytes()).map_err(|(_, problem)| problem);
        assert_eq!(problem("../a"), Err(NameProblem::Outside));
        assert_eq!(problem("Doc_0/../../a"), Err(NameProblem::Outside));
        assert_eq!(problem(r"Doc_0\..\a"), Err(NameProblem::Outside));
        assert_eq!(problem("/a"), Err(NameProblem::Absolute));
        assert_eq!(problem(r"C:\a"), Err(NameProblem::Absolute));
        assert_eq!(problem(""), Err(NameProblem::NotAName));
        assert_eq!(problem("Doc_0//a"), Err(NameProblem::NotAName));
        assert_eq!(problem("a\0b"), Err(NameProblem::NotAName));
    }

    #[test]
    fn gbk_names_and_backslashes_are_understood() {
        let (gbk, _, _) = encoding_rs::GBK.encode("Doc_0/Res/公章.png");
        assert_eq!(entry_name(&gbk), Ok("Doc_0/Res/公章.png".to_owned()));
        assert_eq!(entry_name("Doc_0/Res/公章.png".as_bytes()), Ok("Doc_0/Res/公章.png".to_owned()));
        assert_eq!(entry_name(br"Doc_0\Document.xml"), Ok("Doc_0/Document.xml".to_owned()));
        let (gbk, _, _) = encoding_rs::GBK.encode("Res/模.png");
        assert_eq!(entry_name(&gbk), Ok("Res/ģ.png".to_owned()));
        assert_eq!(other_name(&gbk).as_deref(), Some("Res/模.png"));
        let (gbk, _, _) = encoding_rs::GBK.encode("Res/公章.png");
        assert_eq!(other_name(&gbk), None, "it is not UTF-8");
        assert_eq!(other_name(b"Res/a.png"), None);
        assert_eq!(entry_name(b"./OFD.xml"), Ok("OFD.xml".to_owned()));
        assert_eq!(entry_name(b"Doc_0/"), Ok("Doc_0/".to_owned()));
    }
}
