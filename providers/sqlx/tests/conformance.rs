//! The core's conformance kit, on SQLite and PostgreSQL: by value, in a box and counted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

#[path = "conformance/stores.rs"]
mod stores;
mod support;

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use key_rotation::KeyProvider;
use key_rotation::conformance::{self, Nonconformance};
use key_rotation::store::{History, Revision};
use key_rotation_sqlx::{Error, SqlxKeyProvider};
use libtest_mimic::Trial;
use stores::{Databases, Handle, Stores};
use support::trials::{run, trial};
use support::{PostgresDatabase, SqliteFile, TestDatabase, ring_name};

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
    trials.push(trial(format!("{name}::directory"), || async {
        conformance::check_directory(&Databases::<D>::new()).await.unwrap();
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
fn behaviours<D, P>() -> [(&'static str, Check<Stores<D, P>>); 49]
where
    D: TestDatabase,
    P: Handle<D> + History,
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
        ("events", |f| Box::pin(conformance::events(f))),
        ("history_after", |f| Box::pin(conformance::history_after(f))),
        ("history_of_a_stranger", |f| Box::pin(conformance::history_of_a_stranger(f))),
        ("no_event_without_a_change", |f| Box::pin(conformance::no_event_without_a_change(f))),
        ("history_of_a_race", |f| Box::pin(conformance::history_of_a_race(f))),
        ("history_during_commits", |f| Box::pin(conformance::history_during_commits(f))),
        ("history_after_losses", |f| Box::pin(conformance::history_after_losses(f))),
        ("restored_history", |f| Box::pin(conformance::restored_history(f))),
        ("restore_at_each_revision", |f| Box::pin(conformance::restore_at_each_revision(f))),
        ("resend_after_restore", |f| Box::pin(conformance::resend_after_restore(f))),
        ("row_lost_between_polls", |f| Box::pin(conformance::row_lost_between_polls(f))),
        ("nothing_written_after_a_lost_row", |f| {
            Box::pin(conformance::nothing_written_after_a_lost_row(f))
        }),
    ]
}

async fn all<D: TestDatabase, P: Handle<D> + History>() {
    let stores = Stores::<D, P>::new().await;
    conformance::check_all(&stores).await.unwrap();
    conformance::check_history(&stores).await.unwrap();
}
