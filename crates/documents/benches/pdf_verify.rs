//! Sealed PDFs verified on one core, beside pyHanko and `pdfsig` on the same files: `cargo bench -p eseal-documents`, or with
//! the name of one figure behind `--`.
//!
//! The small ones have one page, a signature and an update behind it: signature value, chain and what the update changed are
//! judged by both. One is sealed by us, with a SESeal whose maker's SM2 signature only we check; one is plain PAdES, signed by
//! pyHanko with the same P-256 key. "First" is by a verifier that has met nothing, "next" by one that has met the same
//! certificates and seal, as in a service; pyHanko's is one process over one file, everything loaded. The large one has 105 MB and
//! is mapped, so that only what verification itself needs is in memory.

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "of the tests' support a few parts are used here")]
mod support;

use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use eseal_documents::pdf::{self, Source};
use eseal_documents::{Limits, Trust, Verdict, Verifier, judge};
use eseal_testkit::ratio;

use support::pdf_builder::{CATALOG, FIRST_PAGE, PLAIN};
use support::pdf_harm::object;
use support::pdf_parties::{PdfWorld, source};
use support::pdf_update::append;
use support::peers::pyhanko;

/// The most memory that verifying may take beside the file's own pages.
const MEMORY_MB: f64 = 64.0;
const LARGE: usize = 105_000_000;

fn main() {
    let world = PdfWorld::new();
    let sealed = world.party("Party A").seal(&PLAIN.build());
    let updated = append(&sealed, &[(FIRST_PAGE, &object(&sealed, FIRST_PAGE))]);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("ca.pem"), world.holders.certificate().to_pem()).expect("written");
    if ratio::is_asked_for("pdf_verify_sealed") {
        small("pdf_verify_sealed", &updated, &world.trust(), folder.path());
    }
    if ratio::is_asked_for("pdf_verify_plain") {
        match plain(&world, folder.path()) {
            Some(signed) => small("pdf_verify_plain", &signed, &world.trust(), folder.path()),
            None => ratio::skip("pdf_verify_plain", "pyHanko"),
        }
    }
    if ratio::is_asked_for("pdf_verify_large") {
        std::fs::write(folder.path().join("large.pdf"), world.party("Party A").seal(&large())).expect("written");
        large_beside_pdfsig(&world.trust(), &folder.path().join("large.pdf"));
    }
}

fn verdict(document: &Source, trust: &Trust) -> Verdict {
    judge(&pdf::verify(document, &Limits::default(), &mut |_| {}).expect("a document"), trust).verdict
}

fn small(name: &str, document: &[u8], trust: &Trust, folder: &Path) {
    std::fs::write(folder.join("small.pdf"), document).expect("written");
    let document = source(document);
    assert_eq!(verdict(&document, trust), Verdict::Valid);
    let verifier = Verifier::default();
    let first = || verdict(black_box(&document), trust);
    let next = || {
        let found = verifier.verify(black_box(&document), &mut |_| {}).expect("a document");
        assert_eq!(judge(&found, trust).verdict, Verdict::Valid);
    };
    let (first, next) = ratio::per_second(first, next);
    match by_pyhanko(folder) {
        Some(peer) => {
            ratio::record(&format!("{name}_first"), first, peer, "pyHanko", "1/s of CPU");
            ratio::record(&format!("{name}_next"), next, peer, "pyHanko", "1/s of CPU");
        }
        None => ratio::skip(name, "pyHanko"),
    }
}

