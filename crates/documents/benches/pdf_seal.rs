//! PDF documents sealed on one core, beside pyHanko, beside aws-lc's P-256 signatures alone, and, for a large one, beside hashing
//! and copying the file, all in the same run: `cargo bench -p eseal-documents --bench pdf_seal`, or with the name of one
//! figure behind `--`.
//!
//! "Seal" is everything from the bytes of a document to those of the sealed one, the signature included; the seal itself was
//! made ready before, as in a batch.

use std::fs::File;
use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use eseal_documents::pdf::{self, SealingOptions, SealingRequest, Source, UsableSeal};
use eseal_documents::{Limits, Place, Stamp};
use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, DevelopmentCa, DigestAlg, Purpose, Signer as _, SigningKey, Subject, Suite};
use eseal_seal::{CertificateList, Picture, Seal, SealInfo};
use eseal_testkit::ratio;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Documents that pyHanko signs in one process.
const PEER_ROUNDS: u32 = 60;

/// Bytes of the large document.
const LARGE: usize = 105 << 20;

/// Bytes that are read, hashed and copied at once.
const PIECE: usize = 1 << 20;

fn main() {
    let party = Party::new();
    let small = document(0);
    if ratio::is_asked_for("pdf_seal_small") {
        let raw = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let sign = || raw.sign(&SystemRandom::new(), black_box(&small)).expect("signs");
        let (ours, alone) = ratio::per_second(|| party.seal(black_box(&small)), sign);
        ratio::record("pdf_seal_small", ours, alone, "aws-lc P-256 alone", "1/s");
        match pyhanko(&party, &small) {
            Some(peer) => {
                ratio::record("pdf_seal_small", ours, peer, "pyHanko, per CPU-second", "1/s");
            }
            None => ratio::skip("pdf_seal_small", "pyHanko"),
        }
    }
    if ratio::is_asked_for("pdf_seal_ready") {
        let again = || UsableSeal::from_der(black_box(&party.seal_der)).expect("a seal");
        let (sealing, ready) = ratio::per_second(|| party.seal(black_box(&small)), again);
        ratio::record("pdf_seal_ready", sealing, ready, "making the seal ready", "1/s");
    }
    if ratio::is_asked_for("pdf_seal_large") {
        large(&party);
    }
}

/// A large file sealed into another, beside hashing and copying it.
fn large(party: &Party) {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.pdf"), folder.path().join("out.pdf"));
    std::fs::write(&input, document(LARGE)).expect("written");
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        ours.push(seconds(|| seal_file(party, &input, &output)));
        peer.push(seconds(|| hash_and_copy(&input, &output)));
    }
    let rate = |times: Vec<f64>| (LARGE >> 20) as f64 / ratio::median(times);
    ratio::record("pdf_seal_large", rate(ours), rate(peer), "hashing and copying", "MB/s");
    if let Some(peak) = peak_megabytes() {
        ratio::record("pdf_seal_large_memory", peak, 64.0, "the limit", "MB");
    }
}

fn seconds(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}

fn seal_file(party: &Party, input: &Path, output: &Path) {
    let mut file = File::open(input).expect("opened");
    #[expect(unsafe_code, reason = "mapping a file has no safe form")]
    // SAFETY: the file is this benchmark's own, and nobody else changes it.
    let map = unsafe { memmap2::Mmap::map(&file) }.expect("mapped");
    let source: Source = Arc::new(map);
    let (request, limits) = (party.request(), Limits::default());
    let prepared = pdf::prepare_reading(source, &mut file, &request, &limits, &mut |_| {}).expect("prepared");
    let signature = party.key.sign(prepared.to_sign()).expect("signs");
    let (completed, _) = prepared.complete(&signature, None).expect("complete");
    std::fs::copy(input, output).expect("copied");
    let mut out = File::options().append(true).open(output).expect("opened");
    out.write_all(completed.update()).expect("written");
}

fn hash_and_copy(input: &Path, output: &Path) {
    let mut file = File::open(input).expect("opened");
    let mut hasher = DigestAlg::Sha256.hasher();
    let mut piece = vec![0; PIECE];
    loop {
        let count = file.read(&mut piece).expect("read");
        if count == 0 {
            break;
        }
        hasher.update(&piece[..count]);
    }
    black_box(hasher.finish());
    std::fs::copy(input, output).expect("copied");
}

/// The most memory that this process had at once, where the system tells.
fn peak_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

struct Party {
    key: SigningKey,
    certificate: Certificate,
    seal_der: Vec<u8>,
    seal: UsableSeal,
    stamps: [Stamp; 1],
}

impl Party {
    fn new() -> Self {
        let (maker, _, maker_key) = certified(Suite::Sm2Sm3, Purpose::Maker);
        let (certificate, _, key) = certified(Suite::EcdsaP256Sha256, Purpose::Holder);
        let info = SealInfo {
            vid: "ESEAL".to_owned(),
            es_id: "32050000011053".to_owned(),
            seal_type: 1,
            name: "苏州市示范软件有限公司".to_owned(),
            certificates: CertificateList::of([&certificate]),
            created: NOW,
            valid_from: NOW,
            valid_to: NOW.plus(YEARS),
            picture: Picture { kind: "PNG".to_owned(), data: picture(), width_mm: 42, height_mm: 42 },
            extensions: vec![],
        };
        let der = info.to_der().expect("encodes");
        let value = maker_key.sign(&der).expect("signs");
        let seal_der = Seal::assemble(&der, &maker, &value).expect("assembles");
        let place = Place { page: 1, x_mm: 100.0, y_mm: 100.0, width_mm: 42.0, height_mm: 42.0 };
        let seal = UsableSeal::from_der(&seal_der).expect("a seal");
        Self { key, certificate, seal_der, seal, stamps: [place.into()] }
    }

