//! A restored database is not followed by those who knew more. PostgreSQL is dumped and restored with
//! its own programs, and an SQLite file is copied and put back, at each of twenty revisions. Then the
//! ring goes on in another way. Each reader that had seen what is lost says so and confirms nothing;
//! each of the others follows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

mod support;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use key_rotation::error::RotationError;
use key_rotation::live::Refreshed;
use key_rotation::shared::SharedKeyring;
use key_rotation::store::{Events, History, Loaded, Revision};
use key_rotation::{
    Inactive, Key, KeyProvider, Keyring, Outcome, RotationService, StrictSingleActive, Timestamp,
};
use key_rotation_sqlx::{Backend, SqlxKeyProvider, WrappedKey};
use libtest_mimic::Trial;
use support::trials::{run, trial};
use support::{
    PostgresDatabase, SqliteFile, TestDatabase, new_ring, postgres, ring_name, unique, wrapped,
};
use tempfile::TempDir;

const REVISIONS: usize = 20;
const MORE: usize = 24;
const POLLS: usize = 10_000;

fn main() -> ExitCode {
    let mut trials = of::<SqliteFile>("sqlite");
    trials.extend(of::<PostgresDatabase>("postgres"));
    run(trials)
}

fn of<D: Dumped>(name: &str) -> Vec<Trial> {
    vec![
        trial(format!("{name}::restored_at_each_revision"), restored_at_each_revision::<D>),
        trial(format!("{name}::ordinary_polls_are_no_alarm"), ordinary_polls::<D>),
    ]
}

/// A database that can be dumped, and another one that is made of a dump.
trait Dumped: TestDatabase {
    fn dump(&self, folder: &TempDir) -> impl Future<Output = PathBuf> + Send;

    fn restored(dump: &Path) -> impl Future<Output = Self> + Send;
}

impl Dumped for SqliteFile {
    async fn dump(&self, folder: &TempDir) -> PathBuf {
        let dump = folder.path().join(format!("dump-{}", unique()));
        self.carry_out(&format!("VACUUM INTO '{}'", dump.display())).await.unwrap();
        dump
    }

    async fn restored(dump: &Path) -> Self {
        let restored = Self::create().await;
        std::fs::copy(dump, restored.path()).unwrap();
        restored
    }
}

impl Dumped for PostgresDatabase {
    async fn dump(&self, folder: &TempDir) -> PathBuf {
        let dump = folder.path().join(format!("dump-{}", unique()));
        let file = dump.display().to_string();
        postgres::program("pg_dump", &["--format=custom", "--file", &file, &self.url()]);
        dump
    }

    async fn restored(dump: &Path) -> Self {
        let restored = Self::create().await;
        let file = dump.display().to_string();
        let url = restored.url();
        postgres::program("pg_restore", &["--exit-on-error", "--dbname", &url, &file]);
        restored
    }
}

type Service<D> =
    RotationService<SqlxKeyProvider<<D as TestDatabase>::Backend>, StrictSingleActive>;

fn service<DB: Backend>(
    store: SqlxKeyProvider<DB>,
) -> RotationService<SqlxKeyProvider<DB>, StrictSingleActive> {
    RotationService::new(store, StrictSingleActive).acting_as("test".parse().unwrap())
}

fn at(millis: usize) -> Timestamp {
    Timestamp::from_unix_millis(millis as u64 * 10 + 10)
}

fn key(number: usize) -> Key<Inactive, WrappedKey> {
    let id = format!("k{number}-{}", unique()).parse().unwrap();
    Key::new(id, wrapped(&[7; 40]), at(number))
}

/// Writes one change of the kind whose turn it is: adds a key, activates it, or retires the one from
/// before.
async fn change<P: KeyProvider<Material = WrappedKey>>(
    service: &RotationService<P, StrictSingleActive>,
    turn: usize,
) {
    let ring = service.keyring().await.unwrap();
    let staged = ring.inactive().find(|key| !key.info().used).map(|key| key.id().clone());
    let demoted = ring.inactive().find(|key| key.info().used).map(|key| key.id().clone());
    let is_done = match (staged, demoted) {
        (Some(staged), _) => is_done(service.rotate_to(staged.as_str(), at(turn)).await.unwrap()),
        (_, Some(demoted)) => is_done(service.retire(demoted.as_str(), at(turn)).await.unwrap()),
        _ => is_done(service.add(key(turn), at(turn)).await.unwrap()),
    };
    assert!(is_done, "nobody else writes");
}

