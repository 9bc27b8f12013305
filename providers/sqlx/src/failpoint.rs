//! Named points inside a commit, for tests that stop or kill the process there.

/// Where a commit can be interrupted, in the order in which a commit passes them.
#[cfg(feature = "failpoints")]
pub const FAILPOINTS: [&str; 7] =
    [BEGUN, CHECKED, HALF_WRITTEN, WRITTEN, RECORDED, BEFORE_COMMIT, COMMITTED];

/// The transaction is open.
pub(crate) const BEGUN: &str = "commit::begun";
/// The revision is the expected one, and the change fits the rows.
pub(crate) const CHECKED: &str = "commit::checked";
/// The first of the rows that change is written; of an activation, the second is not.
pub(crate) const HALF_WRITTEN: &str = "commit::half-written";
/// All rows and the revision are written.
pub(crate) const WRITTEN: &str = "commit::written";
/// The audit event is written.
pub(crate) const RECORDED: &str = "commit::recorded";
/// The next thing is `COMMIT`.
pub(crate) const BEFORE_COMMIT: &str = "commit::before-commit";
/// The database has answered the `COMMIT`, and nobody has been told.
pub(crate) const COMMITTED: &str = "commit::committed";

/// Where a commit that is done can fail all the same, as if the connection had broken before the
/// database's answer: set to `return`.
#[cfg(feature = "failpoints")]
pub const LOST_ANSWER: &str = "commit::lost-answer";

#[cfg(feature = "failpoints")]
pub(crate) fn answer_is_lost() -> bool {
    fail::fail_point!(LOST_ANSWER, |_| true);
    false
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn answer_is_lost() -> bool {
    false
}

#[cfg(feature = "failpoints")]
pub(crate) fn reached(point: &str) {
    fail::fail_point!(point);
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn reached(_point: &str) {}
