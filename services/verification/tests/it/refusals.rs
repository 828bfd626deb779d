//! What is no document, too large or too much.

use eseal_proto::verification::v1 as pb;
use eseal_verification::Config;
use tokio_stream::StreamExt as _;
use tonic::Code;

use crate::desk::*;
use crate::sealed::{OFD, World};

#[tokio::test]
async fn what_is_no_document_has_its_own_answer() {
    let desk = Desk::alone().await;
    for (document, reason) in [
        (&b""[..], "NOT_A_DOCUMENT"),
        (b"hello", "NOT_A_DOCUMENT"),
        (&OFD[..OFD.len() / 2], "DOCUMENT_MALFORMED"),
        (b"%PDF-1.7\n", "DOCUMENT_MALFORMED"),
    ] {
        let answer = verify(&mut desk.anybody(), pieces(document)).await;
        assert_refused(answer, Code::InvalidArgument, reason);
    }
    assert_eq!(desk.events().await, [], "that is no failed verification");
}

#[tokio::test]
async fn a_refusal_says_in_chinese_what_and_in_english_where() {
    let desk = Desk::alone().await;
    let (_, refused) = refusal(verify(&mut desk.anybody(), pieces(&OFD[..OFD.len() / 2])).await);
    assert_eq!(refused.message, "文档已损坏");
    assert!(refused.metadata["detail"].contains("damaged"), "{:?}", refused.metadata);
}

#[tokio::test]
async fn a_document_beyond_the_bound_is_refused_before_it_is_all_there() {
    let desk = Desk::with(|config| Config { max_document_bytes: 100_000, ..config }).await;
    let endless = tokio_stream::iter(std::iter::repeat_n(vec![0_u8; 60_000], 1_000))
        .map(|chunk| pb::VerifyDocumentRequest { chunk, ..Default::default() });
    let answer = desk.anybody().verify_document(endless).await;
    assert_eq!(violation(answer), "chunk");
}

#[tokio::test]
async fn more_documents_at_a_time_than_allowed_are_refused_for_now() {
    let desk = Desk::with(|config| Config { documents_at_a_time: 1, ..config }).await;
    let (sender, slow) = tokio::sync::mpsc::channel(1);
    let mut client = desk.anybody();
    let first =
        tokio::spawn(async move { client.verify_document(tokio_stream::wrappers::ReceiverStream::new(slow)).await });
    let piece = |chunk: &[u8]| pb::VerifyDocumentRequest { chunk: chunk.to_vec(), ..Default::default() };
    // The channel holds one piece, so the third is taken only after the service has begun to read.
    for _ in 0..3 {
        sender.send(piece(b"h")).await.expect("taken");
    }
    let second = eseal_testkit::wait_until("the desk is busy", std::time::Duration::from_secs(120), async || {
        let answer = verify(&mut desk.anybody(), pieces(b"hello")).await;
        answer.is_err_and(|status| status.code() == Code::ResourceExhausted).then_some(())
    });
    second.await;
    drop(sender);
    assert_refused(first.await.expect("a task"), Code::InvalidArgument, "NOT_A_DOCUMENT");
    let answer = verify(&mut desk.anybody(), pieces(b"hello")).await;
    assert_refused(answer, Code::InvalidArgument, "NOT_A_DOCUMENT");
}

#[tokio::test]
async fn roots_that_are_none_are_field_violations() {
    let world = World::new();
    let desk = Desk::alone().await;
    let sealed = world.sealed_ofd();
    let with = async |trust: &[u8], maker_trust: &[u8]| {
        let mut pieces = pieces(&sealed);
        pieces[0].trust_pem = trust.to_vec();
        pieces[0].maker_trust_pem = maker_trust.to_vec();
        verify(&mut desk.anybody(), pieces).await
    };
    let root = world.holders.certificate().to_pem();
    assert_eq!(violation(with(b"hello", b"").await), "trust_pem");
    assert_eq!(violation(with(b"", b"hello").await), "maker_trust_pem");
    assert_eq!(violation(with(root.repeat(101).as_bytes(), b"").await), "trust_pem");
    assert_eq!(violation(with(&vec![b'\n'; (1 << 20) + 1], b"").await), "trust_pem");
}

#[tokio::test]
async fn roots_come_with_the_first_piece() {
    let world = World::new();
    let desk = Desk::alone().await;
    let mut pieces = pieces(&world.sealed_ofd());
    pieces[1].trust_pem = world.holders.certificate().to_pem().into_bytes();
    assert_eq!(violation(verify(&mut desk.anybody(), pieces).await), "trust_pem");
}
