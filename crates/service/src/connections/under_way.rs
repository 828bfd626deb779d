//! What is seen of a connection from outside: whether its client has said anything, and what is under way on it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

use super::table::Busy;

/// The bytes with which every HTTP/2 client begins (RFC 9113 §3.4): the preface and an empty SETTINGS frame.
const BEGINNING: usize = 24 + 9;

/// A stream that counts what was read.
pub(super) struct Heard<T> {
    stream: T,
    bytes: Arc<AtomicUsize>,
}

/// How much was read of a stream.
pub(super) struct Ear(Arc<AtomicUsize>);

impl<T> Heard<T> {
    pub(super) fn of(stream: T) -> (Self, Ear) {
        let bytes = Arc::new(AtomicUsize::new(0));
        (Self { stream, bytes: bytes.clone() }, Ear(bytes))
    }
}

impl Ear {
    /// When less than the beginning of a conversation has come by that moment; never if it has.
    pub(super) async fn nothing_until(&self, moment: Instant) {
        tokio::time::sleep_until(moment).await;
        if self.0.load(Ordering::Relaxed) >= BEGINNING {
            std::future::pending().await
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Heard<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let more = buffer.filled().len() - before;
        let bytes = self.bytes.load(Ordering::Relaxed).saturating_add(more);
        self.bytes.store(bytes, Ordering::Relaxed);
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Heard<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// The body of an answer: its request is under way until all of it was sent or nobody wants it any more.
pub(super) struct Counted {
    body: Body,
    _busy: Busy,
}

impl Counted {
    pub(super) fn of(body: Body, busy: Busy) -> Self {
        Self { body, _busy: busy }
    }
}

impl http_body::Body for Counted {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
