//! What the tests share: a database of their own, in SQLite and in PostgreSQL.

#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stop at the first surprise"
)]

pub(crate) mod postgres;
pub(crate) mod trials;

use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use key_rotation::KeyProvider;
use key_rotation::Timestamp;
use key_rotation::audit::{Grounds, Provenance};
use key_rotation::store::{Change, Loaded, Proposal, Revision, RingName, Snapshot};
use key_rotation_sqlx::{Backend, SqlxKeyProvider, WrappedKey, migrate};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{PgPool, Pool, Postgres, Sqlite, SqlitePool};
use tempfile::TempDir;

/// A database that is gone when this is dropped.
pub(crate) trait TestDatabase: Sync + Send + Sized + 'static {
    type Backend: Backend;

    /// A new one, with nothing in it.
    fn create() -> impl Future<Output = Self> + Send;

    /// Where it is, for another process.
    fn url(&self) -> String;

    /// A pool of connections to it.
    fn pool(&self) -> impl Future<Output = Pool<Self::Backend>> + Send;

    /// The same, with connections that may not write.
    fn read_only_pool(&self) -> impl Future<Output = Pool<Self::Backend>> + Send;

    /// A pool of a database that is not there.
    fn pool_of_none() -> Pool<Self::Backend>;

    /// Carries statements out, with the checks of the schema.
    fn carry_out(&self, statements: &str) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Carries statements out as a stray hand would, without the checks of the schema.
    fn by_hand(&self, statements: &str) -> impl Future<Output = sqlx::Result<()>> + Send;
}

/// The ring of this name in a new database.
pub(crate) async fn new_ring<D: TestDatabase>(name: &str) -> (D, SqlxKeyProvider<D::Backend>) {
    let database = D::create().await;
    let pool = database.pool().await;
    migrate(&pool).await.unwrap();
    let store = SqlxKeyProvider::new(pool, ring_name(name));
    (database, store)
}

pub(crate) fn ring_name(name: &str) -> RingName {
    name.parse().unwrap()
}

/// Everything that the store has.
pub(crate) async fn loaded<P: KeyProvider<Error: std::fmt::Debug>>(
    store: &P,
) -> Snapshot<P::Material> {
    match store.load(Revision::EMPTY).await.unwrap() {
        Loaded::Ring(snapshot) => snapshot,
        other => panic!("{other:?}"),
    }
}

/// The revision that the store is at.
pub(crate) async fn revision<P: KeyProvider<Error: std::fmt::Debug>>(store: &P) -> Revision {
    loaded(store).await.revision
}

/// A proposal of this change, with a tag of its own.
pub(crate) fn proposal(expected: Revision, change: Change<WrappedKey>) -> Proposal<WrappedKey> {
    let at = Timestamp::from_unix_millis(50);
    let provenance = Provenance { actor: "test".parse().unwrap(), grounds: Grounds::Ordinary, at };
    let next = expected.next(Revision::random_tag()).unwrap();
    Proposal { expected, next, change, provenance, valid_until: None }
}

/// A wrapped key of these bytes.
pub(crate) fn wrapped(bytes: &[u8]) -> WrappedKey {
    WrappedKey::new(bytes).unwrap()
}

/// A number that no other call in this process has had.
pub(crate) fn unique() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// An SQLite file.
pub(crate) struct SqliteFile {
    folder: TempDir,
}

impl SqliteFile {
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("keys.sqlite")
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(self.path())
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
    }

    /// A pool of one connection.
    pub(crate) async fn pool_of_one(&self) -> SqlitePool {
        let one = SqlitePoolOptions::new().max_connections(1);
        one.connect_with(self.options()).await.unwrap()
    }

    /// A pool that opens the file when it is first used, and does not make it.
    pub(crate) fn lazy_pool(&self) -> SqlitePool {
        SqlitePoolOptions::new()
            .connect_lazy_with(SqliteConnectOptions::new().filename(self.path()))
    }

    /// A pool that hardly waits for another program to be done with the file.
    pub(crate) async fn impatient_pool(&self) -> SqlitePool {
        let options = self.options().busy_timeout(Duration::from_millis(50));
        SqlitePoolOptions::new().connect_with(options).await.unwrap()
    }
}

