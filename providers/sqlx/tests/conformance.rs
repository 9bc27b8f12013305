//! The core's conformance kit, on SQLite and PostgreSQL: by value, in a box and counted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod support;

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use key_rotation::KeyProvider;
use key_rotation::conformance::{self, Fixture, Nonconformance};
use key_rotation_sqlx::{Error, SqlxKeyProvider, WrappedKey, migrate};
use libtest_mimic::Trial;
use support::trials::{run, trial};
use support::{PostgresSchema, SqliteFile, TestDatabase, ring_name, unique};

fn main() -> ExitCode {
    let mut trials = of::<SqliteFile>("sqlite");
    trials.extend(of::<PostgresSchema>("postgres"));
    run(trials)
}

fn of<D: TestDatabase>(name: &str) -> Vec<Trial> {
    let mut trials: Vec<Trial> = behaviours::<D, SqlxKeyProvider<D::Backend>>()
        .into_iter()
        .map(|(behaviour, check)| {
            trial(format!("{name}::{behaviour}"), move || async move {
                check(&Stores::new().await).await.unwrap();
            })
        })
        .collect();
    trials.push(trial(format!("{name}::all_in_a_box"), || async {
        all::<D, Box<SqlxKeyProvider<D::Backend>>>().await;
    }));
    trials.push(trial(format!("{name}::all_counted"), || async {
        all::<D, Arc<SqlxKeyProvider<D::Backend>>>().await;
    }));
    trials.push(trial(format!("{name}::outage"), || async {
        let stores = Stores::<D, SqlxKeyProvider<D::Backend>>::new().await;
        let pool = stores.database.pool().await;
        pool.close().await;
        for pool in [pool, D::pool_of_none()] {
            let out_of_reach = SqlxKeyProvider::new(pool, ring_name("gone"));
            conformance::outage(&stores, &out_of_reach).await.unwrap();
            let error = out_of_reach.load().await.unwrap_err();
            assert!(matches!(error, Error::Database { .. }), "{error:?}");
        }
    }));
    trials
}

type Check<F> = for<'f> fn(&'f F) -> Checking<'f>;
type Checking<'f> = Pin<Box<dyn Future<Output = Result<(), Nonconformance>> + Send + 'f>>;

/// Each behaviour as a trial of its own, so that a report names it.
fn behaviours<D, P>() -> [(&'static str, Check<Stores<D, P>>); 15]
where
    D: TestDatabase,
    P: Handle<D>,
{
    [
        ("create", |f| Box::pin(conformance::create(f))),
        ("add", |f| Box::pin(conformance::add(f))),
        ("activate", |f| Box::pin(conformance::activate(f))),
        ("retire", |f| Box::pin(conformance::retire(f))),
        ("destroy", |f| Box::pin(conformance::destroy(f))),
        ("tombstones", |f| Box::pin(conformance::tombstones(f))),
        ("unchanged_values", |f| Box::pin(conformance::unchanged_values(f))),
        ("stale_revision", |f| Box::pin(conformance::stale_revision(f))),
        ("mismatched_receipts", |f| Box::pin(conformance::mismatched_receipts(f))),
        ("taken_ids", |f| Box::pin(conformance::taken_ids(f))),
        ("many_rings", |f| Box::pin(conformance::many_rings(f))),
        ("create_race", |f| Box::pin(conformance::create_race(f))),
        ("writer_race", |f| Box::pin(conformance::writer_race(f))),
        ("reader_during_commits", |f| Box::pin(conformance::reader_during_commits(f))),
        ("unknown_outcome", |f| Box::pin(conformance::unknown_outcome(f))),
    ]
}

async fn all<D: TestDatabase, P: Handle<D>>() {
    conformance::check_all(&Stores::<D, P>::new().await).await.unwrap();
}

/// Rings of one database: a new store is a ring of another name.
struct Stores<D: TestDatabase, P> {
    database: D,
    /// Another process, as far as the database can tell.
    pools: [sqlx::Pool<D::Backend>; 2],
    handle: PhantomData<fn() -> P>,
}

impl<D: TestDatabase, P> Stores<D, P> {
    async fn new() -> Self {
        let database = D::create().await;
        let pools = [database.pool().await, database.pool().await];
        migrate(&pools[0]).await.unwrap();
        Self { database, pools, handle: PhantomData }
    }
}

/// A store as a provider is held: itself, boxed or counted.
trait Handle<D: TestDatabase>: KeyProvider<Material = WrappedKey, Error = Error> + 'static {
    fn hold(store: SqlxKeyProvider<D::Backend>) -> Self;

    fn store(&self) -> &SqlxKeyProvider<D::Backend>;
}

impl<D: TestDatabase> Handle<D> for SqlxKeyProvider<D::Backend> {
    fn hold(store: SqlxKeyProvider<D::Backend>) -> Self {
        store
    }

    fn store(&self) -> &SqlxKeyProvider<D::Backend> {
        self
    }
}

impl<D: TestDatabase> Handle<D> for Box<SqlxKeyProvider<D::Backend>> {
    fn hold(store: SqlxKeyProvider<D::Backend>) -> Self {
        Box::new(store)
    }

    fn store(&self) -> &SqlxKeyProvider<D::Backend> {
        self
    }
}

impl<D: TestDatabase> Handle<D> for Arc<SqlxKeyProvider<D::Backend>> {
    fn hold(store: SqlxKeyProvider<D::Backend>) -> Self {
        Arc::new(store)
    }

    fn store(&self) -> &SqlxKeyProvider<D::Backend> {
        self
    }
}

impl<D: TestDatabase, P: Handle<D>> Fixture for Stores<D, P> {
    type Provider = P;

    async fn new_store(&self) -> P {
        let ring = ring_name(&format!("ring-{}", unique()));
        P::hold(SqlxKeyProvider::new(self.pools[0].clone(), ring))
    }

    async fn reopen(&self, store: &P) -> P {
        P::hold(SqlxKeyProvider::new(self.pools[1].clone(), store.store().ring().clone()))
    }

    fn material(&self, number: u8) -> WrappedKey {
        WrappedKey::new(vec![number; usize::from(number)])
    }

    fn is_material(&self, number: u8, material: &WrappedKey) -> bool {
        *material.as_bytes() == *vec![number; usize::from(number)]
    }
}
