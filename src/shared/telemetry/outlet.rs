//! Writes lines from a thread of its own. Whoever has something to say hands it over and goes on: what finds no room in the
//! bounded queue, or cannot be written, is lost and counted. So a log whose reader is slow, or gone, stops nothing.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How much may wait, in bytes. As much again may be on its way into the stream.
const MAX_WAITING_BYTES: usize = 1024 * 1024;

/// The pause before a stream that somebody made non-blocking is tried again.
const PAUSE: Duration = Duration::from_millis(10);

/// A stream, and the thread that writes into it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outlet(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    queue: Mutex<Queue>,
    /// Lines came, or all of them were written.
    changed: Condvar,
    /// Lines that were not written.
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    /// Whole lines, each with its end.
    waiting: Vec<u8>,
    /// Whether the thread holds lines that are not written yet.
    is_writing: bool,
    /// Why lines could not be written, most recently.
    error: Option<io::ErrorKind>,
}

impl Outlet {
    /// Starts a thread that writes into this stream. After lines were lost, `tell` is called with their number as soon as
    /// the stream takes lines again.
    pub fn start(stream: impl Write + Send + 'static, tell: impl Fn(u64) + Send + 'static) -> Self {
        let inner = Arc::new(Inner::default());
        let of_thread = Arc::clone(&inner);
        let thread = std::thread::Builder::new().name("lines".to_owned());
        // Without a thread the queue fills up, and everything after that is lost and counted.
        drop(thread.spawn(move || of_thread.write_for_ever(stream, &tell)));
        Self(inner)
    }

    /// Hands over lines that end with a line break. Never waits.
    pub fn push(&self, lines: &[u8]) {
        let mut queue = self.0.lock();
        if queue.waiting.len() + lines.len() > MAX_WAITING_BYTES {
            drop(queue);
            self.0.lost.fetch_add(count(lines), Ordering::Relaxed);
            return;
        }
        queue.waiting.extend_from_slice(lines);
        drop(queue);
        self.0.changed.notify_all();
    }

    /// Waits until everything was written, at most this long. Gives back whether it was.
    pub fn finish(&self, within: Duration) -> bool {
        let ends = Instant::now() + within;
        let mut queue = self.0.lock();
        while !queue.waiting.is_empty() || queue.is_writing {
            let left = ends.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            queue = self.0.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Why lines could not be written, most recently; `None`: none was refused.
    #[must_use]
    pub fn error(&self) -> Option<io::ErrorKind> {
        self.0.lock().error
    }

    /// How many lines were not written so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }
}

impl Write for Outlet {
    /// Takes one whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_for_ever(&self, mut stream: impl Write, tell: &impl Fn(u64)) {
        let mut told = 0;
        loop {
            let mut queue = self.lock();
            queue.is_writing = false;
            self.changed.notify_all();
            while queue.waiting.is_empty() {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            let lines = std::mem::take(&mut queue.waiting);
            queue.is_writing = true;
            drop(queue);
            if let Err((written, error)) = write(&mut stream, &lines) {
                self.lost.fetch_add(count(&lines[written..]), Ordering::Relaxed);
                self.lock().error = Some(error);
                continue;
            }
            let lost = self.lost.load(Ordering::Relaxed);
            if lost > told {
                tell(lost - told);
                told = lost;
            }
        }
    }
}

/// Writes everything. The error comes with the number of bytes that were written before it.
fn write(stream: &mut impl Write, bytes: &[u8]) -> Result<(), (usize, io::ErrorKind)> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(0) => return Err((written, io::ErrorKind::WriteZero)),
            Ok(count) => written += count,
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
                kind => return Err((written, kind)),
            },
        }
    }
    Ok(())
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    /// A stream whose reader takes what it is given when it is told to, or has gone.
    struct Slow {
        written: Sender<Vec<u8>>,
        may_write: Receiver<io::Result<()>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.may_write.recv().expect("the test goes on")?;
            self.written.send(bytes.to_vec()).expect("the test goes on");
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An outlet, what lets its reader take something, what the reader took, and how many lines were told to be lost.
    type Slowed = (Outlet, Sender<io::Result<()>>, Receiver<Vec<u8>>, Receiver<u64>);

    fn slow() -> Slowed {
        let ((written, seen), (allow, may_write)) = (channel(), channel());
        let (told, tells) = channel();
        let outlet = Outlet::start(Slow { written, may_write }, move |lost| {
            let _ = told.send(lost);
        });
        (outlet, allow, seen, tells)
    }

    #[test]
    fn who_has_something_to_say_never_waits_and_what_is_lost_is_counted() {
        let (outlet, allow, seen, tells) = slow();
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        // Nothing is taken, so at most twice the queue is kept: once on its way, once waiting.
        for _ in 0..4096 {
            outlet.push(&line);
        }
        let lost = outlet.lost();
        assert!((2048..=3072).contains(&lost), "{lost}");
        assert!(!outlet.finish(Duration::ZERO));
        // The reader wakes up: what was kept comes whole, and the loss is told once.
        for _ in 0..8 {
            allow.send(Ok(())).expect("it listens");
        }
        assert!(outlet.finish(LONG));
        assert_eq!(tells.recv_timeout(LONG), Ok(lost));
        outlet.push(b"again\n");
        assert!(outlet.finish(LONG));
        let kept: Vec<u8> = seen.try_iter().flatten().collect();
        assert_eq!(count(&kept), 4096 - lost + 1);
        assert!(kept.ends_with(b"x\nagain\n"));
        assert_eq!(outlet.lost(), lost);
        assert!(tells.try_recv().is_err());
    }

    #[test]
    fn a_stream_that_refuses_is_tried_again_with_the_next_line() {
        let (outlet, allow, seen, tells) = slow();
        for error in [io::ErrorKind::BrokenPipe, io::ErrorKind::StorageFull] {
            allow.send(Err(error.into())).expect("it listens");
            outlet.push(b"one\ntwo\n");
            assert!(outlet.finish(LONG));
            assert_eq!(outlet.error(), Some(error));
        }
        assert_eq!(outlet.lost(), 4);
        for _ in 0..2 {
            allow.send(Err(io::ErrorKind::WouldBlock.into())).expect("it listens");
        }
        allow.send(Ok(())).expect("it listens");
        outlet.push(b"three\n");
        assert!(outlet.finish(LONG));
        assert_eq!(seen.try_recv().expect("a line"), b"three\n");
        assert_eq!(tells.recv_timeout(LONG), Ok(4));
        assert_eq!(outlet.lost(), 4);
    }
}
