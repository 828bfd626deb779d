//! Sealed OFD packages as other producers write them: every file by a recipe, signed for true.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eseal_pki::{DigestAlg, Signer};
use eseal_seal::{SesSignature, ToSign};

use super::ofd_contract::{entries_of, zip_of};
use super::parties::{Party, now};

/// Files of a package in its order.
pub type Files = Vec<(String, Vec<u8>)>;

/// Gives the files of a document.
pub type Document = fn() -> Files;
/// Writes the text of an XML file otherwise.
pub type Rewrite = fn(&str) -> String;
/// Makes bytes of it.
pub type Encode = fn(&str) -> Vec<u8>;
/// Makes a package of files.
pub type Package = fn(&[(String, Vec<u8>)]) -> Vec<u8>;

/// How a producer writes a sealed package. The texts have `{…}` where something is filled in.
pub struct Recipe {
    pub name: &'static str,
    /// The document, with an `OFD.xml` that names the list of signatures.
    pub document: Document,
    /// The entries of the signature's files.
    pub list: &'static str,
    pub descriptor: &'static str,
    pub value: &'static str,
    pub seal: Option<&'static str>,
    /// Their texts.
    pub list_text: String,
    pub descriptor_text: String,
    pub reference: String,
    /// Whether a file of the document is protected.
    pub covers: fn(&str) -> bool,
    pub digest: DigestAlg,
    /// What is done to the text of every XML file, and how it becomes bytes.
    pub rewrite: Rewrite,
    pub encode: Encode,
    /// The signature value over a `Signature.xml`.
    pub sign: fn(&Party, &[u8]) -> Vec<u8>,
    pub package: Package,
}

/// What the standard's own examples look like.
pub fn plain() -> Recipe {
    Recipe {
        name: "plain",
        document: || contract_with("<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>"),
        list: "Doc_0/Signs/Signatures.xml",
        descriptor: "Doc_0/Signs/Sign_0/Signature.xml",
        value: "Doc_0/Signs/Sign_0/SignedValue.dat",
        seal: Some("Doc_0/Signs/Sign_0/Seal.esl"),
        list_text: LIST_TEXT.to_owned(),
        descriptor_text: DESCRIPTOR_TEXT.to_owned(),
        reference: REFERENCE.to_owned(),
        covers: |_| true,
        digest: DigestAlg::Sm3,
        rewrite: str::to_owned,
        encode: |text| text.as_bytes().to_vec(),
        sign: |party, descriptor| seal_signature(party, &party.seal, descriptor),
        package: zip_of,
    }
}

const LIST_TEXT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <ofd:Signatures xmlns:ofd=\"http://www.ofdspec.org/2016\"><ofd:MaxSignId>1</ofd:MaxSignId>\
    <ofd:Signature ID=\"1\" Type=\"Seal\" BaseLoc=\"Sign_0/Signature.xml\"/></ofd:Signatures>";

const REFERENCE: &str = "<ofd:Reference FileRef=\"/{file}\"><ofd:CheckValue>{digest}</ofd:CheckValue></ofd:Reference>";

const DESCRIPTOR_TEXT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <ofd:Signature xmlns:ofd=\"http://www.ofdspec.org/2016\"><ofd:SignedInfo>\
    <ofd:Provider ProviderName=\"other\" Version=\"1.0\" Company=\"某公司\"/>\
    <ofd:SignatureMethod>1.2.156.10197.1.501</ofd:SignatureMethod>\
    <ofd:SignatureDateTime>20260131080506Z</ofd:SignatureDateTime>\
    <ofd:References CheckMethod=\"1.2.156.10197.1.401\">{references}</ofd:References>\
    <ofd:StampAnnot ID=\"2\" PageRef=\"10\" Boundary=\"120 200 40 40\"/>\
    <ofd:Seal><ofd:BaseLoc>/Doc_0/Signs/Sign_0/Seal.esl</ofd:BaseLoc></ofd:Seal>\
    </ofd:SignedInfo><ofd:SignedValue>/Doc_0/Signs/Sign_0/SignedValue.dat</ofd:SignedValue></ofd:Signature>";

/// A contract whose body has something more.
pub fn contract_with(body: &str) -> Files {
    let mut files = entries_of(2);
    change(&mut files, "OFD.xml", "</ofd:DocRoot>", &format!("</ofd:DocRoot>{body}"));
    files
}

/// Replaces a text, which must be there, in a file.
pub fn change(files: &mut Files, name: &str, from: &str, to: &str) {
    let (_, content) = files.iter_mut().find(|(entry, _)| entry == name).expect("the file");
    *content = replaced(std::str::from_utf8(content).expect("text"), from, to).into_bytes();
}

/// A SES_Signature with one of the party's seals over a `Signature.xml`.
pub fn seal_signature(party: &Party, seal: &[u8], descriptor: &[u8]) -> Vec<u8> {
    let to_sign = to_sign(seal, descriptor).to_der().expect("TBS_Sign");
    let value = party.identity.key.sign(&to_sign).expect("a signature");
    SesSignature::assemble(&to_sign, &party.identity.certificate, &value).expect("a signature")
}

/// What such a signature signs.
pub fn to_sign(seal: &[u8], descriptor: &[u8]) -> ToSign {
    ToSign {
        seal_der: seal.to_vec(),
        time: now(),
        data_hash: DigestAlg::Sm3.digest(descriptor).try_into().expect("32 bytes"),
        property_info: "/Doc_0/Signs/Sign_0/Signature.xml".to_owned(),
        extensions: Vec::new(),
    }
}

impl Recipe {
    /// The same with another list of signatures.
    pub fn listed(self, from: &str, to: &str) -> Self {
        Self { list_text: replaced(&self.list_text, from, to), ..self }
    }

    /// The same with another `Signature.xml`.
    pub fn described(self, from: &str, to: &str) -> Self {
        Self { descriptor_text: replaced(&self.descriptor_text, from, to), ..self }
    }

    /// The files of the sealed package.
    pub fn files(&self, party: &Party) -> Files {
        let mut files = (self.document)();
        for (_, content) in files.iter_mut().filter(|(name, _)| name.to_ascii_lowercase().ends_with(".xml")) {
            *content = self.xml(std::str::from_utf8(content).expect("text"));
        }
        if let Some(seal) = self.seal {
            files.push((seal.to_owned(), party.seal.clone()));
        }
        let covered = files.iter().filter(|(name, _)| !name.ends_with('/') && (self.covers)(name));
        let reference = |(name, content): &(String, Vec<u8>)| {
            let digest = BASE64.encode(self.digest.digest(content));
            self.reference.replace("{file}", name).replace("{digest}", &digest)
        };
        let references: String = covered.map(reference).collect();
        let descriptor = self.xml(&self.descriptor_text.replace("{references}", &references));
        let value = (self.sign)(party, &descriptor);
        files.push((self.descriptor.to_owned(), descriptor));
        files.push((self.value.to_owned(), value));
        files.push((self.list.to_owned(), self.xml(&self.list_text)));
        files
    }

    /// The sealed package.
    pub fn make(&self, party: &Party) -> Vec<u8> {
        (self.package)(&self.files(party))
    }

    fn xml(&self, text: &str) -> Vec<u8> {
        (self.encode)(&(self.rewrite)(text))
    }
}

/// `text` with another one in it, which must be there.
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "no {from} in {text}");
    text.replace(from, to)
}
