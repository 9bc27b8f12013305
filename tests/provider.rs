//! What a commit means, on the in-memory store: whole changes, or nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::sync::Arc;

use KeyStatus::{Active, Inactive, Retired};
use key_rotation::error::{ChangeMismatch, TakenBy};
use key_rotation::key::{Destruction, Retirement, Rotation};
use key_rotation::store::{Change, Commit, Revision, Snapshot};
use key_rotation::{
    InMemoryKeyProvider, Key, KeyId, KeyInfo, KeyProvider, KeyRecord, KeyRef, KeyStatus, Keyring,
    Times, Timestamp,
};
use pollster::block_on;

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
        revision: Revision::new(7),
        records: vec![
            record("a", Active),
            record("i", Inactive),
            demoted("j"),
            record("r", Retired),
        ],
        destroyed: vec![Destruction::new(id("d"), at(5))],
    }
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
    let mut store = Snapshot::empty();
    let changes = [
        Change::Create(record("a", Active)),
        Change::Add(record("b", Inactive)),
        rotation("a", "b", 40, false),
        rotation("b", "a", 50, true),
        rotation("a", "b", 60, true),
        Change::Retire(Retirement::new(id("a"), at(70))),
        Change::Destroy(Destruction::new(id("a"), at(80))),
    ];
    for (seen, change) in (0..).zip(&changes) {
        let answer = store.apply(Revision::new(seen), change).unwrap();
        assert_eq!(answer, Commit::Committed(Revision::new(seen + 1)), "{change:?}");
        assert_eq!(store.clone().into_keyring().map(drop), Ok(()), "{change:?}");
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
    let _ = store.apply(Revision::new(7), &rotation("a", "i", 40, false)).unwrap();
    let numbers = |name: &str| {
        let row = store.records.iter().find(|row| row.info.id == *name).unwrap();
        (row.info.deactivated_in, row.info.added_in, row.material_in)
    };
    assert_eq!((numbers("a"), numbers("i")), ((8, 0, 0), (0, 0, 0)));
}

#[test]
fn a_change_under_another_revision_is_a_conflict_and_changes_nothing() {
    for seen in [0, 6, 8, u64::MAX] {
        let mut store = filled();
        let answer = store.apply(Revision::new(seen), &rotation("a", "i", 40, false)).unwrap();
        assert_eq!(answer, Commit::Conflict);
        assert_eq!(rows(&store), rows(&filled()));
    }
}

#[test]
fn a_change_that_does_not_fit_the_rows_is_an_error_and_changes_nothing() {
    let wrong =
        |name, expected, found| ChangeMismatch::WrongStatus { id: id(name), expected, found };
    let missing = |name| ChangeMismatch::KeyNotFound { id: id(name) };
    let taken = |name, taken_by| ChangeMismatch::KeyIdTaken { id: id(name), taken_by };
    let early = |name, millis, carried| ChangeMismatch::Backdated {
        id: id(name),
        at: at(millis),
        carried: at(carried),
    };
    let retire = |name, millis| Change::Retire(Retirement::new(id(name), at(millis)));
    let destroy = |name, millis| Change::Destroy(Destruction::new(id(name), at(millis)));
    let cases = [
        (Change::Create(record("x", Active)), ChangeMismatch::NotEmpty { id: id("x") }),
        (Change::Add(record("a", Inactive)), taken("a", TakenBy::Key(Active))),
        (Change::Add(record("r", Inactive)), taken("r", TakenBy::Key(Retired))),
        (Change::Add(record("d", Inactive)), taken("d", TakenBy::Tombstone { at: at(5) })),
        (Change::Add(record("x", Active)), wrong("x", Inactive, Active)),
        (Change::Add(record("x", Retired)), wrong("x", Inactive, Retired)),
        (rotation("x", "i", 40, false), missing("x")),
        (rotation("a", "x", 40, false), missing("x")),
        (rotation("i", "j", 40, true), wrong("i", Active, Inactive)),
        (rotation("a", "r", 40, false), wrong("r", Inactive, Retired)),
        (rotation("a", "a", 40, true), wrong("a", Inactive, Active)),
        (rotation("a", "i", 40, true), ChangeMismatch::Reactivation { id: id("i") }),
        (rotation("a", "j", 40, false), ChangeMismatch::Reactivation { id: id("j") }),
        (rotation("a", "i", 9, false), early("a", 9, 10)),
        (rotation("a", "j", 29, true), early("j", 29, 30)),
        (retire("a", 40), wrong("a", Inactive, Active)),
        (retire("r", 40), wrong("r", Inactive, Retired)),
        (retire("d", 40), missing("d")),
        (retire("j", 29), early("j", 29, 30)),
        (destroy("i", 40), wrong("i", Retired, Inactive)),
        (destroy("d", 40), missing("d")),
        (destroy("r", 9), early("r", 9, 10)),
    ];
    for (change, expected) in cases {
        let mut store = filled();
        assert_eq!(store.apply(Revision::new(7), &change), Err(expected), "{change:?}");
        assert_eq!(rows(&store), rows(&filled()), "{change:?}");
    }
    let mut empty = Snapshot::empty();
    let inactive_first = Change::Create(record("x", Inactive));
    assert_eq!(empty.apply(Revision::EMPTY, &inactive_first), Err(wrong("x", Active, Inactive)));
    let mut tombstones = Snapshot { records: vec![], ..filled() };
    let first = Change::Create(record("x", Active));
    assert_eq!(
        tombstones.apply(Revision::new(7), &first),
        Err(ChangeMismatch::NotEmpty { id: id("x") })
    );
}

