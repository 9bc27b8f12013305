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
use key_rotation::store::Revision;
use key_rotation_sqlx::{Error, SqlxKeyProvider, WrappedKey, migrate};
use libtest_mimic::Trial;
use support::trials::{run, trial};
use support::{PostgresDatabase, SqliteFile, TestDatabase, ring_name, unique};

fn main() -> ExitCode {
    let mut trials = of::<SqliteFile>("sqlite");
    trials.extend(of::<PostgresDatabase>("postgres"));
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
            let error = out_of_reach.load(Revision::EMPTY).await.unwrap_err();
            assert!(matches!(error, Error::Database { .. }), "{error:?}");
        }
    }));
    trials
}

type Check<F> = for<'f> fn(&'f F) -> Checking<'f>;
type Checking<'f> = Pin<Box<dyn Future<Output = Result<(), Nonconformance>> + Send + 'f>>;

/// Each behaviour as a trial of its own, so that a report names it.
fn behaviours<D, P>() -> [(&'static str, Check<Stores<D, P>>); 37]
where
    D: TestDatabase,
    P: Handle<D>,
{
    [
        ("create", |f| Box::pin(conformance::create(f))),
        ("create_of_many", |f| Box::pin(conformance::create_of_many(f))),
        ("add", |f| Box::pin(conformance::add(f))),
        ("activate", |f| Box::pin(conformance::activate(f))),
        ("retire", |f| Box::pin(conformance::retire(f))),
        ("revoke", |f| Box::pin(conformance::revoke(f))),
        ("restore", |f| Box::pin(conformance::restore(f))),
        ("rewrap", |f| Box::pin(conformance::rewrap(f))),
        ("date", |f| Box::pin(conformance::date(f))),
        ("destroy", |f| Box::pin(conformance::destroy(f))),
        ("close", |f| Box::pin(conformance::close(f))),
        ("marks", |f| Box::pin(conformance::marks(f))),
        ("tombstones", |f| Box::pin(conformance::tombstones(f))),
        ("ids", |f| Box::pin(conformance::ids(f))),
        ("times", |f| Box::pin(conformance::times(f))),
        ("materials", |f| Box::pin(conformance::materials(f))),
        ("many_rings", |f| Box::pin(conformance::many_rings(f))),
        ("load_after_each_commit", |f| Box::pin(conformance::load_after_each_commit(f))),
        ("load_of_a_stranger", |f| Box::pin(conformance::load_of_a_stranger(f))),
        ("tags", |f| Box::pin(conformance::tags(f))),
        ("stale_revision", |f| Box::pin(conformance::stale_revision(f))),
        ("mismatched_changes", |f| Box::pin(conformance::mismatched_changes(f))),
        ("taken_ids", |f| Box::pin(conformance::taken_ids(f))),
        ("numbers_that_do_not_follow", |f| Box::pin(conformance::numbers_that_do_not_follow(f))),
        ("closed_for_good", |f| Box::pin(conformance::closed_for_good(f))),
        ("expired", |f| Box::pin(conformance::expired(f))),
        ("create_race", |f| Box::pin(conformance::create_race(f))),
        ("writer_race", |f| Box::pin(conformance::writer_race(f))),
        ("overtaken_writer", |f| Box::pin(conformance::overtaken_writer(f))),
        ("reader_during_commits", |f| Box::pin(conformance::reader_during_commits(f))),
        ("same_proposal_at_once", |f| Box::pin(conformance::same_proposal_at_once(f))),
        ("resend_in_flight", |f| Box::pin(conformance::resend_in_flight(f))),
        ("resend_after_others", |f| Box::pin(conformance::resend_after_others(f))),
        ("resend_after_conflict", |f| Box::pin(conformance::resend_after_conflict(f))),
        ("dropped_futures", |f| Box::pin(conformance::dropped_futures(f))),
        ("unknown_outcome", |f| Box::pin(conformance::unknown_outcome(f))),
        ("unknown_outcome_among_rivals", |f| {
            Box::pin(conformance::unknown_outcome_among_rivals(f))
        }),
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
        WrappedKey::new(vec![number; usize::from(number) + 1]).unwrap()
    }

    fn is_material(&self, number: u8, material: &WrappedKey) -> bool {
        *material.as_bytes() == *vec![number; usize::from(number) + 1]
    }
}
