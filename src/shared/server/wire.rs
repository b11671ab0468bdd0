//! What a connection may do before and between requests: its time limits, and the shapes of a request's head on which
//! two servers may disagree about where the request ends.
//!
//! hyper has one time limit for a head and counts idle time into it; and of a head with `Content-Length` *and*
//! `Transfer-Encoding` it drops the first and goes on. Both is decided here, on the bytes: [`Wire`] follows the requests
//! of a connection from head to head, and makes a head that it refuses unreadable for hyper, which then answers 400 and
//! closes. Source: <https://www.rfc-editor.org/rfc/rfc9112#section-6.3> (RFC 9112, message body length).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::limits::Limits;
use super::turns::Turns;

/// What a connection waits for; each with the number of requests before it, so that each has a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// The first byte of all.
    First,
    /// The rest of a head.
    Head(u32),
    /// The next request.
    Next(u32),
    /// Our answer. Its time is limited where it is made.
    Answer,
}

/// A connection with its time limits.
pub struct Wire<S> {
    stream: S,
    limits: Arc<Limits>,
    turns: Arc<Turns>,
    framing: Framing,
    waiting: Waiting,
    reading: Pin<Box<Sleep>>,
    /// Runs while the other side takes nothing of what we write.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Wire<S> {
    /// A connection that was just accepted.
    pub fn new(stream: S, limits: Arc<Limits>, turns: Arc<Turns>) -> Self {
        let reading = Box::pin(tokio::time::sleep(limits.first_byte));
        Self { stream, limits, turns, framing: Framing::default(), waiting: Waiting::First, reading, stalled: None }
    }

    /// What is waited for now.
    fn now_waiting(&self) -> Waiting {
        let begun = self.turns.begun();
        if begun != self.turns.answered() {
            Waiting::Answer
        } else if self.framing.is_inside() || self.framing.heads != begun {
            Waiting::Head(begun)
        } else if begun == 0 {
            Waiting::First
        } else {
            Waiting::Next(begun)
        }
    }

