//! Makes certificates and lists as they should be and as they should not, with the keys of this crate and nothing else of it.

use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, Oid, RsaBits, Signer as _, SigningKey, Suite};

/// The moment at which chains are judged.
pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub const DAY: i64 = 24 * 60 * 60;

pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let header = match length {
        0..0x80 => vec![tag, length as u8],
        0x80..0x100 => vec![tag, 0x81, length as u8],
        0x100..0x1_0000 => vec![tag, 0x82, (length >> 8) as u8, length as u8],
        _ => vec![tag, 0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8],
    };
    [&header, content].concat()
}

pub fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub fn oid(dotted: &str) -> Vec<u8> {
    tlv(6, dotted.parse::<Oid>().expect("an identifier").as_bytes())
}

fn int(number: u8) -> Vec<u8> {
    tlv(2, &[number])
}

fn time(moment: Timestamp) -> Vec<u8> {
    let digits: String = moment.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    tlv(0x17, format!("{}Z", &digits[2..]).as_bytes())
}

/// The kind of an attribute, its string type and its text.
pub type Attribute<'a> = (&'a str, u8, &'a [u8]);

/// A name of single attributes.
pub fn name(attributes: &[Attribute<'_>]) -> Vec<u8> {
    let rdn = |(kind, tag, text): &Attribute<'_>| tlv(0x31, &seq(&[oid(kind), tlv(*tag, text)]));
    seq(&attributes.iter().map(rdn).collect::<Vec<_>>())
}

pub const CN: &str = "2.5.4.3";
pub const O: &str = "2.5.4.10";
pub const EMAIL: &str = "1.2.840.113549.1.9.1";
pub const UTF8: u8 = 12;

pub fn plain(text: &str) -> Vec<u8> {
    name(&[(O, UTF8, b"eseal"), (CN, UTF8, text.as_bytes())])
}

/// A name with a key.
pub struct Party {
    pub name: Vec<u8>,
    pub key: SigningKey,
}

impl Party {
    pub fn new(text: &str) -> Self {
        Self::with(Suite::EcdsaP256Sha256, plain(text))
    }

    pub fn with(suite: Suite, name: Vec<u8>) -> Self {
        let key = if suite.is_rsa() { SigningKey::generate_rsa(RsaBits::Rsa2048) } else { SigningKey::generate(suite) };
        Self { name, key: key.expect("a key") }
    }

    /// The same name with another key.
    pub fn rekeyed(&self) -> Self {
        Self::with(Suite::EcdsaP256Sha256, self.name.clone())
    }

    fn identifier(&self) -> Vec<u8> {
        eseal_pki::DigestAlg::Sha1.digest(&self.key.public_key().to_spki_der())
    }
}

/// A certificate to be signed; made right unless something is changed.
#[derive(Clone)]
pub struct Draft {
    subject: Vec<u8>,
    spki: Vec<u8>,
    serial: u8,
    from: Timestamp,
    until: Timestamp,
    extensions: Vec<Vec<u8>>,
    /// Of the issuer as it should be; another is named where a test wants it.
    authority_key: Option<Vec<u8>>,
    issuer_name: Option<Vec<u8>>,
    /// AlgorithmIdentifiers: what is signed, and what stands beside the signature.
    algorithms: Option<[Vec<u8>; 2]>,
}

/// A certificate for `party` with these extensions, valid a month before and after [`NOW`].
pub fn draft(party: &Party, extensions: &[Vec<u8>]) -> Draft {
    let key = subject_key(&party.identifier());
    Draft {
        subject: party.name.clone(),
        spki: party.key.public_key().to_spki_der(),
        serial: 2,
        from: Timestamp::from_seconds(NOW.seconds() - 30 * DAY),
        until: Timestamp::from_seconds(NOW.seconds() + 30 * DAY),
        extensions: [vec![key], extensions.to_vec()].concat(),
        authority_key: None,
        issuer_name: None,
        algorithms: None,
    }
}

impl Draft {
    pub fn serial(self, serial: u8) -> Self {
        Self { serial, ..self }
    }

    /// Valid from so many seconds after [`NOW`] to so many.
    pub fn valid(self, from: i64, until: i64) -> Self {
        let at = |seconds| Timestamp::from_seconds(NOW.seconds() + seconds);
        Self { from: at(from), until: at(until), ..self }
    }

    pub fn naming(self, issuer: &[u8]) -> Self {
        Self { issuer_name: Some(issuer.to_vec()), ..self }
    }

    pub fn with_authority_key(self, identifier: &[u8]) -> Self {
        Self { authority_key: Some(identifier.to_vec()), ..self }
    }

    pub fn with_subject_key(mut self, identifier: &[u8]) -> Self {
        self.extensions[0] = subject_key(identifier);
        self
    }

    pub fn with_algorithms(self, signed: Vec<u8>, beside: Vec<u8>) -> Self {
        Self { algorithms: Some([signed, beside]), ..self }
    }

    pub fn sign(self, issuer: &Party) -> Vec<u8> {
        let [inner, outer] = self.algorithms.unwrap_or_else(|| [algorithm(&issuer.key), algorithm(&issuer.key)]);
        let key = self.authority_key.unwrap_or_else(|| issuer.identifier());
        let authority = extension("2.5.29.35", false, &seq(&[tlv(0x80, &key)]));
        let tbs = seq(&[
            tlv(0xa0, &int(2)),
            int(self.serial),
            inner,
            self.issuer_name.unwrap_or_else(|| issuer.name.clone()),
            seq(&[time(self.from), time(self.until)]),
            self.subject,
            self.spki,
            tlv(0xa3, &seq(&[self.extensions, vec![authority]].concat())),
        ]);
        signed(tbs, outer, &issuer.key)
    }
}

fn signed(tbs: Vec<u8>, algorithm: Vec<u8>, key: &SigningKey) -> Vec<u8> {
    let value = key.sign(&tbs).expect("a signature");
    seq(&[tbs, algorithm, tlv(3, &[vec![0], value].concat())])
}

pub fn algorithm(key: &SigningKey) -> Vec<u8> {
    match key.suite() {
        Suite::Sm2Sm3 => seq(&[oid("1.2.156.10197.1.501")]),
        Suite::EcdsaP256Sha256 => seq(&[oid("1.2.840.10045.4.3.2")]),
        Suite::EcdsaP384Sha384 => seq(&[oid("1.2.840.10045.4.3.3")]),
        Suite::RsaSha256 => seq(&[oid("1.2.840.113549.1.1.11"), tlv(5, &[])]),
        Suite::RsaSha384 | Suite::RsaSha512 => unreachable!("no party has one"),
    }
}

pub fn read(der: &[u8]) -> Certificate {
    Certificate::from_der(der).expect("a certificate")
}

// Extensions.

pub fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical { tlv(1, &[0xff]) } else { Vec::new() };
    seq(&[oid(id), flag, tlv(4, value)])
}

