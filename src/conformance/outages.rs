//! Checks with stores that fail.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::model::{
    active, closing, destruction, first, proposal, real, retirement, revocation, rewrapping,
    rotation, staged, tag,
};
use super::subject::{Checked, Subject, full_ring};
use super::{Fixture, Nonconformance, chain};
use crate::revision::Revision;
use crate::store::{Change, Commit, CommitError, KeyProvider};

/// Checks that a store that is out of reach says so: loading is an error, and not an empty ring or
/// a part of one. A commit is neither a conflict nor done, nor refused for good: it is not written,
/// or it is not known.
///
/// `out_of_reach` is a provider of the fixture's kind whose store cannot be reached: a server that
/// is down, a file in a folder that is gone.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn outage<F: Fixture>(fixture: &F, out_of_reach: &F::Provider) -> Checked {
    let fail = |found: String| Nonconformance::new("outage", found);
    let seen = Revision::new(1, tag());
    for seen in [Revision::EMPTY, seen] {
        if let Ok(loaded) = out_of_reach.load(seen).await {
            let loaded = super::subject::answer(&loaded);
            return Err(fail(format!("a store that is out of reach answers a load with {loaded}")));
        }
    }
    for (revision, change) in [
        (Revision::EMPTY, first(active("k1", 1, 10))),
        (seen, Change::Add(staged("k2", 2, 10))),
        (seen, rotation("k1", "k2", 10, false)),
        (seen, retirement("k2", 10)),
        (seen, revocation("k2", 10)),
        (seen, rewrapping("k2", 102)),
        (seen, destruction("k2", 10)),
        (seen, closing("k1", 10)),
    ] {
        let proposal = real(fixture, &proposal(revision, change));
        let found = match out_of_reach.commit(&proposal).await {
            Ok(answer) => format!("answers {answer:?}"),
            Err(CommitError::Mismatch(mismatch)) => format!("has looked at the rows ({mismatch})"),
            Err(CommitError::Refused(error)) => format!("refuses for good ({})", chain(&error)),
            Err(CommitError::NotWritten(_) | CommitError::Unknown(_)) => continue,
        };
        let change = &proposal.change;
        return Err(fail(format!("a store that is out of reach {found}: {change:?}")));
    }
    Ok(())
}

/// Checks that the errors of a commit say what is so. After one that says that nothing was written,
/// nothing was; after one that says that it is not known, the same proposal, sent again, is written
/// once.
///
/// `failing` makes a second handle to a store of the fixture's kind, over which commits fail now and
/// then, or always: the connection is cut, the disk is full, the user may not write. The first
/// handle works.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn honest_errors<F: Fixture, Failing>(
    fixture: &F,
    failing: impl Fn(&F::Provider) -> Failing + Send + Sync,
) -> Checked
where
    Failing: Future<Output = F::Provider> + Send,
{
    let mut subject = Subject::empty(fixture, "honest_errors").await?;
    let failing = failing(&subject.store).await;
    let mut changes: Vec<Change<u8>> = full_ring();
    changes.extend([rewrapping("k1", 101), rotation("k1", "k3", 80, false), closing("k3", 90)]);
    for change in changes {
        let proposal = subject.proposal(change);
        let change = &proposal.change;
        let said = match subject.send(&failing, &proposal).await {
            Ok(Commit::Committed) => {
                subject.was_written(&proposal)?;
                subject.holds(format!("after {change:?}, which is said to be committed")).await?;
                continue;
            }
            Ok(Commit::Conflict) => {
                return Err(subject.fail(format_args!(
                    "a handle that fails answers {change:?}, which nobody disputes, with a conflict"
                )));
            }
            Err(CommitError::Mismatch(mismatch)) => {
                return Err(subject.fail(format_args!(
                    "a handle that fails answers {change:?}, which fits, with a mismatch: \
                     {mismatch}"
                )));
            }
            Err(CommitError::Unknown(_)) => None,
            Err(CommitError::Refused(error)) => Some(("refused", chain(&error))),
            Err(CommitError::NotWritten(error)) => Some(("not written", chain(&error))),
        };
        if let Some((said, error)) = said {
            let when = format!("after {change:?}, which is said to be {said} ({error})");
            subject.holds(when).await?;
        }
        // It is found or written by the handle that works.
        subject.commits(&proposal).await?;
    }
    Ok(())
}
