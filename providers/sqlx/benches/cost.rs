//! Measures what a store in SQL costs, on PostgreSQL and SQLite, beside bare sqlx.
//!
//! Prints tables; `scripts/bench-stores` writes them into `benches/STORES.md`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    missing_docs,
    reason = "a measurement stops at the first surprise"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use key_rotation::store::{Change, Commit, CommitError, Loaded, Mark, Revision, RingDirectory};
use key_rotation::{Inactive, Key, KeyId, KeyProvider, KeyRef, Timestamp};
use key_rotation_sqlx::{Backend, SqlxKeyProvider, SqlxRings, WrappedKey};
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, Executor, IntoArguments, Pool, Row, Type};
use support::{
    PostgresDatabase, SqliteFile, TestDatabase, loaded, new_ring, postgres, proposal, revision,
    ring_name, unique, wrapped,
};

const ROUNDS: usize = 21;
const KEY_BYTES: usize = 64;

fn main() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap().block_on(async {
        println!("| what | PostgreSQL | SQLite |");
        println!("|---|---|---|");
        polls().await;
        adds().await;
        loads().await;
        writers().await;
    });
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap().block_on(many_rings());
    postgres::stop();
}

fn key(id: &str) -> Key<Inactive, WrappedKey> {
    Key::new(id.parse().unwrap(), wrapped(&[0x5a; KEY_BYTES]), Timestamp::from_unix_millis(10))
}