fn subject_key(identifier: &[u8]) -> Vec<u8> {
    extension("2.5.29.14", false, &tlv(4, identifier))
}

pub fn authority(path_length: Option<u8>) -> Vec<Vec<u8>> {
    vec![basic(true, path_length), usage(0x06)]
}

pub fn basic(ca: bool, path_length: Option<u8>) -> Vec<u8> {
    let flag = if ca { tlv(1, &[0xff]) } else { Vec::new() };
    extension("2.5.29.19", true, &seq(&[flag, path_length.map(int).unwrap_or_default()]))
}

/// The first eight bits of keyUsage: 0x80 digitalSignature, 0x04 keyCertSign, 0x02 cRLSign.
pub fn usage(bits: u8) -> Vec<u8> {
    extension("2.5.29.15", true, &tlv(3, &[bits.trailing_zeros() as u8, bits]))
}

pub fn signer() -> Vec<Vec<u8>> {
    vec![usage(0x80)]
}

pub fn usages(list: &[&str]) -> Vec<u8> {
    extension("2.5.29.37", false, &seq(&list.iter().map(|one| oid(one)).collect::<Vec<_>>()))
}

pub fn policies(list: &[&str]) -> Vec<u8> {
    extension("2.5.29.32", false, &seq(&list.iter().map(|one| seq(&[oid(one)])).collect::<Vec<_>>()))
}

