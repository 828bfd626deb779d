//! PDF documents sealed on one core, beside pyHanko, beside aws-lc's P-256 signatures alone, and, for large ones, beside hashing
//! and copying the file, all in the same run: `cargo bench -p eseal-documents --bench pdf_seal`, or with the name of one
//! figure behind `--`.
//!
//! "Seal" is everything from the bytes of a document to those of the sealed one, the signature included and verified; the seal
//! itself was made ready before, as in a batch. A large document is a file, sealed into another as `eseal seal` does it.

use std::fs::File;
use std::hint::black_box;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use eseal_documents::pdf::{self, SealingOptions, SealingRequest, Source, UsableSeal};
use eseal_documents::sealing;
use eseal_documents::{Limits, Place, Placement, Spot, Stamp};
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
const VERY_LARGE: usize = 1 << 30;

/// The most memory that sealing may take, however large the document.
const MEMORY_MB: f64 = 64.0;

/// Bytes that are read, hashed and copied at once.
const PIECE: usize = 1 << 20;

fn main() {
    let party = Party::new();
    let small = document();
    if ratio::is_asked_for("pdf_seal_small") {
        let raw = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let sign = || raw.sign(&SystemRandom::new(), black_box(&small)).expect("signs");
        let (ours, alone) = ratio::per_second(|| party.seal(black_box(&small)), sign);
        ratio::record("pdf_seal_small", ours, alone, "aws-lc P-256 alone", "1/s of CPU");
        match pyhanko(&party, &small) {
            Some(peer) => {
                ratio::record("pdf_seal_small", ours, peer, "pyHanko", "1/s of CPU");
            }
            None => ratio::skip("pdf_seal_small", "pyHanko"),
        }
    }
    if ratio::is_asked_for("pdf_seal_ready") {
        let ready = || UsableSeal::from_der(black_box(&party.seal_der)).expect("a seal");
        let (sealing, ready) = ratio::per_second(|| party.seal(black_box(&small)), ready);
        ratio::record("pdf_seal_ready", sealing, ready, "making the seal ready", "1/s");
    }
    if ratio::is_asked_for("pdf_seal_large") {
        large(&party, "pdf_seal_large", LARGE, 5);
    }
    if ratio::is_asked_for("pdf_seal_very_large") {
        large(&party, "pdf_seal_very_large", VERY_LARGE, 1);
    }
}

/// A large file sealed into another, beside hashing and copying it, so many times.
fn large(party: &Party, name: &str, bytes: usize, rounds: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.pdf"), folder.path().join("out.pdf"));
    write_large(&input, bytes).expect("written");
    // What has just been written is still on its way to the disk.
    File::open(&input).and_then(|file| file.sync_all()).expect("on the disk");
    let (mut ours, mut peer, mut peak) = (Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..rounds {
        peer.push(seconds(|| hash_and_copy(&input, &output)));
        forget_peak();
        ours.push(seconds(|| seal_file(party, &input, &output)));
        peak = peak.max(peak_mb());
    }
    let rate = |times: Vec<f64>| (bytes >> 20) as f64 / ratio::median(times);
    ratio::record(name, rate(ours), rate(peer), "hashing and copying", "MB/s of CPU");
    ratio::record(&format!("{name}_memory"), MEMORY_MB, peak, "MB that it took", "MB");
}

/// A document of one page and about so many bytes of something else.
fn write_large(path: &Path, bytes: usize) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(File::create(path)?);
    let small = document();
    file.write_all(&small)?;
    let at = small.len();
    let length = bytes / PIECE * PIECE;
    let head = format!("7 0 obj\n<< /Length {length} >>\nstream\n");
    file.write_all(head.as_bytes())?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let noise: Vec<u8> = (0..PIECE / 8)
        .flat_map(|_| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            state.to_be_bytes()
        })
        .collect();
    for _ in 0..bytes / PIECE {
        file.write_all(&noise)?;
    }
    let end = "\nendstream\nendobj\n";
    let start = at + head.len() + length + end.len();
    let previous = memchr::memmem::rfind(&small, b"xref\n0 ").unwrap_or_default();
    write!(
        file,
        "{end}xref\n7 1\n{at:010} 00000 n \ntrailer\n<< /Size 8 /Root 1 0 R /Prev {previous} /ID [<00> <00>] >>\n\
         startxref\n{start}\n%%EOF\n"
    )?;
    file.flush()
}

/// Seconds of processor time.
fn seconds(work: impl FnOnce()) -> f64 {
    let begun = ratio::cpu_seconds();
    work();
    ratio::cpu_seconds() - begun
}

fn seal_file(party: &Party, input: &Path, output: &Path) {
    let file = File::open(input).expect("opened");
    #[expect(unsafe_code, reason = "mapping a file has no safe form")]
    // SAFETY: the file is this benchmark's own, and nobody else changes it.
    let map = unsafe { memmap2::Mmap::map(&file) }.expect("mapped");
    let source: Source = Arc::new(map);
    let (seal, limits) = (sealing::UsableSeal::from_der(&party.seal_der).expect("a seal"), Limits::default());
    let request = sealing::Request {
        seal: &seal,
        placement: &Placement::At(vec![Spot { page: 1, x_mm: 100.0, y_mm: 100.0 }]),
        time: NOW,
        signer: &party.certificate,
        chain: &[],
        reason: None,
        options: sealing::Options::default(),
    };
    let held = sealing::broken_seal(&source, "", &limits, &mut |_| {}).expect("a document");
    assert!(held.is_none(), "{held:?}");
    let prepared = sealing::prepare_reading(&source, &mut &file, &request, &limits, &mut |_| {}).expect("prepared");
    let signature = party.key.sign(prepared.to_sign()).expect("signs");
    let out = File::create(output).expect("created");
    (&file).rewind().expect("at its begin");
    prepared.finish_reading(&mut &file, &out, (&signature, None), &mut |_| {}).expect("sealed");
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

/// Begins anew to count [`peak_mb`] (proc_pid_clear_refs(5)).
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most megabytes that this process had in memory at once, the pages of files that it mapped included.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
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

/// A document of one page with a text.
fn document() -> Vec<u8> {
    let text = b"BT /F1 24 Tf 150 400 Td (Contract, page 1) Tj ET";
    let objects: [Vec<u8>; 6] = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595.276 841.89] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_vec(),
        stream(text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
        b"<< /Producer (a benchmark) >>".to_vec(),
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