fn is_done<T>(outcome: Outcome<T>) -> bool {
    matches!(outcome, Outcome::Done(_))
}

/// What one has seen who has loaded the ring at a revision.
struct Reader {
    seen: Revision,
    ring: Keyring<WrappedKey>,
}

impl Reader {
    fn shared(&self) -> SharedKeyring<WrappedKey> {
        SharedKeyring::at_revision(self.seen, self.ring.fork())
    }
}

async fn restored_at_each_revision<D: Dumped>() {
    let folder = tempfile::tempdir().unwrap();
    let (database, store) = new_ring::<D>("ring").await;
    let service = service(store);
    let _ = service.bootstrap(key(0), at(0)).await.unwrap();
    let (mut dumps, mut readers) = (vec![], vec![]);
    for turn in 1..=REVISIONS {
        let shared = service.share(at(turn)).await.unwrap();
        assert_eq!(shared.revision().number, turn as u64);
        readers.push(Reader { seen: shared.revision(), ring: shared.load().fork() });
        dumps.push(database.dump(&folder).await);
        change(&service, turn).await;
    }

    let (mut told, mut followed) = (0, 0);
    for (kept, dump) in (1..).zip(&dumps) {
        let restored = D::restored(dump).await;
        let store = SqlxKeyProvider::new(restored.pool().await, ring_name("ring"));
        let service = self::service(store.clone());
        for more in 0..=MORE {
            if more > 0 {
                change(&service, REVISIONS + more).await;
            }
            for (number, reader) in (1_usize..).zip(&readers) {
                // A number that was there before is there again: the moment at which a reader
                // could take one history for the other.
                let is_near = number.abs_diff(kept + more) < 2;
                if !is_near && more > 0 && more < MORE {
                    continue;
                }
                if number <= kept {
                    follows::<D>(&service, reader, kept + more).await;
                    followed += 1;
                } else {
                    says_so::<D>(&service, &store, reader).await;
                    told += 1;
                }
            }
        }
    }
    assert_eq!((told, followed), (931, 440));
}

/// What was seen is in the history: the reader has the newest ring, and it is confirmed.
async fn follows<D: TestDatabase>(service: &Service<D>, reader: &Reader, head: usize) {
    let (shared, now) = (reader.shared(), at(1_000));
    let is_newest = reader.seen.number == head as u64;
    match service.refresh(&shared, now).await.unwrap() {
        Refreshed::Unchanged => assert!(is_newest),
        Refreshed::Newer { revision, .. } => {
            assert!(!is_newest);
            assert_eq!(revision.number, head as u64);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(shared.revision().number, head as u64);
    assert_eq!(shared.confirmed_at(), Some(now));
}

/// What was seen is lost: that is said, and the reader keeps its ring, which nothing confirms.
async fn says_so<D: TestDatabase>(
    service: &Service<D>,
    store: &SqlxKeyProvider<D::Backend>,
    reader: &Reader,
) {
    let shared = reader.shared();
    let error = service.refresh(&shared, at(1_000)).await.unwrap_err();
    assert!(
        matches!(error, RotationError::NotInHistory { seen, .. } if seen == reader.seen),
        "{error:?}"
    );
    assert_eq!(shared.revision(), reader.seen);
    assert_eq!(shared.confirmed_at(), None);
    assert_eq!(shared.load().active().id(), reader.ring.active().id());
    match store.history(reader.seen).await.unwrap() {
        Events::NotInHistory { seen, .. } => assert_eq!(seen, reader.seen),
        Events::Since(events) => panic!("{events:?}"),
    }
}

/// One who asks again and again while the ring is changed is never told that its history is another.
async fn ordinary_polls<D: TestDatabase>() {
    let (_database, store) = new_ring::<D>("ring").await;
    let service = service(store.clone());
    let _ = service.bootstrap(key(0), at(0)).await.unwrap();
    let mut seen = Revision::EMPTY;
    let (mut newer, mut unchanged) = (0, 0);
    for poll in 0..POLLS {
        if poll % 50 == 0 {
            change(&service, poll).await;
        }
        match store.load(seen).await.unwrap() {
            Loaded::Ring(snapshot) => (seen, newer) = (snapshot.revision, newer + 1),
            Loaded::Unchanged { .. } => unchanged += 1,
            Loaded::NotInHistory { seen, found } => panic!("a false alarm: {seen}, {found}"),
        }
    }
    assert_eq!((newer, unchanged), (POLLS / 50, POLLS - POLLS / 50));
}
