//! What a commit means, on the in-memory store: whole changes, or nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::convert::Infallible;
use std::sync::Arc;

use KeyStatus::{Active, Inactive, Retired, Revoked};
use key_rotation::error::{ChangeMismatch, TakenBy, Violation};
use key_rotation::key::{
    Closing, Dating, Destruction, Restoration, Retirement, Revocation, Rotation,
};
use key_rotation::store::{Change, Commit, CommitError, Loaded, Revision, RingName, Snapshot};
use key_rotation::{
    InMemoryKeyProvider, Key, KeyId, KeyInfo, KeyProvider, KeyRecord, KeyRef, KeyStatus, Keyring,
    Times, Timestamp,
};
use pollster::block_on;
use support::{loaded, proposal};

#[path = "support/store.rs"]
mod support;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &'static str) -> KeyId {
    KeyId::from_static(id)
}

/// A key that has never encrypted, unless it must have.
fn record(name: &'static str, status: KeyStatus) -> KeyRecord<&'static str> {
    let record = KeyRecord::new(id(name), status, at(10), name);
    if status == Inactive { record.staged() } else { record }
}

/// An inactive key that was active at 20 and until 30.
fn demoted(name: &'static str) -> KeyRecord<&'static str> {
    KeyRecord::new(id(name), Inactive, at(10), name).with_times(Times {
        created_at: Some(at(10)),
        activated_at: Some(at(20)),
        deactivated_at: Some(at(30)),
        ..Times::default()
    })
}

/// a is active, i and j are inactive, r is retired, d is destroyed.
fn filled() -> Snapshot<&'static str> {
    Snapshot {
        revision: SEVENTH,
        records: vec![
            record("a", Active),
            record("i", Inactive),
            demoted("j"),
            record("r", Retired),
        ],
        destroyed: vec![Destruction::new(id("d"), at(5))],
        ids: 5,
        ..empty()
    }
}

const SEVENTH: Revision = Revision::new(7, 7);

fn empty<M>() -> Snapshot<M> {
    Snapshot::empty(RingName::from_static("payments"))
}

/// The answer of the rows to this change, at the revision that they have.
fn apply<M>(rows: &mut Snapshot<M>, change: Change<M>) -> Result<Commit, ChangeMismatch> {
    rows.apply(&proposal(rows.revision, change))
}

fn create(record: KeyRecord<&'static str>) -> Change<&'static str> {
    Change::Create { records: vec![record], destroyed: vec![] }
}

fn retire<M>(name: &'static str, millis: u64) -> Change<M> {
    Change::Retire { retirement: Retirement::new(id(name), at(millis)), material: None }
}

fn destroy<M>(name: &'static str, millis: u64) -> Change<M> {
    Change::Destroy(Destruction::new(id(name), at(millis)))
}

fn revoke<M>(name: &'static str, millis: u64) -> Change<M> {
    Change::Revoke { revocation: Revocation::new(id(name), at(millis)), material: None }
}

fn restore<M>(name: &'static str, millis: u64) -> Change<M> {
    Change::Restore(Restoration::new(id(name), at(millis)))
}

fn close<M>(active: &'static str, millis: u64) -> Change<M> {
    Change::Close(Closing::new(id(active), at(millis)))
}

/// Everything that can be seen of a snapshot.
fn rows(snapshot: &Snapshot<&'static str>) -> Vec<String> {
    let rows = snapshot
        .records
        .iter()
        .map(|row| format!("{:?} {} {}", row.info, row.material, row.material_in));
    let tombstones = snapshot.destroyed.iter().map(|row| format!("{row:?}"));
    rows.chain(tombstones).chain([snapshot.revision.to_string()]).collect()
}

fn rotation(
    from: &'static str,
    to: &'static str,
    millis: u64,
    reactivated: bool,
) -> Change<&'static str> {
    Change::Activate(Rotation::new(id(from), id(to), at(millis), reactivated))
}

#[test]
fn each_change_is_written_whole_and_moves_the_revision() {
    let mut store = empty();
    let changes = [
        create(record("a", Active)),
        Change::Add(record("b", Inactive)),
        rotation("a", "b", 40, false),
        rotation("b", "a", 50, true),
        rotation("a", "b", 60, true),
        retire("a", 70),
        revoke("a", 75),
        restore("a", 76),
        revoke("a", 77),
        destroy("a", 80),
    ];
    for (seen, change) in (0..).zip(&changes) {
        let sent = proposal(store.revision, change.clone());
        assert_eq!(store.apply(&sent), Ok(Commit::Committed), "{change:?}");
        assert_eq!((store.revision, store.revision.number), (sent.next, seen + 1), "{change:?}");
        assert_eq!(store.clone().into_keyring().map(drop), Ok(()), "{change:?}");
        // Sent again, it is written already, and nothing changes.
        let before = rows(&store);
        assert_eq!(store.apply(&sent), Ok(Commit::Committed), "{change:?}");
        assert_eq!(rows(&store), before);
    }
    assert_eq!(store.destroyed, [Destruction::new(id("a"), at(80))]);
    let [b] = store.records.as_slice() else { panic!("{:?}", store.records) };
    assert_eq!((b.info.added_in, b.material_in), (2, 2), "what the store says of a new row");
    assert_eq!(b.info.deactivated_in, 0, "forgotten when the key was activated again");
    let ring = store.into_keyring().unwrap();
    assert_eq!(
        (ring.active().id().as_str(), ring.active().times().activated_at),
        ("b", Some(at(60)))
    );
}

#[test]
fn the_store_says_in_which_revision_a_key_lost_its_place() {
    let mut store = filled();
    let _ = apply(&mut store, rotation("a", "i", 40, false)).unwrap();
    let numbers = |name: &str| {
        let row = store.records.iter().find(|row| row.info.id == *name).unwrap();
        (row.info.deactivated_in, row.info.added_in, row.material_in)
    };
    assert_eq!((numbers("a"), numbers("i")), ((8, 0, 0), (0, 0, 0)));
}

#[test]
fn a_change_under_another_revision_is_a_conflict_and_changes_nothing() {
    for seen in [(0, 0), (6, 7), (8, 7), (7, 6), (Revision::MAX_NUMBER - 1, 7)] {
        let mut store = filled();
        let seen = Revision::new(seen.0, seen.1);
        let answer = store.apply(&proposal(seen, rotation("a", "i", 40, false))).unwrap();
        assert_eq!(answer, Commit::Conflict);
        assert_eq!(rows(&store), rows(&filled()));
    }
}

#[test]
fn a_change_that_does_not_fit_the_rows_is_an_error_and_changes_nothing() {
    let wrong = |name, needed, found| ChangeMismatch::WrongStatus { id: id(name), needed, found };
    let missing = |name| ChangeMismatch::KeyNotFound { id: id(name) };
    let taken = |name, taken_by| ChangeMismatch::KeyIdTaken { id: id(name), taken_by };
    let early = |name, millis, carried| ChangeMismatch::Backdated {
        id: id(name),
        at: at(millis),
        carried: at(carried),
    };
    let cases = [
        (create(record("x", Active)), ChangeMismatch::NotEmpty { ring: empty::<()>().ring }),
        (Change::Add(record("a", Inactive)), taken("a", TakenBy::Key(Active))),
        (Change::Add(record("r", Inactive)), taken("r", TakenBy::Key(Retired))),
        (Change::Add(record("d", Inactive)), taken("d", TakenBy::Tombstone { at: at(5) })),
        (Change::Add(record("x", Active)), wrong("x", &[Inactive], Active)),
        (Change::Add(record("x", Retired)), wrong("x", &[Inactive], Retired)),
        (rotation("x", "i", 40, false), missing("x")),
        (rotation("a", "x", 40, false), missing("x")),
        (rotation("i", "j", 40, true), wrong("i", &[Active], Inactive)),
        (rotation("a", "r", 40, false), wrong("r", &[Inactive], Retired)),
        (rotation("a", "a", 40, true), wrong("a", &[Inactive], Active)),
        (rotation("a", "i", 40, true), ChangeMismatch::Reactivation { id: id("i") }),
        (rotation("a", "j", 40, false), ChangeMismatch::Reactivation { id: id("j") }),
        (rotation("a", "i", 9, false), early("a", 9, 10)),
        (rotation("a", "j", 29, true), early("j", 29, 30)),
        (retire("a", 40), wrong("a", &[Inactive], Active)),
        (retire("r", 40), wrong("r", &[Inactive], Retired)),
        (retire("d", 40), missing("d")),
        (retire("j", 29), early("j", 29, 30)),
        (revoke("a", 40), wrong("a", &[Inactive, Retired], Active)),
        (revoke("d", 40), missing("d")),
        (revoke("r", 9), early("r", 9, 10)),
        (restore("r", 40), wrong("r", &[Revoked], Retired)),
        (restore("x", 40), missing("x")),
        (Change::Rewrap { id: id("d"), material: Arc::new("anew") }, missing("d")),
        (Change::Date(Dating::new(id("d"), at(40))), missing("d")),
        (close("i", 40), wrong("i", &[Active], Inactive)),
        (close("a", 29), early("j", 29, 30)),
        (destroy("i", 40), wrong("i", &[Retired, Revoked], Inactive)),
        (destroy("d", 40), missing("d")),
        (destroy("r", 9), early("r", 9, 10)),
    ];
    for (change, expected) in cases {
        let mut store = filled();
        assert_eq!(apply(&mut store, change.clone()), Err(expected), "{change:?}");
        assert_eq!(rows(&store), rows(&filled()), "{change:?}");
    }
    let mut nothing = empty();
    let refused = apply(&mut nothing, create(record("x", Inactive)));
    let Err(ChangeMismatch::InvalidKeyring(invalid)) = refused else { panic!("{refused:?}") };
    assert_eq!(invalid.violations(), [Violation::NoActiveKey]);
    assert!(nothing.is_empty());
    let mut tombstones = Snapshot { records: vec![], ..filled() };
    let refused = apply(&mut tombstones, create(record("x", Active)));
    assert!(matches!(refused, Err(ChangeMismatch::NotEmpty { .. })));
}

#[test]
fn a_provider_is_one_behind_a_reference_a_box_and_an_arc() {
    async fn first_key<P: KeyProvider<Material = &'static str, Error = Infallible>>(
        store: P,
    ) -> Result<Commit, CommitError<P::Error>> {
        let sent = proposal(Revision::EMPTY, create(record("a", Active)));
        let answer = store.commit(&sent).await?;
        let Ok(Loaded::Ring(found)) = store.load(Revision::EMPTY).await else { panic!() };
        assert_eq!(found.records.len(), 1);
        assert!(matches!(store.load(sent.next).await, Ok(Loaded::Unchanged { .. })));
        Ok(answer)
    }
    let committed = Ok(Commit::Committed);
    assert_eq!(block_on(first_key(InMemoryKeyProvider::new())), committed);
    assert_eq!(block_on(first_key(&InMemoryKeyProvider::new())), committed);
    assert_eq!(block_on(first_key(Box::new(InMemoryKeyProvider::new()))), committed);
    assert_eq!(block_on(first_key(Arc::new(InMemoryKeyProvider::new()))), committed);
}

