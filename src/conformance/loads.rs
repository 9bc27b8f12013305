//! Checks of loading, by readers who have seen something before.

use super::Fixture;
use super::model::{active, closing, first, staged, tag};
use super::subject::{Checked, Subject, answer, full_ring};
use crate::revision::Revision;
use crate::store::{Change, Loaded};

/// Checks that one who has seen an earlier revision gets the store's content, after each change of
/// a ring's life; and that one who has seen the latest is told that nothing has changed.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn load_after_each_commit<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "load_after_each_commit").await?;
    for change in full_ring() {
        subject.applies(change).await?;
        knows_all_it_wrote(&subject).await?;
    }
    subject.applies(closing("k1", 80)).await?;
    knows_all_it_wrote(&subject).await
}

pub(super) async fn knows_all_it_wrote<F: Fixture>(subject: &Subject<'_, F>) -> Checked {
    let head = subject.model.revision;
    let other = subject.fixture.reopen(&subject.store).await;
    for event in subject.events.iter().filter(|event| event.revision != head) {
        for store in [&subject.store, &other] {
            let seen = event.revision;
            match subject.loaded(store, seen, "after a commit").await? {
                Loaded::Ring(found) => {
                    subject
                        .is_as_in_the_model(&found, "to one who has seen an earlier revision")?;
                }
                other => {
                    let other = answer(&other);
                    return Err(subject.fail(format_args!(
                        "the store is at {head}, and one who has seen {seen}, which it was at, is \
                         answered with {other}"
                    )));
                }
            }
        }
    }
    Ok(())
}

/// Checks that one who has seen a revision that the store never had is told so, and of both
/// revisions. The number may be one that the store had, with another tag; the tag may be one that
/// it had, with another number; and either may be as great as can be.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn load_of_a_stranger<F: Fixture>(fixture: &F) -> Checked {
    let subject = Subject::empty(fixture, "load_of_a_stranger").await?;
    for seen in [Revision::new(1, tag()), Revision::new(0, tag()), Revision::new(u64::MAX, 0)] {
        is_strange(&subject, seen).await?;
    }

    let subject = Subject::full(fixture, "load_of_a_stranger").await?;
    for known in subject.events.iter().map(|event| event.revision) {
        let Revision { number, tag } = known;
        is_strange(&subject, Revision::new(number, tag.wrapping_add(1))).await?;
        // The lower and the upper half of the tag, each alone.
        is_strange(&subject, Revision::new(number, tag ^ 1 << 63)).await?;
        is_strange(&subject, Revision::new(number, tag & 0xffff_ffff)).await?;
        is_strange(&subject, Revision::new(number.wrapping_add(1), tag)).await?;
    }
    let Revision { number, tag } = subject.model.revision;
    for (number, tag) in [
        (0, 1),
        (0, tag),
        (number, 0),
        (number, u64::MAX),
        (number.wrapping_add(1), 0),
        (Revision::MAX_NUMBER, tag),
        (Revision::MAX_NUMBER.wrapping_add(1), tag),
        (u64::MAX, tag),
        (u64::MAX, u64::MAX),
        // As a number with a sign, or with half the bits.
        (number.wrapping_neg(), tag),
        (number.wrapping_add(1 << 32), tag),
    ] {
        is_strange(&subject, Revision::new(number, tag)).await?;
    }
    subject.holds("after strangers").await
}

pub(super) async fn is_strange<F: Fixture>(subject: &Subject<'_, F>, seen: Revision) -> Checked {
    let head = subject.model.revision;
    let other = subject.fixture.reopen(&subject.store).await;
    for store in [&subject.store, &other] {
        match subject.loaded(store, seen, "to one who has seen what the store never had").await? {
            Loaded::NotInHistory { seen: said, found } if (said, found) == (seen, head) => {}
            other => {
                let other = answer(&other);
                return Err(subject.fail(format_args!(
                    "the store is at {head} and never was at {seen}, and one who has seen that is \
                     answered with {other}"
                )));
            }
        }
    }
    Ok(())
}

/// Checks that the tags of revisions are kept whole, from 0 to 2⁶⁴ − 1, and that one tag may come
/// twice.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn tags<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "tags").await?;
    let tags = [0, u64::MAX, 1 << 63, (1 << 63) - 1, 1, 1 << 53 | 1, u64::MAX - 1, 0, 0xffff_ffff];
    for (tag, number) in tags.into_iter().zip(0_u8..) {
        let change = if number == 0 {
            first(active("k", number, 10))
        } else {
            let mut record = staged("k", number, 10);
            record.info.id = crate::id::KeyId::from(number);
            Change::Add(record)
        };
        let mut proposal = subject.proposal(change);
        proposal.next.tag = tag;
        subject.commits(&proposal).await?;
        knows_all_it_wrote(&subject).await?;
        let others = [tag.wrapping_add(1), tag ^ 1 << 63, tag ^ 1 << 31];
        for other in others {
            is_strange(&subject, Revision::new(subject.model.revision.number, other)).await?;
        }
    }
    Ok(())
}
