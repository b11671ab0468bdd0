//! A body that is made piece by piece, as fast as it is taken.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use http_body::Frame;

use crate::shared::channel::job::BoxFuture;

/// A step: the next piece and what the one after it is made from; `None`: that was all.
pub(in crate::web) type Step<S> = BoxFuture<'static, Option<(Bytes, S)>>;

struct Pieces<S> {
    step: fn(S) -> Step<S>,
    under_way: Option<Step<S>>,
}

/// A body whose pieces are made by `step`, beginning with `state`.
pub(in crate::web) fn body<S: Send + 'static>(state: S, step: fn(S) -> Step<S>) -> Body {
    Body::new(Pieces { step, under_way: Some(step(state)) })
}

impl<S: Send + 'static> http_body::Body for Pieces<S> {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let Some(under_way) = &mut this.under_way else { return Poll::Ready(None) };
        let piece = ready!(under_way.as_mut().poll(context));
        this.under_way = None;
        Poll::Ready(piece.map(|(bytes, state)| {
            this.under_way = Some((this.step)(state));
            Ok(Frame::data(bytes))
        }))
    }
}
