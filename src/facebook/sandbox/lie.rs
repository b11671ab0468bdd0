//! What is wrong with the `paging` of a list. Data alone: the state of the platform holds it.

/// What has been seen of `paging` that the documents do not promise. Real lists do each of these now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// `next`, and no `cursors`.
    NoCursors,
    /// `next` with an `offset`, and no `cursors`.
    Offset,
    /// `cursors.after` is where this part began; only the link leads on.
    StaleCursor,
    /// Before each part comes an empty one.
    EmptyParts,
    /// There is more, and nothing says where.
    NoWay,
    /// There is more, and it leads to where this part began.
    Circle,
    /// There is more, and nothing says so: the list ends after its first part.
    Ends,
}
