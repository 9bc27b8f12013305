//! PostgreSQL behind a pgbouncer: in transaction mode it works where prepared statements are kept track
//! of, and where they are not, every answer is right or an error that says what to set.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

#[path = "pgbouncer/bouncer.rs"]
mod bouncer;
mod support;
#[path = "pgbouncer/untracked.rs"]
mod untracked;

use std::process::ExitCode;
use std::time::Duration;

use bouncer::{Bouncer, Setup, TRACKS, UNTRACKED};
use key_rotation::conformance::{self, Fixture};
use key_rotation::store::{Revision, RingDirectory};
use key_rotation::{Inactive, Key, KeyProvider, RotationService, StrictSingleActive, Timestamp};
use key_rotation_sqlx::{Announcement, Error, SqlxKeyProvider, SqlxRings, WrappedKey, migrate};
use libtest_mimic::Trial;
use sqlx::{PgPool, Postgres};
use support::trials::{run, trial};
use support::{PostgresDatabase, TestDatabase, ring_name, unique, wrapped};

fn main() -> ExitCode {
    let (mut tracking, mut trials) = (Vec::new(), untracked::trials());
    // sqlx keeps 100 statements unless it is told to keep fewer.
    for statements in [100, 0] {
        tracking.push(trial(
            format!("postgres::tracked::the_conformance_kit_with_{statements}_statements_kept"),
            move || conforms(TRACKED, statements),
        ));
        trials.push(trial(
            format!(
                "postgres::session_mode::the_conformance_kit_with_{statements}_statements_kept"
            ),
            move || conforms(SESSION, statements),
        ));
    }
    trials.extend([
        trial("postgres::session_mode::announcements_are_heard", heard),
        trial("postgres::transaction_mode::announcements_are_not_heard", not_heard),
        trial("postgres::a_startup_parameter_that_is_refused", startup_parameter),
    ]);
    let version = bouncer::installed().map(|(_, version)| version);
    let missing = match version {
        None => "there is no pgbouncer",
        Some(version) if version < TRACKS => "this pgbouncer is older than 1.21",
        Some(_) => "",
    };
    if version.is_none() && std::env::var_os("KEY_ROTATION_REQUIRE_POSTGRES").is_some() {
        eprintln!("KEY_ROTATION_REQUIRE_POSTGRES is set, and {missing}");
        return ExitCode::FAILURE;
    }
    if version.is_none() {
        tracking.append(&mut trials);
    }
    if !missing.is_empty() {
        println!("LEFT OUT: {} tests, which are listed as ignored: {missing}", tracking.len());
    }
    let left_out = |trial: Trial| trial.with_ignored_flag(!missing.is_empty());
    trials.extend(tracking.into_iter().map(left_out));
    run(trials)
}

/// In transaction mode, with as many statements as its manual recommends.
const TRACKED: Setup = Setup { tracked: 100, ..UNTRACKED };
const SESSION: Setup = Setup { mode: "session", servers: 100, ..UNTRACKED };

fn key(id: &str) -> Key<Inactive, WrappedKey> {
    Key::new(id.parse().unwrap(), wrapped(id.as_bytes()), Timestamp::now())
}

fn service<P: KeyProvider>(store: P) -> RotationService<P, StrictSingleActive> {
    RotationService::new(store, StrictSingleActive)
}

/// Rings behind a pgbouncer, in turn through one of four pools.
struct Stores {
    pools: [PgPool; 4],
    _bouncer: Bouncer,
    _database: PostgresDatabase,
}

impl Stores {
    async fn new(setup: Setup, statements: usize) -> Self {
        let database = PostgresDatabase::create().await;
        let bouncer = Bouncer::start(&database.url(), setup);
        let pools = [(); 4].map(|()| bouncer.pool(statements, 8));
        for pool in &pools {
            migrate(pool).await.unwrap();
        }
        Self { pools, _bouncer: bouncer, _database: database }
    }

    fn pool(&self) -> PgPool {
        let turn = unique() as usize % self.pools.len();
        self.pools.get(turn).cloned().unwrap()
    }
}

impl Fixture for Stores {
    type Provider = SqlxKeyProvider<Postgres>;

    async fn new_store(&self) -> Self::Provider {
        SqlxKeyProvider::new(self.pool(), ring_name(&format!("ring-{}", unique())))
    }

    async fn reopen(&self, store: &Self::Provider) -> Self::Provider {
        SqlxKeyProvider::new(self.pool(), store.ring().clone())
    }

    fn material(&self, number: u8) -> WrappedKey {
        wrapped(&vec![number; usize::from(number) + 1])
    }

    fn is_material(&self, number: u8, material: &WrappedKey) -> bool {
        *material.as_bytes() == *vec![number; usize::from(number) + 1]
    }
}

async fn conforms(setup: Setup, statements: usize) {
    let stores = Stores::new(setup, statements).await;
    conformance::check_all(&stores).await.unwrap();
    conformance::check_history(&stores).await.unwrap();
    let [here, there, ..] = &stores.pools;
    let rings = SqlxRings::new(here.clone()).rings().await.unwrap();
    assert!(rings.len() > 20, "{}", rings.len());
    assert_eq!(SqlxRings::new(there.clone()).rings().await.unwrap(), rings);
}

/// Long enough for any announcement that there is.
const A_WHILE: Duration = Duration::from_secs(20);
/// Long enough for an announcement that there is none of: longer makes the test surer, not truer.
const A_MOMENT: Duration = Duration::from_millis(500);

/// What a listener hears through a pgbouncer of a commit that another process has made.
async fn hears(setup: Setup, patience: Duration) -> Option<Announcement> {
    let database = PostgresDatabase::create().await;
    let admin = SqlxRings::new(database.pool().await);
    admin.migrate().await.unwrap();
    let bouncer = Bouncer::start(&database.url(), setup);
    let rings = SqlxRings::new(bouncer.pool(100, 2));
    let mut commits = rings.listen().await.unwrap();
    // Another client has the server in between.
    for _ in 0..4 {
        assert_eq!(rings.rings().await.unwrap(), []);
    }
    let store = admin.ring(ring_name("payments"));
    let _ = service(store).bootstrap(key("k1"), Timestamp::now()).await.unwrap();
    let heard = tokio::time::timeout(patience, commits.next()).await.ok()?;
    assert_eq!(rings.rings().await.unwrap().len(), 1);
    heard.unwrap()
}

async fn heard() {
    let heard = hears(SESSION, A_WHILE).await;
    assert_eq!(heard, Some(Announcement { ring: ring_name("payments"), number: 1 }));
}

/// Said in the documentation of `listen`: pgbouncer cannot know whom to tell.
async fn not_heard() {
    assert_eq!(hears(UNTRACKED, A_MOMENT).await, None);
}

/// One that sqlx sends, and of which pgbouncer has to be told.
async fn startup_parameter() {
    let database = PostgresDatabase::create().await;
    migrate(&database.pool().await).await.unwrap();
    let bouncer = Bouncer::start(&database.url(), Setup { ignored: "", ..UNTRACKED });
    let store = SqlxKeyProvider::new(bouncer.pool(100, 1), ring_name("payments"));
    let error = store.load(Revision::EMPTY).await.unwrap_err();
    let Error::Database { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(source.code(), Some("08P01"));
    assert!(
        source.to_string().contains("`ignore_startup_parameters = extra_float_digits,options`"),
        "{source}"
    );
}