/// Adds a key, and returns the revision after it. A busy file is asked again.
async fn add<DB: Backend>(store: &SqlxKeyProvider<DB>, seen: Revision) -> Option<Revision> {
    let record = KeyRef::from(&key(&format!("key-{}", unique()))).to_record();
    let proposal = proposal(seen, Change::Add(record));
    loop {
        match store.commit(&proposal).await {
            Ok(Commit::Committed) => return Some(proposal.next),
            Ok(Commit::Conflict) => return None,
            Err(CommitError::NotWritten(_) | CommitError::Unknown(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn create<DB: Backend>(store: &SqlxKeyProvider<DB>, keys: usize) -> Revision {
    let at = Timestamp::from_unix_millis(20);
    let first = KeyRef::from(&key("first").activate(at)).to_record();
    let more = (1..keys).map(|n| KeyRef::from(&key(&format!("more-{n}"))).to_record());
    let records = std::iter::once(first).chain(more).collect();
    let change = Change::Create { records, destroyed: vec![] };
    let proposal = proposal(Revision::EMPTY, change);
    assert_eq!(store.commit(&proposal).await.unwrap(), Commit::Committed);
    proposal.next
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Microseconds of one call, the median of rounds in which both take their turn.
async fn beside<A, B>(
    calls: u32,
    mut ours: impl AsyncFnMut() -> A,
    mut theirs: impl AsyncFnMut() -> B,
) -> (f64, f64) {
    let (mut a, mut b) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(ours().await);
        }
        a.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(calls));
        let start = Instant::now();
        for _ in 0..calls {
            black_box(theirs().await);
        }
        b.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(calls));
    }
    (median(a), median(b))
}

/// A poll of what has not changed, beside the smallest statement that reads the ring's row.
async fn polls() {
    let postgres = poll::<PostgresDatabase>().await;
    println!(
        "| unchanged poll of a ring of 3 keys | {postgres} | {} |",
        poll::<SqliteFile>().await
    );
}

async fn poll<D: TestDatabase>() -> String
where
    for<'c> &'c mut <D::Backend as sqlx::Database>::Connection: Executor<'c, Database = D::Backend>,
    for<'q> <D::Backend as sqlx::Database>::Arguments: IntoArguments<D::Backend>,
{
    let (database, store) = new_ring::<D>("polled").await;
    let seen = create(&store, 3).await;
    let pool = database.pool().await;
    let sql = "SELECT revision, tag FROM key_rotation_rings WHERE ring = 'polled'";
    let (ours, theirs) = beside(
        100,
        async || assert!(matches!(store.load(seen).await, Ok(Loaded::Unchanged { .. }))),
        async || pool.fetch_one(sql).await.unwrap().len(),
    )
    .await;
    format!("{ours:.0} µs, {:.2} of one `SELECT` of the row ({theirs:.0} µs)", ours / theirs)
}

/// An addition to a ring without tombstones, and to one with many.
async fn adds() {
    let postgres = add_beside_tombstones::<PostgresDatabase>().await;
    let sqlite = add_beside_tombstones::<SqliteFile>().await;
    println!("| `add` with 300,000 tombstones beside none | {postgres} | {sqlite} |");
}

async fn add_beside_tombstones<D: TestDatabase>() -> String {
    let (database, none) = new_ring::<D>("none").await;
    let pool = database.pool().await;
    let many = SqlxKeyProvider::new(pool, ring_name("many"));
    let _ = create(&many, 3).await;
    let _ = create(&none, 3).await;
    database
        .carry_out(
            "INSERT INTO key_rotation_keys (ring, id, status, destroyed_at, added_in, place) \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) \
             SELECT 'many', 'gone-' || i, 'destroyed', 5, 1, i FROM n; \
             UPDATE key_rotation_rings SET ids = ids + 300000 WHERE ring = 'many';",
        )
        .await
        .unwrap();
    let mut seen = [revision(&none).await, revision(&many).await];
    let [at_none, at_many] = &mut seen;
    let (with, without) = beside(
        10,
        async || *at_many = add(&many, *at_many).await.unwrap(),
        async || *at_none = add(&none, *at_none).await.unwrap(),
    )
    .await;
    assert_eq!(loaded(&many).await.destroyed.len(), 300_000);
    format!("{:.2} ({with:.0} µs, {without:.0} µs)", with / without)
}

/// A load of many keys beside a `SELECT` of the same bytes.
async fn loads() {
    let postgres = load::<PostgresDatabase>().await;
    println!(
        "| load of 10,000 keys beside `SELECT` | {postgres} | {} |",
        load::<SqliteFile>().await
    );
}

async fn load<D: TestDatabase>() -> String
where
    for<'c> &'c mut <D::Backend as sqlx::Database>::Connection: Executor<'c, Database = D::Backend>,
    usize: ColumnIndex<<D::Backend as sqlx::Database>::Row>,
    for<'r> String: Decode<'r, D::Backend> + Type<D::Backend>,
    for<'r> Option<i64>: Decode<'r, D::Backend> + Type<D::Backend>,
    for<'r> Vec<u8>: Decode<'r, D::Backend> + Type<D::Backend>,
{
    let (database, store) = new_ring::<D>("large").await;
    let _ = create(&store, 10_000).await;
    let pool = database.pool().await;
    let (ours, theirs) =
        beside(1, async || loaded(&store).await, async || bare::<D>(&pool).await).await;
    assert_eq!(bare::<D>(&pool).await.len(), 10_000);
    let (ours, theirs, ratio) = (ours / 1e3, theirs / 1e3, ours / theirs);
    format!("{ratio:.2} ({ours:.1} ms, {theirs:.1} ms)")
}

type Bare = (String, String, Vec<Option<i64>>, Vec<u8>);

/// What somebody writes who reads the same columns with sqlx, and checks nothing.
async fn bare<D: TestDatabase>(pool: &Pool<D::Backend>) -> Vec<Bare>
where
    for<'c> &'c mut <D::Backend as sqlx::Database>::Connection: Executor<'c, Database = D::Backend>,
    usize: ColumnIndex<<D::Backend as sqlx::Database>::Row>,
    for<'r> String: Decode<'r, D::Backend> + Type<D::Backend>,
    for<'r> Option<i64>: Decode<'r, D::Backend> + Type<D::Backend>,
    for<'r> Vec<u8>: Decode<'r, D::Backend> + Type<D::Backend>,
{
    let sql = "SELECT id, status, material, created_at, added_at, activated_at, deactivated_at, \
        retired_at, revoked_at, destroyed_at, used, counted, added_in, deactivated_in, material_in \
        FROM key_rotation_keys WHERE ring = 'large' ORDER BY added_in, place, id";
    let rows = pool.fetch_all(AssertSqlSafe(sql)).await.unwrap();
    rows.iter()
        .map(|row| {
            let numbers = (3..15).map(|column| row.get::<Option<i64>, _>(column)).collect();
            (row.get(0), row.get(1), numbers, row.get(2))
        })
        .collect()
}

/// Commits a second of sixteen writers, to one ring and each to a ring of its own.
async fn writers() {
    let postgres = commits_a_second::<PostgresDatabase>(true).await;
    let sqlite = commits_a_second::<SqliteFile>(true).await;
    println!("| commits a second, 16 writers, one ring | {postgres} | {sqlite} |");
    let postgres = commits_a_second::<PostgresDatabase>(false).await;
    let sqlite = commits_a_second::<SqliteFile>(false).await;
    println!("| commits a second, 16 writers, 16 rings | {postgres} | {sqlite} |");
}

async fn commits_a_second<D: TestDatabase>(one_ring: bool) -> String {
    const TIME: Duration = Duration::from_secs(5);
    let (database, first) = new_ring::<D>("ring-0").await;
    let pool = database.pool().await;
    let _ = create(&first, 1).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..16 {
        let ring = ring_name(&format!("ring-{}", if one_ring { 0 } else { writer }));
        let store = SqlxKeyProvider::new(pool.clone(), ring);
        if !one_ring && writer > 0 {
            let _ = create(&store, 1).await;
        }
        writers.spawn(async move {
            let (mut done, mut lost) = (0_u32, 0_u32);
            let mut seen = revision(&store).await;
            let start = Instant::now();
            while start.elapsed() < TIME {
                match add(&store, seen).await {
                    Some(next) => (seen, done) = (next, done + 1),
                    None => {
                        lost += 1;
                        seen = revision(&store).await;
                    }
                }
            }
            (done, lost)
        });
    }
    let all = writers.join_all().await;
    let done: u32 = all.iter().map(|(done, _)| done).sum();
    let lost: u32 = all.iter().map(|(_, lost)| lost).sum();
    let a_second = f64::from(done) / TIME.as_secs_f64();
    if one_ring { format!("{a_second:.0} ({lost} races lost)") } else { format!("{a_second:.0}") }
}

/// Ten thousand rings, to which one connection listens.
async fn many_rings() {
    const RINGS: usize = 10_000;
    const COMMITS: usize = 1_000;
    let (database, _) = new_ring::<PostgresDatabase>("first").await;
    let pool = database.pool().await;
    let rings = SqlxRings::new(pool.clone());
    let stores: Vec<_> = (0..RINGS).map(|n| rings.ring(ring_name(&format!("ring-{n}")))).collect();
    let mut heads = Vec::with_capacity(RINGS);
    for store in &stores {
        heads.push(create(store, 1).await);
    }
    let mut listener = rings.listen().await.unwrap();
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
    let connections: i64 = pool.fetch_one(listening).await.unwrap().get(0);

    let start = Instant::now();
    let mark = rings.changed_since(Mark::START).await.unwrap();
    let all = start.elapsed().as_secs_f64() * 1e3;
    assert_eq!(mark.rings.len(), RINGS);

    let mut latencies = vec![];
    for n in 0..COMMITS {
        let ring = n * 7919 % RINGS;
        heads[ring] = add(&stores[ring], heads[ring]).await.unwrap();
        let committed = Instant::now();
        let heard = listener.next().await.unwrap().expect("the connection holds");
        assert_eq!((heard.ring, heard.number), (stores[ring].ring().clone(), heads[ring].number));
        latencies.push(committed.elapsed().as_secs_f64() * 1e3);
    }
    let start = Instant::now();
    let changed = rings.changed_since(mark.mark).await.unwrap();
    let since = start.elapsed().as_secs_f64() * 1e3;
    assert_eq!(changed.rings.len(), COMMITS);
    let mean = latencies.iter().sum::<f64>() / latencies.len() as f64;
    let worst = latencies.iter().copied().fold(0.0, f64::max);

    println!();
    println!("| 10,000 rings in PostgreSQL | |");
    println!("|---|---|");
    println!("| connections that listen to all of them | {connections} |");
    println!("| announcements heard of {COMMITS} commits | {} |", latencies.len());
    println!(
        "| from the answer to a commit to its announcement | mean {mean:.2} ms, worst {worst:.2} ms |"
    );
    println!("| heads of all rings | {all:.0} ms |");
    println!("| heads of those that changed ({COMMITS}) | {since:.1} ms |");
    let id: KeyId = "first".parse().unwrap();
    assert_eq!(loaded(&stores[0]).await.records[0].info.id, id);
}
