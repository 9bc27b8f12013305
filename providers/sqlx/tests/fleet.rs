//! A fleet of real processes over one database, which are killed all the time: one active key, no
//! acknowledged change lost, no revision out of order, every ciphertext readable.
//!
//! `FLEET_KILLS` is the number of kills, of which a few do for every day; `scripts/soak` does
//! thousands.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

#[path = "fleet/facts.rs"]
mod facts;
#[path = "fleet/node.rs"]
mod node;
#[path = "../examples/shared/sealed_file.rs"]
#[allow(dead_code, reason = "the nodes write")]
mod sealed_file;
mod support;
#[path = "../examples/shared/vault.rs"]
#[allow(dead_code, reason = "the nodes seal")]
mod vault;

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use key_rotation::store::Revision;
use key_rotation::{KeyProvider, RotationService, StrictSingleActive, Timestamp};
use key_rotation_sqlx::{FAILPOINTS, SqlxKeyProvider};
use sqlx::{ColumnIndex, Connection, Row, Type};
use support::trials::{run, trial};
use support::{PostgresDatabase, SqliteFile, TestDatabase, postgres, ring_name};
use tempfile::TempDir;

use self::facts::{Facts, StoredEvent, replay};
use self::node::{Launcher, Node};
use self::vault::{Kms, open};

const RING: &str = "fleet";
const STARTERS: usize = 40;
const ROTATORS: usize = 8;
const CRYPTERS: usize = 3;

fn main() -> ExitCode {
    if std::env::var_os(HOLD_A_SERVER).is_some() {
        println!("{}", postgres::server().unwrap().url);
        loop {
            std::thread::park();
        }
    }
    run(vec![
        trial("postgres::a_killed_test_leaves_no_server", leaves_no_server),
        trial("sqlite::main_job", || async { main_job(None) }),
        trial("postgres::main_job", || async {
            main_job(Some(PostgresDatabase::create().await.url()));
        }),
        trial("sqlite::fleet", || fleet(SqliteFile::create, sqlite_events, None)),
        trial("postgres::fleet", || {
            fleet(PostgresDatabase::create, postgres_events, Some(postgres::kill_and_restart))
        }),
    ])
}

async fn fleet<D: TestDatabase>(
    create: impl AsyncFnOnce() -> D,
    stored_events: impl AsyncFn(&D) -> Vec<StoredEvent>,
    kill_server: Option<fn()>,
) {
    let kill_server = kill_server.filter(|_| {
        if !is_own_server() {
            println!("LEFT OUT: kills of the PostgreSQL server, which is not this test's own");
        }
        is_own_server()
    });
    let kills: usize = std::env::var("FLEET_KILLS").map_or(24, |kills| kills.parse().unwrap());
    let database = create().await;
    let ciphertexts = tempfile::tempdir().unwrap();
    let facts = Facts::default();
    let launcher = Launcher::new(database.url(), RING, ciphertexts.path(), &facts);

    cold_start(&launcher, &facts);
    let first = stored_events(&database).await;
    assert_eq!(first.len(), 1, "one first key: {first:?}");

    let started = std::time::Instant::now();
    let mut killed = 0;
    let mut server_kills = 0;
    let mut nodes: Vec<Node> = (0..ROTATORS).map(|_| launcher.start("rotate")).collect();
    nodes.extend((0..CRYPTERS).map(|_| launcher.start("crypt")));
    while killed < kills {
        // In turn: one node at random, one at a failpoint, now and then the server.
        let victim = usize::try_from(getrandom::u32().unwrap()).unwrap() % nodes.len();
        let node = nodes.swap_remove(victim);
        std::thread::sleep(Duration::from_millis(u64::from(getrandom::u32().unwrap() % 150)));
        let role = node.role();
        node.kill();
        nodes.push(launcher.start(role));
        killed += 1;

        let point = FAILPOINTS[killed / 2 % FAILPOINTS.len()];
        launcher.start_to_die_at(point).wait_until_it_is_killed(point);
        killed += 1;

        if killed % 12 == 0
            && let Some(kill_server) = kill_server
        {
            kill_server();
            server_kills += 1;
        }
        facts.check();
        check_ring(&database).await;
    }
    nodes.into_iter().for_each(Node::finish);

    facts.check();
    let stored = stored_events(&database).await;
    check_events(&facts, &stored);
    check_rows(&database, &stored).await;
    let active = check_ring(&database).await;
    let opened = check_ciphertexts(&database, &ciphertexts).await;
    println!(
        "{}: {killed} processes and {server_kills} servers killed in {:.0?}; {} commits, {} conflicts, \
         {} unknown outcomes of which {} resolved, {} not written, {} times out of reach; {} opened on the way; \
         {opened} ciphertexts checked at the end under {} keys; active: {active}",
        database.url().split(':').next().unwrap(),
        started.elapsed(),
        stored.len(),
        facts.count("conflict"),
        facts.count("unknown") + facts.count("resolved"),
        facts.count("resolved"),
        facts.count("unwritten"),
        facts.count("unreachable"),
        facts.sum("opened"),
        stored.iter().filter(|event| matches!(&*event.action, "create" | "add")).count(),
    );
    // A fleet in which nothing happens would pass all of the above.
    assert!(stored.iter().filter(|event| event.action.ends_with("activate")).count() > kills / 8);
    assert!(opened > kills && facts.sum("opened") > 0);
    assert!(facts.count("resolved") > 0);
}

/// The example that the README names.
fn main_job(url: Option<String>) {
    let done = Command::new(node::build("fleet_rotation")).args(url).output().unwrap();
    let printed = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{printed}{}", String::from_utf8_lossy(&done.stderr));
    assert!(printed.contains("Done: 6 texts, each read under its key"), "{printed}");
}