/// A page signed by pyHanko as PAdES B-B, with an update behind it; `None` where it is not installed.
fn plain(world: &PdfWorld, folder: &Path) -> Option<Vec<u8>> {
    const SCRIPT: &str = "
import sys
from pyhanko.sign import signers, fields
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
folder = sys.argv[1]
signer = signers.SimpleSigner.load(folder + '/key.pem', folder + '/cert.pem', ca_chain_files=(folder + '/ca.pem',))
meta = signers.PdfSignatureMetadata(field_name='Sig', subfilter=fields.SigSeedSubFilter.PADES, md_algorithm='sha256')
with open(folder + '/in.pdf', 'rb') as given, open(folder + '/plain.pdf', 'wb') as out:
    signers.sign_pdf(IncrementalPdfFileWriter(given), meta, signer=signer, output=out)
";
    let party = world.party("Party A");
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("written");
    put("key.pem", pem("PRIVATE KEY", &party.key.to_pkcs8_der()).as_bytes());
    put("cert.pem", party.certificate.to_pem().as_bytes());
    put("in.pdf", &PLAIN.build());
    let python = pyhanko().with_file_name("python");
    let output = Command::new(python).args(["-W", "ignore", "-c", SCRIPT]).arg(folder).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let signed = std::fs::read(folder.join("plain.pdf")).expect("read");
    Some(append(&signed, &[(FIRST_PAGE, &object(&signed, FIRST_PAGE))]))
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// Validations per CPU-second, difference analysis included.
fn by_pyhanko(folder: &Path) -> Option<f64> {
    const SCRIPT: &str = "
import io, sys, time
from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
folder = sys.argv[1]
document = open(folder + '/small.pdf', 'rb').read()
root = x509.Certificate.load(pem.unarmor(open(folder + '/ca.pem', 'rb').read())[2])
def once():
    context = ValidationContext(trust_roots=[root], allow_fetching=False)
    status = validate_pdf_signature(PdfFileReader(io.BytesIO(document)).embedded_signatures[0], context)
    assert status.intact and status.valid and status.trusted, status.summary()
once()
count, begun = 0, time.process_time()
while time.process_time() - begun < 3:
    once()
    count += 1
print(count / (time.process_time() - begun))
";
    let python = pyhanko().with_file_name("python");
    let output = Command::new(python).args(["-W", "ignore", "-c", SCRIPT]).arg(folder).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// A document with an attachment that nothing compresses.
fn large() -> Vec<u8> {
    let mut state = 1_u64;
    let noise = (0..LARGE).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        b"0123456789abcdefghijklmnopqrstuv"[(state >> 59) as usize]
    });
    let blob = String::from_utf8(noise.collect()).expect("letters");
    let catalog = "<< /Type /Catalog /Pages 2 0 R /Blob 20 0 R >>";
    append(&PLAIN.build(), &[(CATALOG, catalog), (20, &support::pdf_update::stream_text("", &blob))])
}

fn large_beside_pdfsig(trust: &Trust, path: &Path) {
    let document = mapped(path);
    let begun = Instant::now();
    assert_eq!(verdict(&document, trust), Verdict::Valid);
    let ours = begun.elapsed().as_secs_f64();
    match by_pdfsig(path) {
        Some(peer) => _ = ratio::record("pdf_verify_large", 1.0 / ours, 1.0 / peer, "pdfsig", "1/s"),
        None => ratio::skip("pdf_verify_large", "pdfsig"),
    }
    let before = anonymous_mb();
    let mut most = 0.0_f64;
    let report = pdf::verify(&document, &Limits::default(), &mut |_| most = most.max(anonymous_mb()));
    most = most.max(anonymous_mb());
    drop(black_box(report));
    ratio::record("pdf_verify_large_memory", MEMORY_MB, (most - before).max(1.0), "MB beside the file's pages", "MB");
}

#[expect(unsafe_code, reason = "nobody changes the file while it is mapped: it was written by this program")]
fn mapped(path: &Path) -> Source {
    let file = File::open(path).expect("it was written");
    Arc::new(unsafe { memmap2::Mmap::map(&file) }.expect("mapped"))
}

/// CPU seconds of one run.
fn by_pdfsig(path: &Path) -> Option<f64> {
    const SCRIPT: &str = "
import resource, subprocess, sys
done = subprocess.run(['pdfsig', '-nocert', sys.argv[1]], capture_output=True)
assert done.returncode == 0, done.stderr
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime)
";
    let output = Command::new("python3").args(["-c", SCRIPT]).arg(path).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Megabytes of this process that are in memory and in no file.
fn anonymous_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