#[test]
fn the_in_memory_store_gives_back_what_it_was_given() {
    let records = [record("a", Active), demoted("i")];
    let snapshot = loaded(&InMemoryKeyProvider::from_records(records));
    assert_eq!((snapshot.revision.number, snapshot.ids), (1, 2));
    let kept: Vec<_> = snapshot
        .records
        .iter()
        .map(|row| (row.info.id.as_str(), row.info.times.activated_at, *row.material))
        .collect();
    assert_eq!(kept, [("a", Some(at(10)), "a"), ("i", Some(at(20)), "i")]);
}

#[test]
fn a_panicking_drop_leaves_a_whole_snapshot_behind() {
    struct Bomb(bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.0 || std::thread::panicking(), "the material breaks when it is dropped");
        }
    }
    let row = |name, status, armed| KeyRecord::new(id(name), status, at(10), Bomb(armed));
    let mut store = Snapshot {
        revision: SEVENTH,
        records: vec![row("a", Active, false), row("r", Retired, true)],
        ids: 2,
        ..empty()
    };
    let applied = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        apply(&mut store, destroy("r", 20))
    }));
    assert!(applied.is_err());
    assert_eq!((store.records.len(), store.destroyed.len()), (1, 1));
    assert_eq!(store.revision.number, 8);
}