const HOLD_A_SERVER: &str = "FLEET_HOLD_A_SERVER";

/// The throw-away cluster of a test that is killed ends with it.
async fn leaves_no_server() {
    let mut test = Command::new(std::env::current_exe().unwrap());
    test.env(HOLD_A_SERVER, "1").env_remove("KEY_ROTATION_POSTGRES_URL").stdout(Stdio::piped());
    let mut test = test.spawn().unwrap();
    let mut url = String::new();
    BufReader::new(test.stdout.take().unwrap()).read_line(&mut url).unwrap();
    sqlx::PgConnection::connect(url.trim()).await.unwrap().close().await.unwrap();
    test.kill().unwrap();
    let _ = test.wait().unwrap();
    let killed = std::time::Instant::now();
    while sqlx::PgConnection::connect(url.trim()).await.is_ok() {
        assert!(killed.elapsed() < Duration::from_secs(20), "PostgreSQL goes on at {url}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn is_own_server() -> bool {
    postgres::server().is_ok_and(|server| server.is_own)
}

/// Many processes start on an empty database at once, each with a first key of its own.
fn cold_start(launcher: &Launcher<'_>, facts: &Facts) {
    let starters: Vec<Node> = (0..STARTERS).map(|_| launcher.start("start")).collect();
    starters.into_iter().for_each(Node::finish);
    facts.check();
    let active = facts.all("active");
    assert_eq!(active.len(), STARTERS, "every process gets the ring");
    let distinct: HashSet<&String> = active.iter().collect();
    assert_eq!(distinct.len(), 1, "everyone has the same first key: {distinct:?}");
    assert_eq!(facts.acknowledged().len(), 1, "one process made it");
}

/// The ring is whole, and names its active key.
async fn check_ring<D: TestDatabase>(database: &D) -> String {
    let store = SqlxKeyProvider::new(database.pool().await, ring_name(RING));
    let ring = RotationService::new(store.clone(), StrictSingleActive).keyring().await;
    let ring = ring.unwrap_or_else(|error| panic!("the ring does not load: {error:?}"));
    assert!(store.load(Revision::EMPTY).await.is_ok());
    ring.active().id().to_string()
}

/// Revisions without a gap, and among them every change that a node was told is done.
fn check_events(facts: &Facts, stored: &[StoredEvent]) {
    for (before, event) in stored.iter().enumerate() {
        assert_eq!(usize::try_from(event.revision).unwrap(), before + 1, "a gap before {event:?}");
    }
    for acknowledged in facts.acknowledged() {
        // An acknowledgement names its own commit, also where the answer was lost at first.
        let is_there = stored.iter().any(|event| {
            (event.revision, event.tag) == (acknowledged.revision, acknowledged.tag)
                && (&event.action, &event.id, event.at)
                    == (&acknowledged.action, &acknowledged.id, acknowledged.at)
        });
        assert!(is_there, "an acknowledged change is lost: {acknowledged:?}");
    }
}

/// The rows of the keys are what all changes together make of them.
async fn check_rows<D: TestDatabase>(database: &D, stored: &[StoredEvent]) {
    let store = SqlxKeyProvider::new(database.pool().await, ring_name(RING));
    let millis = |at: Timestamp| i64::try_from(at.as_unix_millis()).unwrap();
    let rows = support::loaded(&store).await.records.into_iter().map(|key| {
        let (status, times) = (key.info.status, key.info.times);
        let since = times.status_since(status).map(millis).unwrap();
        (key.info.id.to_string(), (status, times.activated_at.map(millis), since))
    });
    assert_eq!(rows.collect::<BTreeMap<_, _>>(), replay(stored));
}

/// Every ciphertext that was ever written opens with the ring as it is.
async fn check_ciphertexts<D: TestDatabase>(database: &D, folder: &TempDir) -> usize {
    let store = SqlxKeyProvider::new(database.pool().await, ring_name(RING));
    let ring = RotationService::new(store, StrictSingleActive).keyring().await.unwrap();
    let ciphers = Kms::of_the_example().unwrap_ring(&ring).unwrap();
    let all = sealed_file::read_all(folder.path() as &Path).unwrap();
    for (sealed, text) in &all {
        let key = ciphers.decryption_key(&sealed.key_id).unwrap();
        assert_eq!(open(key, sealed).unwrap(), *text);
    }
    all.len()
}

const EVENTS: &str = "SELECT revision, tag, action, id, from_id, at FROM key_rotation_events WHERE ring = 'fleet' ORDER BY revision";

async fn sqlite_events(database: &SqliteFile) -> Vec<StoredEvent> {
    let rows = sqlx::query(EVENTS).fetch_all(&database.pool().await).await.unwrap();
    rows.iter().map(stored_event).collect()
}

async fn postgres_events(database: &PostgresDatabase) -> Vec<StoredEvent> {
    let rows = sqlx::query(EVENTS).fetch_all(&database.pool().await).await.unwrap();
    rows.iter().map(stored_event).collect()
}

fn stored_event<R: Row>(row: &R) -> StoredEvent
where
    usize: ColumnIndex<R>,
    i64: for<'r> sqlx::Decode<'r, R::Database> + Type<R::Database>,
    String: for<'r> sqlx::Decode<'r, R::Database> + Type<R::Database>,
{
    StoredEvent {
        revision: row.get(0),
        tag: row.get(1),
        action: row.get(2),
        id: row.get(3),
        from: row.get(4),
        at: row.get(5),
    }
}