    fn request(&self) -> SealingRequest<'_> {
        SealingRequest {
            seal: &self.seal,
            stamps: &self.stamps,
            time: NOW,
            signer: &self.certificate,
            chain: &[],
            name: Some("示范公司"),
            reason: None,
            options: SealingOptions::default(),
        }
    }

    fn seal(&self, document: &[u8]) -> Vec<u8> {
        let source: Source = Arc::new(document.to_vec());
        let prepared = pdf::prepare(source, &self.request(), &Limits::default(), &mut |_| {}).expect("prepared");
        let signature = self.key.sign(prepared.to_sign()).expect("signs");
        let mut out = Vec::with_capacity(document.len() + (64 << 10));
        prepared.finish(&mut out, &signature, &mut |_| {}).expect("sealed");
        out
    }
}

fn certified(suite: Suite, purpose: Purpose) -> (Certificate, DevelopmentCa, SigningKey) {
    let ca = DevelopmentCa::create(suite, "CA", purpose, NOW).expect("an authority");
    let key = SigningKey::generate(suite).expect("a key");
    let certificate = ca.issue(&key.public_key(), &Subject::named("Li"), YEARS, NOW).expect("a certificate");
    (certificate, ca, key)
}

/// A ring of 496 × 496 pixels, transparent elsewhere: a seal of 42 mm at 300 dpi.
fn picture() -> Vec<u8> {
    const SIDE: i32 = 496;
    let mut pixels = Vec::new();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (dx, dy) = (x - SIDE / 2, y - SIDE / 2);
            let distance = f64::from(dx * dx + dy * dy).sqrt();
            let shown = (220.0..240.0).contains(&distance) || (distance < 60.0 && (x + y) % 3 > 0);
            pixels.extend(if shown { [220, 20, 20, 255] } else { [0; 4] });
        }
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&pixels).expect("pixels");
    writer.finish().expect("an end");
    out
}

/// A document of one page with a text, and a stream of `more` bytes that cannot be compressed.
fn document(more: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = Vec::with_capacity(more + 8);
    while noise.len() < more {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        noise.extend_from_slice(&state.to_be_bytes());
    }
    let text = b"BT /F1 24 Tf 150 400 Td (Contract, page 1) Tj ET";
    let objects: [Vec<u8>; 6] = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595.276 841.89] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_vec(),
        stream(text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
        stream(&noise),
    ];
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut table = String::from("xref\n0 7\n0000000000 65535 f \n");
    for (number, object) in (1..).zip(&objects) {
        table.push_str(&format!("{:010} 00000 n \n", out.len()));
        out.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    let start = out.len();
    table.push_str(&format!("trailer\n<< /Size 7 /Root 1 0 R /ID [<00> <00>] >>\nstartxref\n{start}\n%%EOF\n"));
    out.extend_from_slice(table.as_bytes());
    out
}

fn stream(data: &[u8]) -> Vec<u8> {
    [format!("<< /Length {} >>\nstream\n", data.len()).as_bytes(), data, b"\nendstream"].concat()
}

/// Documents that pyHanko signs per CPU-second with a key of the same kind, reading key and certificate before; `None` where it
/// is not installed.
fn pyhanko(party: &Party, document: &[u8]) -> Option<f64> {
    const SCRIPT: &str = "
import io, sys, time
from pyhanko.sign import signers, fields
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
folder, rounds = sys.argv[1], int(sys.argv[2])
signer = signers.SimpleSigner.load(folder + '/key.pem', folder + '/cert.pem')
data = open(folder + '/in.pdf', 'rb').read()
meta = signers.PdfSignatureMetadata(field_name='Sig', subfilter=fields.SigSeedSubFilter.PADES, md_algorithm='sha256')
def once():
    signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(data)), meta, signer=signer)
once()
begun = time.process_time()
for _ in range(rounds):
    once()
print(rounds / (time.process_time() - begun))
";
    let folder = tempfile::tempdir().ok()?;
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("written");
    put("key.der", &party.key.to_pkcs8_der());
    put("cert.pem", party.certificate.to_pem().as_bytes());
    put("in.pdf", document);
    let path = |name: &str| folder.path().join(name);
    let (der, pem) = (path("key.der"), path("key.pem"));
    let mut convert = Command::new("openssl");
    convert.args(["pkcs8", "-inform", "DER", "-nocrypt", "-in"]).arg(&der).arg("-out").arg(&pem);
    convert.status().ok().filter(std::process::ExitStatus::success)?;
    let python = std::env::var_os("ESEAL_PYTHON").unwrap_or_else(|| {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python3").into_os_string()
    });
    let output =
        Command::new(python).args(["-c", SCRIPT]).arg(folder.path()).arg(PEER_ROUNDS.to_string()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