#[test]
fn a_record_that_no_ring_would_load_is_not_stored() {
    let mut store = empty();
    let times = Times { created_at: Some(at(11)), activated_at: Some(at(10)), ..Times::default() };
    let first = create(record("a", Active).with_times(times));
    assert!(matches!(apply(&mut store, first), Err(ChangeMismatch::InvalidKeyring(_))));
    for add in [record("x", Inactive).with_times(times), demoted("x").staged()] {
        assert!(matches!(
            apply(&mut filled(), Change::Add(add)),
            Err(ChangeMismatch::InconsistentTimes { .. })
        ));
    }
    assert!(store.is_empty());
}

/// The keys of a ring as one that comes from no store has them: without the numbers of revisions.
fn without_revisions(ring: &Keyring<&'static str>) -> Vec<KeyInfo> {
    let state = ring.state();
    let keys = state.keys().cloned();
    keys.map(|key| KeyInfo { added_in: 0, deactivated_in: 0, ..key }).collect()
}

#[test]
fn a_store_and_a_ring_make_the_same_of_every_change() {
    use key_rotation::{Inactive as InactiveKey, Retired as RetiredKey, Revoked as RevokedKey};
    let mut store = empty();
    let _ = apply(&mut store, create(record("a", Active))).unwrap();
    let mut ring = store.clone().into_keyring().unwrap();
    let mut both = |change: Change<&'static str>, on_ring: &dyn Fn(&mut Keyring<&'static str>)| {
        assert_eq!(apply(&mut store, change.clone()), Ok(Commit::Committed), "{change:?}");
        on_ring(&mut ring);
        let stored = store.clone().into_keyring().unwrap();
        assert_eq!(without_revisions(&stored), without_revisions(&ring), "{change:?}");
        assert_eq!(stored.state().destroyed(), ring.state().destroyed(), "{change:?}");
    };
    for name in ["b", "c"] {
        let key = || Key::new(id(name), name, at(10));
        let mut added = KeyRef::from(&key()).to_record();
        added.info.times.added_at = Some(at(15));
        both(Change::Add(added), &|ring| drop(ring.add(key(), at(15)).unwrap()));
    }
    both(rotation("a", "b", 40, false), &|ring| drop(ring.rotate_to("b", at(40)).unwrap()));
    both(rotation("b", "a", 50, true), &|ring| drop(ring.rotate_to("a", at(50)).unwrap()));
    both(rotation("a", "c", 60, false), &|ring| drop(ring.rotate_to("c", at(60)).unwrap()));
    both(retire("a", 70), &|ring| {
        drop(ring.entry::<InactiveKey>("a").unwrap().retire(at(70)));
    });
    both(revoke("b", 71), &|ring| {
        drop(ring.entry::<InactiveKey>("b").unwrap().revoke(at(71)));
    });
    both(restore("b", 72), &|ring| {
        drop(ring.entry::<RevokedKey>("b").unwrap().restore(at(72)));
    });
    both(destroy("a", 80), &|ring| {
        drop(ring.entry::<RetiredKey>("a").unwrap().destroy(at(80)));
    });
}

#[test]
fn a_change_is_not_dated_before_any_time_that_a_row_carries() {
    // Its status is of unknown time, its activation is not.
    let times = Times { activated_at: Some(at(30)), ..Times::default() };
    let lost = demoted("i").with_times(times);
    let mut store =
        Snapshot { revision: SEVENTH, records: vec![record("a", Active), lost], ids: 2, ..empty() };
    let early = apply(&mut store, retire("i", 29));
    assert!(matches!(early, Err(ChangeMismatch::Backdated { .. })));
}