    /// Whether the time for what is waited for is over.
    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let waiting = self.now_waiting();
        if waiting != self.waiting {
            self.waiting = waiting;
            let within = match waiting {
                Waiting::First => self.limits.first_byte,
                Waiting::Head(_) => self.limits.headers,
                Waiting::Next(_) => self.limits.idle,
                Waiting::Answer => return Poll::Pending,
            };
            self.reading.as_mut().reset(Instant::now() + within);
        }
        if waiting == Waiting::Answer {
            return Poll::Pending;
        }
        self.reading.as_mut().poll(context).map(|()| io::Error::from(io::ErrorKind::TimedOut))
    }

    /// Cuts off who does not take what we write.
    fn watch_stall<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let within = self.limits.stalled_answer;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                this.framing.follow(&mut buffer.filled_mut()[before..]);
                Poll::Ready(read)
            }
            Poll::Pending => this.poll_late(context).map(Err),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.watch_stall(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.watch_stall(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        if flushed.is_ready() {
            // The answer is written. hyper knows that nothing can be read yet and does not ask again, so the time for the
            // next request begins here; when it is over, hyper is woken, asks, and hears of it.
            let _ = this.poll_late(context);
        }
        this.watch_stall(context, flushed)
    }

    /// Ends our side. Of a request that was refused before its body had come, the rest is taken and thrown away for a
    /// moment: closing a connection with unread bytes would destroy the answer on its way.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        if !this.framing.has_more() {
            return Poll::Ready(Ok(()));
        }
        let within = this.limits.linger;
        let lingering = this.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        if lingering.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut thrown_away = [0; 8192];
        loop {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            match ready!(Pin::new(&mut this.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// Where in the requests of a connection its bytes are.
#[derive(Default)]
struct Framing {
    at: At,
    /// How many heads have ended.
    heads: u32,
    /// Whether the current head's request line was seen.
    begun: bool,
    length: Option<u64>,
    chunked: bool,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
}

#[derive(Default)]
enum At {
    /// In a head, or before one.
    #[default]
    Head,
    /// In a body with so many bytes to come.
    Body(u64),
    /// In a chunked body. Where it ends is hyper's affair: the connection ends with its answer.
    Chunked,
    /// After a head that was refused.
    Refused,
}

impl Framing {
    /// Whether a head has begun and not ended.
    fn is_inside(&self) -> bool {
        self.begun || !self.line.is_empty()
    }

    /// Whether more of a body may come.
    fn has_more(&self) -> bool {
        matches!(self.at, At::Body(_) | At::Chunked)
    }

    /// Follows these bytes; what is refused becomes zeros, which no head may hold.
    fn follow(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while at < bytes.len() {
            match &mut self.at {
                At::Body(left) => {
                    let rest = (bytes.len() - at) as u64;
                    if *left > rest {
                        *left -= rest;
                        return;
                    }
                    // Less than the length of this slice.
                    at += usize::try_from(*left).unwrap_or(usize::MAX);
                    self.at = At::Head;
                }
                At::Chunked => return,
                At::Refused => return bytes[at..].fill(0),
                At::Head => {
                    let Some(length) = bytes[at..].iter().position(|byte| *byte == b'\n') else {
                        // hyper refuses heads of more than 64 KiB, so this does not grow without end.
                        self.line.extend_from_slice(&bytes[at..]);
                        return;
                    };
                    let end = at + length;
                    let allowed = if self.line.is_empty() {
                        self.take_line(&bytes[at..end])
                    } else {
                        let mut line = std::mem::take(&mut self.line);
                        line.extend_from_slice(&bytes[at..end]);
                        self.take_line(&line)
                    };
                    if allowed {
                        at = end + 1;
                    } else {
                        self.at = At::Refused;
                    }
                }
            }
        }
    }

    /// One line of a head, without its end. `false`: the head is refused.
    fn take_line(&mut self, line: &[u8]) -> bool {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match (line.is_empty(), self.begun) {
            // Empty lines before a request are allowed.
            (true, false) => true,
            (true, true) => {
                self.begun = false;
                self.heads = self.heads.wrapping_add(1);
                self.at = match (self.length.take(), std::mem::take(&mut self.chunked)) {
                    (_, true) => At::Chunked,
                    (Some(length), _) if length > 0 => At::Body(length),
                    _ => At::Head,
                };
                true
            }
            (false, false) => {
                self.begun = true;
                true
            }
            (false, true) => self.take_header(line),
        }
    }

    /// One header: a length is there once and is a number, an encoding is `chunked`, and never are both there.
    fn take_header(&mut self, line: &[u8]) -> bool {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return true };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let framed = self.length.is_some() || self.chunked;
        if name.eq_ignore_ascii_case(b"content-length") {
            let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            self.length = digits.and_then(|text| text.parse().ok());
            !framed && self.length.is_some()
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = value.eq_ignore_ascii_case(b"chunked");
            !framed && self.chunked
        } else {
            true
        }
    }
}

/// For the fuzzers: however bytes are cut, the same is made of them, and nothing but zeros is put in their place.
pub(crate) fn fuzz(bytes: &[u8]) {
    let shown = |size: usize| {
        let mut framing = Framing::default();
        let mut all = bytes.to_vec();
        all.chunks_mut(size.max(1)).for_each(|piece| framing.follow(piece));
        (all, framing.heads)
    };
    let (whole, heads) = shown(bytes.len());
    assert!(whole.iter().zip(bytes).all(|(shown, sent)| shown == sent || *shown == 0));
    for size in [1, 2, 7] {
        let (cut, of_cut) = shown(size);
        assert_eq!(heads, of_cut, "pieces of {size}");
        // Of a line that is refused at its end, the pieces before were shown already.
        let refused = |all: &[u8]| all != bytes;
        assert_eq!(refused(&cut), refused(&whole), "pieces of {size}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What hyper is shown of these pieces.
    fn shown(pieces: &[&str]) -> String {
        let mut framing = Framing::default();
        let mut all = Vec::new();
        for piece in pieces {
            let mut bytes = piece.as_bytes().to_vec();
            framing.follow(&mut bytes);
            all.extend(bytes);
        }
        String::from_utf8(all).unwrap().replace('\0', "0")
    }

    #[test]
    fn requests_are_followed_from_head_to_head_however_they_are_cut() {
        let all = "\r\nPOST / HTTP/1.1\r\nContent-Length: 38\r\n\r\nContent-Length: 1\r\nContent-Length: 2\r\n\
                   GET /a HTTP/1.1\nhost: x\n\nPOST /b HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n";
        for size in 1..all.len() {
            let mut framing = Framing::default();
            for piece in all.as_bytes().chunks(size) {
                let mut bytes = piece.to_vec();
                framing.follow(&mut bytes);
                assert_eq!(bytes, piece, "pieces of {size}");
            }
            assert_eq!(framing.heads, 3, "pieces of {size}");
            assert!(framing.has_more());
        }
    }

    #[test]
    fn i3_a_head_with_two_meanings_is_made_unreadable_and_what_was_before_it_is_not() {
        let head = "POST / HTTP/1.1\r\n";
        for (first, second) in [
            ("Content-Length: 5", "Content-Length: 6"),
            ("Content-Length: 5", "content-length: 5"),
            ("Content-Length: 5", "Transfer-Encoding: chunked"),
            ("Transfer-Encoding: chunked", "Content-Length: 5"),
            ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
            ("Host: x", "Transfer-Encoding: gzip, chunked"),
            ("Host: x", "Transfer-Encoding: xchunked"),
            ("Host: x", "Transfer-Encoding:"),
            ("Host: x", "Content-Length: +5"),
            ("Host: x", "Content-Length: 5, 5"),
            ("Host: x", "Content-Length: -1"),
            ("Host: x", "Content-Length: 99999999999999999999"),
            ("Host: x", "Content-Length:"),
        ] {
            let good = format!("GET / HTTP/1.1\r\n\r\n{head}{first}\r\n");
            let bad = format!("{second}\r\n\r\n");
            let zeros = "0".repeat(bad.len());
            assert_eq!(shown(&[&format!("{good}{bad}")]), format!("{good}{zeros}"), "{first} {second}");
            assert_eq!(shown(&[&good, &bad]), format!("{good}{zeros}"), "{first} {second}");
            let (begin, end) = bad.split_at(4);
            assert_eq!(shown(&[&good, begin, end]), format!("{good}{begin}{}", &zeros[4..]), "{first} {second}");
        }
    }
}