impl TestDatabase for SqliteFile {
    type Backend = Sqlite;

    async fn create() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }

    async fn pool(&self) -> SqlitePool {
        SqlitePoolOptions::new().connect_with(self.options()).await.unwrap()
    }

    async fn read_only_pool(&self) -> SqlitePool {
        let options = self.options().create_if_missing(false).pragma("query_only", "ON");
        SqlitePoolOptions::new().connect_with(options).await.unwrap()
    }

    fn pool_of_none() -> SqlitePool {
        Self { folder: tempfile::tempdir().unwrap() }.lazy_pool()
    }

    async fn carry_out(&self, statements: &str) -> sqlx::Result<()> {
        let pool = self.pool().await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&pool).await?;
        pool.close().await;
        Ok(())
    }

    async fn by_hand(&self, statements: &str) -> sqlx::Result<()> {
        let options = self.options().foreign_keys(false).pragma("ignore_check_constraints", "ON");
        let pool = SqlitePoolOptions::new().connect_with(options).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&pool).await?;
        pool.close().await;
        Ok(())
    }
}

/// A PostgreSQL database of its own.
pub(crate) struct PostgresDatabase {
    server: &'static postgres::Server,
    name: String,
}

impl PostgresDatabase {
    /// A pool whose connections have the rights of this role.
    pub(crate) async fn pool_as(&self, role: &str) -> PgPool {
        self.server.pool_with(&self.name, &[("role", role)]).await
    }

    /// A pool of one connection.
    pub(crate) async fn pool_of_one(&self) -> PgPool {
        let options = PgConnectOptions::clone(&self.pool().await.connect_options());
        PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap()
    }

    /// A pool whose connections have this setting.
    pub(crate) async fn pool_with(&self, settings: &[(&str, &str)]) -> PgPool {
        self.server.pool_with(&self.name, settings).await
    }

    /// Another database with the same content. Nobody may be connected to this one meanwhile.
    pub(crate) async fn copy(&self) -> Self {
        Self::made_by(self.server, &format!("TEMPLATE {}", self.name)).await
    }

    async fn made_by(server: &'static postgres::Server, how: &str) -> Self {
        let name = format!("key_rotation_test_{}_{}", std::process::id(), unique());
        server.administer(format!("CREATE DATABASE {name} {how}")).await;
        Self { server, name }
    }
}

impl TestDatabase for PostgresDatabase {
    type Backend = Postgres;

    async fn create() -> Self {
        let server = postgres::server().expect("a trial that needs PostgreSQL runs only with one");
        Self::made_by(server, "").await
    }

    fn url(&self) -> String {
        self.server.url_of(&self.name)
    }

    async fn pool(&self) -> PgPool {
        self.server.pool_with(&self.name, &[]).await
    }

    async fn read_only_pool(&self) -> PgPool {
        self.pool_with(&[("default_transaction_read_only", "on")]).await
    }

    fn pool_of_none() -> PgPool {
        // sqlx tries again, in case the server is starting.
        let options = PgPoolOptions::new().acquire_timeout(Duration::from_millis(200));
        let nobody = PgConnectOptions::new_without_pgpass().host("127.0.0.1");
        options.connect_lazy_with(nobody.port(postgres::free_port().unwrap()))
    }

    async fn carry_out(&self, statements: &str) -> sqlx::Result<()> {
        let pool = self.pool().await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&pool).await?;
        pool.close().await;
        Ok(())
    }

    async fn by_hand(&self, statements: &str) -> sqlx::Result<()> {
        let without_checks = "DO $$ DECLARE c record; BEGIN \
            FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint \
                WHERE contype IN ('c', 'f') AND connamespace = current_schema()::regnamespace \
            LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP; \
            END $$;";
        self.carry_out(&format!("{without_checks} {statements}")).await
    }
}

/// A server of the user's is left as it was found.
impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        if self.server.is_own {
            return;
        }
        let (server, drop) = (self.server, format!("DROP DATABASE {} WITH (FORCE)", self.name));
        // A thread of its own, because this may be one of a runtime, which must not block.
        let dropped = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(server.administer(drop));
        });
        if dropped.join().is_err() {
            eprintln!("the database {} is left behind", self.name);
        }
    }
}
