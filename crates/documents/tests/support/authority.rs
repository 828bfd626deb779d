//! A time stamp authority by OpenSSL, with a revocation list of its own.

use std::path::PathBuf;

use super::peers::{run, said};

const CONFIG: &str = "\
[ca]
default_ca = ca_default
[ca_default]
database = index.txt
default_md = sha256
default_crl_days = 3650
crlnumber = crlnumber
[tsa]
default_tsa = tsa_default
[tsa_default]
serial = serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512, sm3
accuracy = secs:1
ess_cert_id_alg = sha256
[tsa_certificate]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[req]
distinguished_name = name
[name]
";

/// A folder with the keys of an authority.
pub struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    /// A new one; `None` where OpenSSL is not installed.
    pub fn new() -> Option<Self> {
        let authority = Self { folder: tempfile::tempdir().expect("a folder") };
        authority.put("tsa.cnf", CONFIG.as_bytes());
        for (name, content) in [("index.txt", ""), ("crlnumber", "01\n"), ("serial", "01\n")] {
            authority.put(name, content.as_bytes());
        }
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config {tsa.cnf}";
        authority.openssl(&format!(
            "req -x509 {key} -keyout {{ca.key}} -out {{ca.pem}} -subj /CN=TSA-root -days 3650 -extensions root"
        ))?;
        authority.openssl(&format!("req -new {key} -keyout {{tsa.key}} -out {{tsa.csr}} -subj /CN=TSA"))?;
        authority.openssl(
            "x509 -req -in {tsa.csr} -CA {ca.pem} -CAkey {ca.key} -set_serial 7 -days 3000 -out {tsa.pem} \
             -extfile {tsa.cnf} -extensions tsa_certificate",
        )?;
        for (pem, der) in [("ca.pem", "ca.der"), ("tsa.pem", "tsa.der")] {
            authority.openssl(&format!("x509 -in {{{pem}}} -outform DER -out {{{der}}}"))?;
        }
        authority.openssl("ca -gencrl -config {tsa.cnf} -keyfile {ca.key} -cert {ca.pem} -out {crl.pem}")?;
        authority.openssl("crl -in {crl.pem} -outform DER -out {crl.der}")?;
        Some(authority)
    }

    /// A token over a digest, which OpenSSL names `algorithm`.
    pub fn token(&self, algorithm: &str, imprint: &[u8]) -> Vec<u8> {
        let digest = hex::encode(imprint);
        self.openssl(&format!("ts -query -digest {digest} -{algorithm} -cert -out {{q.tsq}}")).expect("openssl");
        self.openssl(
            "ts -reply -config {tsa.cnf} -queryfile {q.tsq} -signer {tsa.pem} -inkey {tsa.key} -chain {ca.pem} -out {r.tsr}",
        )
        .expect("openssl");
        self.openssl("ts -reply -config {tsa.cnf} -in {r.tsr} -token_out -out {t.tst}").expect("openssl");
        self.get("t.tst")
    }

    /// Whether OpenSSL finds a token to be over these bytes.
    pub fn holds(&self, token: &[u8], data: &[u8]) -> bool {
        self.put("t.tst", token);
        self.put("data", data);
        let output = self.run("ts -verify -data {data} -in {t.tst} -token_in -CAfile {ca.pem}").expect("openssl");
        output.status.success()
    }

    pub fn get(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("a file")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn put(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).expect("written");
    }

    /// Runs OpenSSL in the folder; a word in braces is a file there.
    pub fn run(&self, words: &str) -> Option<std::process::Output> {
        let file = |word: &str| match word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) {
            Some(name) => self.path(name).to_str().expect("a name").to_owned(),
            None => word.to_owned(),
        };
        // `openssl ca` and `ts` take the files of their configuration from where they run.
        let words: Vec<String> = words.split_whitespace().map(file).collect();
        let mut all =
            vec!["-C".to_owned(), self.folder.path().to_str().expect("a name").to_owned(), "openssl".to_owned()];
        all.extend(words);
        run("env", &all.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn openssl(&self, words: &str) -> Option<()> {
        let output = self.run(words)?;
        assert!(output.status.success(), "openssl {words}: {}", said(&output));
        Some(())
    }
}
