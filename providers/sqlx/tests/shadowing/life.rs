//! A ring's life through all that this library offers, and what it must have left behind.

use key_rotation::store::{Events, History, Loaded, Mark, Revision, RingDirectory};
use key_rotation::{
    Inactive, Key, KeyProvider, KeyStatus, Outcome, RotationService, StrictSingleActive, Timestamp,
};
use key_rotation_sqlx::{Backend, SqlxKeyProvider, SqlxRings, WrappedKey};
use sqlx::{PgConnection, PgPool};

use crate::support::{loaded, ring_name, wrapped};

pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

pub(crate) fn key(id: &str) -> Key<Inactive, WrappedKey> {
    Key::new(id.parse().unwrap(), wrapped(id.as_bytes()), now())
}

pub(crate) fn service<P: KeyProvider>(store: P) -> RotationService<P, StrictSingleActive> {
    RotationService::new(store, StrictSingleActive)
}

pub(crate) async fn bootstraps<DB: Backend>(store: &SqlxKeyProvider<DB>, id: &str) {
    let ring = service(store.clone()).bootstrap(key(id), now()).await.unwrap();
    assert_eq!(ring.active().id().as_str(), id);
}

/// The ids and statuses that the store has, in its order.
pub(crate) async fn keys<DB: Backend>(
    store: &SqlxKeyProvider<DB>,
) -> Vec<(String, KeyStatus, Vec<u8>)> {
    let records = loaded(store).await.records;
    let key = |record: &key_rotation::KeyRecord<WrappedKey>| {
        let id = record.info.id.as_str().to_owned();
        (id, record.info.status, record.material.as_bytes().to_vec())
    };
    records.iter().map(key).collect()
}

/// What each commit says of itself.
pub(crate) async fn events<DB: Backend>(
    store: &SqlxKeyProvider<DB>,
    after: Revision,
) -> Vec<String> {
    let Events::Since(events) = store.history(after).await.unwrap() else {
        panic!("{after} is in the history")
    };
    let said = |text: String| text.split_once(": ").map(|(_, said)| said.to_owned()).unwrap();
    events.iter().map(|event| said(event.to_string())).collect()
}

/// Makes the tables, and lets the ring `payments` live in them: by the end, k1 is destroyed, k2 is
/// active and k3 staged.
pub(crate) async fn lives<DB: Backend>(rings: &SqlxRings<DB>) {
    rings.migrate().await.unwrap();
    let store = rings.ring(ring_name("payments"));
    assert!(loaded(&store).await.is_empty());
    assert_eq!(rings.rings().await.unwrap(), []);
    bootstraps(&store, "k1").await;
    let first = loaded(&store).await;
    let clock = first.store_time;
    assert!(clock.is_none_or(|time| now().as_unix_millis() - time.as_unix_millis() < 60_000));

    let service = service(store.clone());
    assert!(matches!(service.add(key("k2"), now()).await.unwrap(), Outcome::Done(_)));
    assert!(matches!(service.rotate_to("k2", now()).await.unwrap(), Outcome::Done(_)));
    assert!(matches!(service.retire("k1", now()).await.unwrap(), Outcome::Done(_)));
    assert!(matches!(service.destroy("k1", now()).await.unwrap(), Outcome::Done(_)));
    assert!(matches!(service.add(key("k3"), now()).await.unwrap(), Outcome::Done(_)));

    let last = loaded(&store).await;
    assert_eq!((last.revision.number, last.ids, last.destroyed.len()), (6, 3, 1));
    assert!(matches!(store.load(last.revision).await.unwrap(), Loaded::Unchanged { .. }));
    let Loaded::Ring(since) = store.load(first.revision).await.unwrap() else {
        panic!("the ring has changed")
    };
    assert_eq!(since.revision, last.revision);
    assert_eq!(
        keys(&store).await,
        [
            ("k2".into(), KeyStatus::Active, b"k2".to_vec()),
            ("k3".into(), KeyStatus::Inactive, b"k3".to_vec()),
        ]
    );
    assert_eq!(
        events(&store, first.revision).await,
        [
            "key `k2` was added",
            "key `k2` became active in the place of key `k1`",
            "key `k1` was retired",
            "key `k1` was destroyed",
            "key `k3` was added",
        ]
    );
    let listed = rings.changed_since(Mark::START).await.unwrap().rings;
    assert_eq!(rings.rings().await.unwrap(), listed);
    let heads: Vec<_> = listed.iter().map(|head| (head.ring.as_str(), head.revision)).collect();
    assert_eq!(heads, [("payments", last.revision)]);
    rings.migrate().await.unwrap();
}

/// Asserts that the tables of this schema have what [`lives`] leaves behind, and no more.
pub(crate) async fn has_lived(admin: &PgPool, schema: &str) {
    assert_eq!(
        content(admin, schema).await,
        [
            "ring payments 6",
            "key payments k1 destroyed",
            "key payments k2 active",
            "key payments k3 inactive",
            "event payments 1 create k1",
            "event payments 2 add k2",
            "event payments 3 activate k2",
            "event payments 4 retire k1",
            "event payments 5 destroy k1",
            "event payments 6 add k3",
        ]
    );
}

/// What the tables of a schema hold.
pub(crate) async fn content(pool: &PgPool, schema: &str) -> Vec<String> {
    content_of(&mut pool.acquire().await.unwrap(), schema).await
}

pub(crate) async fn content_of(connection: &mut PgConnection, schema: &str) -> Vec<String> {
    let mut content = Vec::new();
    for (what, columns, table) in [
        ("ring", "ring, revision::text", "rings"),
        ("key", "ring, id, status", "keys"),
        ("event", "ring, revision::text, action, id", "events"),
    ] {
        let rows = format!(
            "SELECT concat_ws(' ', '{what}', {columns}) \
             FROM \"{schema}\".key_rotation_{table} ORDER BY 1"
        );
        let rows = sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(rows));
        content.extend(rows.fetch_all(&mut *connection).await.unwrap());
    }
    content
}