pub fn mappings(list: &[(&str, &str)]) -> Vec<u8> {
    let pairs = list.iter().map(|(from, to)| seq(&[oid(from), oid(to)]));
    extension("2.5.29.33", true, &seq(&pairs.collect::<Vec<_>>()))
}

pub fn policy_constraints(require: Option<u8>, inhibit_mapping: Option<u8>) -> Vec<u8> {
    let field = |number: u8, count: Option<u8>| count.map(|count| tlv(0x80 | number, &[count])).unwrap_or_default();
    extension("2.5.29.36", true, &seq(&[field(0, require), field(1, inhibit_mapping)]))
}

pub fn inhibit_any(count: u8) -> Vec<u8> {
    extension("2.5.29.54", true, &int(count))
}

/// GeneralNames.
pub fn dns(text: &str) -> Vec<u8> {
    tlv(0x82, text.as_bytes())
}

pub fn mail(text: &str) -> Vec<u8> {
    tlv(0x81, text.as_bytes())
}

pub fn uri(text: &str) -> Vec<u8> {
    tlv(0x86, text.as_bytes())
}

pub fn address(bytes: &[u8]) -> Vec<u8> {
    tlv(0x87, bytes)
}

pub fn directory(name: &[u8]) -> Vec<u8> {
    tlv(0xa4, name)
}

pub fn other_name() -> Vec<u8> {
    tlv(0xa0, &[oid("1.2.3.4"), tlv(0xa0, &tlv(UTF8, b"x"))].concat())
}

pub fn alternative(names: &[Vec<u8>]) -> Vec<u8> {
    extension("2.5.29.17", false, &seq(names))
}

pub fn constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Vec<u8> {
    constraints_with(true, permitted, excluded)
}

pub fn constraints_with(critical: bool, permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Vec<u8> {
    let list = |tag: u8, names: &[Vec<u8>]| match names {
        [] => Vec::new(),
        names => tlv(tag, &names.iter().flat_map(|name| seq(std::slice::from_ref(name))).collect::<Vec<_>>()),
    };
    extension("2.5.29.30", critical, &seq(&[list(0xa0, permitted), list(0xa1, excluded)]))
}

// Lists.

/// A list of these serial numbers with reasons, made and due so many seconds after [`NOW`]; changes since a list where `base` says so.
pub fn list(issuer: &Party, entries: &[(u8, u8)], (made, due): (i64, i64), number: u8, base: Option<u8>) -> Vec<u8> {
    let at = |seconds| time(Timestamp::from_seconds(NOW.seconds() + seconds));
    let entry = |(serial, reason): &(u8, u8)| {
        let reason = extension("2.5.29.21", false, &tlv(10, &[*reason]));
        seq(&[int(*serial), at(-DAY), seq(&[reason])])
    };
    let revoked = match entries {
        [] => Vec::new(),
        entries => seq(&entries.iter().map(entry).collect::<Vec<_>>()),
    };
    let mut extensions = vec![
        extension("2.5.29.35", false, &seq(&[tlv(0x80, &issuer.identifier())])),
        extension("2.5.29.20", false, &int(number)),
    ];
    if base.is_none() {
        // OpenSSL looks for changes only where a list says that there are some.
        let point = seq(&[tlv(0xa0, &tlv(0xa0, &uri("http://127.0.0.1/changes.crl")))]);
        extensions.push(extension("2.5.29.46", false, &seq(&[point])));
    }
    extensions.extend(base.map(|base| extension("2.5.29.27", true, &int(base))));
    let algorithm = algorithm(&issuer.key);
    let tbs = seq(&[
        int(1),
        algorithm.clone(),
        issuer.name.clone(),
        at(made),
        at(due),
        revoked,
        tlv(0xa0, &seq(&extensions)),
    ]);
    signed(tbs, algorithm, &issuer.key)
}
