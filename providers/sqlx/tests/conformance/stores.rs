//! Stores in SQLite and PostgreSQL, as the kit wants to be given them.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use key_rotation::conformance::{Backups, Directories, Fixture, LostRows};
use key_rotation::store::RingName;
use key_rotation::{KeyId, KeyProvider};
use key_rotation_sqlx::{Error, SqlxKeyProvider, SqlxRings, WrappedKey, migrate};

use crate::support::{TestDatabase, ring_name, unique};

/// Rings of one database: a new store is a ring of another name.
pub(crate) struct Stores<D: TestDatabase, P> {
    pub(crate) database: D,
    /// Another process, as far as the database can tell.
    pools: [sqlx::Pool<D::Backend>; 2],
    handle: PhantomData<fn() -> P>,
}

impl<D: TestDatabase, P> Stores<D, P> {
    pub(crate) async fn new() -> Self {
        let database = D::create().await;
        let pools = [database.pool().await, database.pool().await];
        migrate(&pools[0]).await.unwrap();
        Self { database, pools, handle: PhantomData }
    }
}

/// A store as a provider is held: itself, boxed or counted.
pub(crate) trait Handle<D: TestDatabase>:
    KeyProvider<Material = WrappedKey, Error = Error> + 'static
{
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
        material(number)
    }

    fn is_material(&self, number: u8, material: &WrappedKey) -> bool {
        *material.as_bytes() == *vec![number; usize::from(number) + 1]
    }
}

/// The tables with a row of a ring, in an order in which they can be filled.
const TABLES: [&str; 3] = ["rings", "keys", "events"];

/// The rows of one ring, in tables of their own.
impl<D: TestDatabase, P: Handle<D>> Backups for Stores<D, P> {
    type Backup = u32;

    async fn backup(&self, store: &P) -> u32 {
        let (number, ring) = (unique(), store.store().ring());
        let statements = TABLES.map(|table| {
            format!(
                "CREATE TABLE backup_{number}_{table} AS \
                 SELECT * FROM key_rotation_{table} WHERE ring = '{ring}';"
            )
        });
        self.database.carry_out(&statements.concat()).await.unwrap();
        number
    }

    async fn restore(&self, store: &P, number: &u32) {
        let ring = store.store().ring();
        let emptied = ["events", "keys", "rings"]
            .map(|table| format!("DELETE FROM key_rotation_{table} WHERE ring = '{ring}';"));
        let filled = TABLES.map(|table| {
            format!("INSERT INTO key_rotation_{table} SELECT * FROM backup_{number}_{table};")
        });
        let statements = format!("BEGIN; {} {} COMMIT;", emptied.concat(), filled.concat());
        self.database.carry_out(&statements).await.unwrap();
    }
}

impl<D: TestDatabase, P: Handle<D>> LostRows for Stores<D, P> {
    async fn delete_row(&self, store: &P, id: &KeyId) {
        let ring = store.store().ring();
        let statement =
            format!("DELETE FROM key_rotation_keys WHERE ring = '{ring}' AND id = '{id}'");
        self.database.by_hand(&statement).await.unwrap();
    }
}

/// A database for each directory.
pub(crate) struct Databases<D>(Mutex<Vec<D>>);

impl<D> Databases<D> {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }
}

impl<D: TestDatabase> Directories for Databases<D> {
    type Directory = SqlxRings<D::Backend>;
    type Provider = SqlxKeyProvider<D::Backend>;

    async fn new_directory(&self) -> SqlxRings<D::Backend> {
        let database = D::create().await;
        let rings = SqlxRings::new(database.pool().await);
        rings.migrate().await.unwrap();
        self.0.lock().unwrap().push(database);
        rings
    }

    async fn ring(
        &self,
        rings: &SqlxRings<D::Backend>,
        name: &RingName,
    ) -> SqlxKeyProvider<D::Backend> {
        rings.ring(name.clone())
    }

    fn material(&self, number: u8) -> WrappedKey {
        material(number)
    }
}

fn material(number: u8) -> WrappedKey {
    WrappedKey::new(vec![number; usize::from(number) + 1]).unwrap()
}