#[test]
fn a_provider_is_one_behind_a_reference_a_box_and_an_arc() {
    async fn first_key<P: KeyProvider<Material = &'static str>>(
        store: P,
    ) -> Result<Commit, P::Error> {
        let answer = store.commit(Revision::EMPTY, &Change::Create(record("a", Active))).await?;
        assert_eq!(store.load().await?.records.len(), 1);
        Ok(answer)
    }
    let committed = Ok(Commit::Committed(Revision::new(1)));
    assert_eq!(block_on(first_key(InMemoryKeyProvider::new())), committed);
    assert_eq!(block_on(first_key(&InMemoryKeyProvider::new())), committed);
    assert_eq!(block_on(first_key(Box::new(InMemoryKeyProvider::new()))), committed);
    assert_eq!(block_on(first_key(Arc::new(InMemoryKeyProvider::new()))), committed);
}

#[test]
fn a_mismatch_is_the_last_word_of_the_in_memory_store() {
    let store = InMemoryKeyProvider::from_records([record("a", Active)]);
    let retire = Change::Retire(Retirement::new(id("a"), at(20)));
    let error = block_on(store.commit(Revision::new(1), &retire)).unwrap_err();
    assert!(InMemoryKeyProvider::<&str>::is_refusal(&error));
}

#[test]
fn the_in_memory_store_gives_back_what_it_was_given() {
    let records = [record("a", Active), demoted("i")];
    let snapshot = block_on(InMemoryKeyProvider::from_records(records).load()).unwrap();
    assert!(snapshot.revision > Revision::EMPTY);
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
        revision: Revision::new(1),
        records: vec![row("a", Active, false), row("r", Retired, true)],
        destroyed: vec![],
    };
    let destroy = Change::Destroy(Destruction::new(id("r"), at(20)));
    let applied = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.apply(Revision::new(1), &destroy)
    }));
    assert!(applied.is_err());
    assert_eq!((store.records.len(), store.destroyed.len()), (1, 1));
    assert_eq!(store.revision, Revision::new(2));
}

#[test]
fn a_record_that_no_ring_would_load_is_not_stored() {
    let mut store = Snapshot::empty();
    let times = Times { created_at: Some(at(11)), activated_at: Some(at(10)), ..Times::default() };
    let create = Change::Create(record("a", Active).with_times(times));
    assert!(matches!(
        store.apply(Revision::EMPTY, &create),
        Err(ChangeMismatch::InconsistentTimes { .. })
    ));
    for add in [record("x", Inactive).with_times(times), demoted("x").staged()] {
        assert!(matches!(
            filled().apply(Revision::new(7), &Change::Add(add)),
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
    use key_rotation::{Inactive as InactiveKey, Retired as RetiredKey};
    let mut store = Snapshot::empty();
    let _ = store.apply(Revision::EMPTY, &Change::Create(record("a", Active))).unwrap();
    let mut ring = store.clone().into_keyring().unwrap();
    let mut both = |change: Change<&'static str>, on_ring: &dyn Fn(&mut Keyring<&'static str>)| {
        let revision = store.revision;
        assert!(matches!(store.apply(revision, &change), Ok(Commit::Committed(_))), "{change:?}");
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
    both(Change::Retire(Retirement::new(id("a"), at(70))), &|ring| {
        drop(ring.entry::<InactiveKey>("a").unwrap().retire(at(70)));
    });
    both(Change::Destroy(Destruction::new(id("a"), at(80))), &|ring| {
        drop(ring.entry::<RetiredKey>("a").unwrap().destroy(at(80)));
    });
}

#[test]
fn a_change_is_not_dated_before_any_time_that_a_row_carries() {
    // Its status is of unknown time, its activation is not.
    let times = Times { activated_at: Some(at(30)), ..Times::default() };
    let lost = demoted("i").with_times(times);
    let mut store = Snapshot {
        revision: Revision::new(7),
        records: vec![record("a", Active), lost],
        destroyed: vec![],
    };
    let early = Change::Retire(Retirement::new(id("i"), at(29)));
    assert!(matches!(store.apply(Revision::new(7), &early), Err(ChangeMismatch::Backdated { .. })));
}
