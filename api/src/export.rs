//! The export as a download: written while it is sent, so that no file and no whole copy is held here.
//!
//! When something goes wrong half way the answer breaks off, and a Parquet file without its end is none; a reader that
//! stops reading ends the writing.

use crate::problem::Problem;
use crate::routes::{Answered, Asked, Plain, asked};
use crate::state::ApiState;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use driftline_sinks::parquet::{FeatureTable, write_to};
use hyper::body::Frame;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Bytes sent at once.
const PIECE_BYTES: usize = 64 << 10;
/// Pieces that may wait for the reader.
const PIECES: usize = 4;

type Piece = io::Result<Bytes>;

/// `/v1/export`: every change with a vector, as `driftline export` writes it.
pub(crate) async fn parquet(State(state): State<ApiState>, query: Asked<Plain>) -> Answered {
    crate::read::wait_for(&state, asked(query)?.at_least).await?;
    let Ok(permit) = state.exports.clone().try_acquire_owned() else {
        return Err(Problem::overloaded("other exports are being read; ask again when they are done"));
    };
    let (sender, pieces) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let table = FeatureTable { version: state.features_version, features: state.features };
        let mut out = Pieces { sender, buffer: Vec::with_capacity(PIECE_BYTES) };
        let written = write_to(&state.view, table, &mut out).map_err(io::Error::other).and_then(|_| out.flush());
        match written {
            Ok(()) => {}
            // Nobody reads any more, as after `HEAD`.
            Err(_) if out.sender.is_closed() => {}
            Err(error) => {
                tracing::warn!(%error, "an export could not be written");
                let _ = out.sender.blocking_send(Err(error));
            }
        }
    });
    let mut response = Response::new(Body::new(Download(pieces)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.apache.parquet"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"driftline.parquet\""));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Hands over what is written, piece by piece, waiting for the reader.
struct Pieces {
    sender: mpsc::Sender<Piece>,
    buffer: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() >= PIECE_BYTES {
            let rest = self.buffer.split_off(PIECE_BYTES);
            self.send(rest)?;
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() { Ok(()) } else { self.send(Vec::new()) }
    }
}

impl Pieces {
    fn send(&mut self, rest: Vec<u8>) -> io::Result<()> {
        let piece = Bytes::from(std::mem::replace(&mut self.buffer, rest));
        self.sender.blocking_send(Ok(piece)).map_err(|_| io::Error::other("the reader is gone"))
    }
}

/// The reading end, as the body of an answer.
struct Download(mpsc::Receiver<Piece>);

impl HttpBody for Download {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
