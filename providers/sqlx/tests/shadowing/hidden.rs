//! Row-level security that hides rows from the role: what is hidden is damage and not a cold start,
//! its id is not free, and nothing is written.

use key_rotation::error::{ChangeMismatch, RotationError, Violation};
use key_rotation::key::{Closing, Retirement, Rotation};
use key_rotation::store::{Change, CommitError, Events, History, Loaded, Revision};
use key_rotation::{KeyId, KeyProvider, KeyRef, KeyStatus, Outcome};
use key_rotation_sqlx::{Error, RowProblem, SqlxKeyProvider, WrappedKey, migrate};
use libtest_mimic::Trial;
use sqlx::{AssertSqlSafe, PgPool, Postgres};

use crate::life::{bootstraps, key, keys, now, service};
use crate::support::trials::trial;
use crate::support::{
    PostgresDatabase, TestDatabase, loaded, proposal, revision, ring_name, unique,
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("postgres::a_hidden_key_is_damage_and_its_id_is_not_free", hidden_key),
        trial("postgres::a_key_hidden_from_updates_is_not_changed", hidden_from_updates),
        trial("postgres::a_hidden_ring_row_is_damage", hidden_ring),
        trial("postgres::a_hidden_newest_event_is_damage", hidden_newest_event),
        trial("postgres::a_hidden_older_event_is_no_confirmation", hidden_older_event),
        trial("postgres::a_ring_that_is_hidden_as_a_whole_is_not_written_to", all_hidden),
    ]
}

/// A ring `payments` with k1 active, and k2 and k3 staged, as a role sees it that may read and write
/// it all, but for what the policies hide.
struct Hidden {
    database: PostgresDatabase,
    role: String,
    /// As the role sees it.
    store: SqlxKeyProvider<Postgres>,
    pool: PgPool,
    /// As the owner sees it.
    whole: SqlxKeyProvider<Postgres>,
    admin: PgPool,
}

impl Hidden {
    async fn by(policies: &str) -> Self {
        let database = PostgresDatabase::create().await;
        let admin = database.pool().await;
        migrate(&admin).await.unwrap();
        let whole = SqlxKeyProvider::new(admin.clone(), ring_name("payments"));
        bootstraps(&whole, "k1").await;
        for id in ["k2", "k3"] {
            let added = service(whole.clone()).add(key(id), now()).await.unwrap();
            assert!(matches!(added, Outcome::Done(_)));
        }
        let role = format!("key_rotation_half_blind_{}_{}", std::process::id(), unique());
        let grants = format!(
            "CREATE ROLE {role}; \
             GRANT SELECT, INSERT, UPDATE ON key_rotation_rings, key_rotation_keys, \
                 key_rotation_events, key_rotation_migrations TO {role}; {policies}"
        );
        database.carry_out(&grants).await.unwrap();
        let pool = database.pool_as(&role).await;
        let store = SqlxKeyProvider::new(pool.clone(), ring_name("payments"));
        Self { database, role, store, pool, whole, admin }
    }

    /// A hash of every row, as the owner sees them.
    async fn hash(&self) -> Vec<String> {
        let mut hashes = Vec::new();
        for table in ["rings", "keys", "events"] {
            let hash = format!(
                "SELECT md5(string_agg(row::text, ',' ORDER BY row::text)) \
                 FROM key_rotation_{table} AS row"
            );
            let hash = sqlx::query_scalar::<_, String>(AssertSqlSafe(hash));
            hashes.push(hash.fetch_one(&self.admin).await.unwrap());
        }
        hashes
    }

    async fn commits(&self, change: Change<WrappedKey>) -> Result<(), CommitError<Error>> {
        let expected = revision(&self.whole).await;
        self.store.commit(&proposal(expected, change)).await.map(drop)
    }

    /// Whatever the service is asked to do, it is refused because of the damage.
    async fn is_damaged(&self, is_damage: impl Fn(&Error) -> bool) {
        let seen = revision(&self.whole).await;
        for seen in [Revision::EMPTY, seen] {
            let error = self.store.load(seen).await.unwrap_err();
            assert!(is_damage(&error), "{error:?}");
            assert!(error.to_string().contains("ring `payments`"), "{error}");
        }
        let service = service(self.store.clone());
        for refused in [
            service.add(key("k2"), now()).await.map(drop),
            service.add(key("k9"), now()).await.map(drop),
            service.rotate_to("k3", now()).await.map(drop),
            service.rotate_to("k2", now()).await.map(drop),
            service.retire("k2", now()).await.map(drop),
            service.bootstrap(key("k9"), now()).await.map(drop),
            service.close("erased".parse().unwrap(), now()).await.map(drop),
        ] {
            let error = refused.unwrap_err();
            assert!(
                matches!(&error, RotationError::Provider(error) if is_damage(error)),
                "{error:?}"
            );
        }
    }

    /// Ends the role, and asserts that the owner still finds all that was there.
    async fn ends(self, before: Vec<String>) {
        assert_eq!(self.hash().await, before, "nothing was written");
        let statuses: Vec<_> =
            keys(&self.whole).await.into_iter().map(|(id, status, _)| (id, status)).collect();
        let (active, staged) = (KeyStatus::Active, KeyStatus::Inactive);
        assert_eq!(statuses, [("k1".into(), active), ("k2".into(), staged), ("k3".into(), staged)]);
        self.pool.close().await;
        let drop = format!("DROP OWNED BY {0}; DROP ROLE {0}", self.role);
        self.database.carry_out(&drop).await.unwrap();
    }
}

fn add(id: &str) -> Change<WrappedKey> {
    Change::Add(KeyRef::from(&key(id)).to_record().staged())
}

fn retire(id: &str) -> Change<WrappedKey> {
    Change::Retire { retirement: Retirement::new(id.parse().unwrap(), now()), material: None }
}

fn rotate(from: &str, to: &str) -> Change<WrappedKey> {
    Change::Activate(Rotation::new(from.parse().unwrap(), to.parse().unwrap(), now(), false))
}

fn close() -> Change<WrappedKey> {
    Change::Close(Closing::new("k1".parse().unwrap(), now()))
}

fn create(id: &str) -> Change<WrappedKey> {
    let records = vec![KeyRef::from(&key(id).activate(now())).to_record()];
    Change::Create { records, destroyed: vec![] }
}

async fn hidden_key() {
    let hide = "ALTER TABLE key_rotation_keys ENABLE ROW LEVEL SECURITY; ";
    for policies in [
        "CREATE POLICY hide ON key_rotation_keys USING (id <> 'k2')",
        // Hidden, but not kept from being written.
        "CREATE POLICY hide ON key_rotation_keys USING (id <> 'k2') WITH CHECK (true)",
    ] {
        let hidden = Hidden::by(&[hide, policies].concat()).await;
        let before = hidden.hash().await;
        let is_named = |error: &Error| {
            matches!(error, Error::OtherIds { reason, .. }
                if reason.lost() == [KeyId::from_static("k2")] && reason.unknown().is_empty())
        };
        hidden.is_damaged(is_named).await;
        // The store by itself, where a change is about the row.
        let error = hidden.commits(add("k2")).await.unwrap_err();
        assert!(matches!(&error, CommitError::Refused(error) if is_named(error)), "{error:?}");
        for change in [retire("k2"), rotate("k1", "k2")] {
            let error = hidden.commits(change).await.unwrap_err();
            assert!(
                matches!(&error, CommitError::Mismatch(ChangeMismatch::KeyNotFound { id })
                    if id.as_str() == "k2"),
                "{error:?}"
            );
        }
        // A ring that is closed has no key left, so none may be hidden.
        let error = hidden.commits(close()).await.unwrap_err();
        let lost = [Violation::LostKeys { used: 3, found: 2 }];
        assert!(
            matches!(&error, CommitError::Refused(Error::InvalidRing { reason, .. })
                if reason.violations() == lost),
            "{error:?}"
        );
        hidden.ends(before).await;
    }
}

async fn hidden_from_updates() {
    let hidden = Hidden::by(
        "ALTER TABLE key_rotation_keys ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY show ON key_rotation_keys FOR SELECT USING (true); \
         CREATE POLICY add ON key_rotation_keys FOR INSERT WITH CHECK (true); \
         CREATE POLICY hide ON key_rotation_keys FOR UPDATE USING (id <> 'k2')",
    )
    .await;
    let before = hidden.hash().await;
    assert_eq!(loaded(&hidden.store).await.records.len(), 3);
    for change in [retire("k2"), rotate("k1", "k2"), close()] {
        let error = hidden.commits(change).await.unwrap_err();
        let CommitError::NotWritten(error @ Error::Database { source, .. }) = &error else {
            panic!("{error:?}")
        };
        assert!(error.to_string().contains("ring `payments`"), "{error}");
        assert_eq!(source.to_string(), "a row is not there: it was changed by hand, or is hidden");
        assert_eq!(hidden.hash().await, before);
    }
    hidden.ends(before).await;
}

async fn hidden_ring() {
    let hide = "ALTER TABLE key_rotation_rings ENABLE ROW LEVEL SECURITY; ";
    for policies in [
        "CREATE POLICY hide ON key_rotation_rings USING (ring <> 'payments')",
        "CREATE POLICY hide ON key_rotation_rings USING (ring <> 'payments') WITH CHECK (true)",
    ] {
        let hidden = Hidden::by(&[hide, policies].concat()).await;
        let before = hidden.hash().await;
        let newest = revision(&hidden.whole).await;
        let is_damage = |error: &Error| {
            matches!(error, Error::Row { row, reason: RowProblem::RevisionMismatch {
                revision: Revision::EMPTY, newest_event,
            }, .. } if *row == *"payments" && *newest_event == newest)
        };
        hidden.is_damaged(is_damage).await;
        for change in [add("k9"), retire("k2"), rotate("k1", "k2"), close()] {
            let error = hidden.commits(change).await.unwrap_err();
            assert!(matches!(&error, CommitError::Refused(error) if is_damage(error)), "{error:?}");
        }
        let first = proposal(Revision::EMPTY, create("k9"));
        let error = hidden.store.commit(&first).await.unwrap_err();
        assert!(
            matches!(&error, CommitError::Refused(error)
                if is_damage(error) || matches!(error, Error::ReadOnly { .. })),
            "{error:?}"
        );
        hidden.ends(before).await;
    }
}

async fn hidden_newest_event() {
    let hidden = Hidden::by(
        "ALTER TABLE key_rotation_events ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY hide ON key_rotation_events USING (revision <> 3) WITH CHECK (true)",
    )
    .await;
    let before = hidden.hash().await;
    let is_damage = |error: &Error| {
        matches!(error, Error::Row { row, reason: RowProblem::RevisionMismatch {
            revision, newest_event,
        }, .. } if *row == *"payments"
            && (revision.number, newest_event.number) == (3, 2))
    };
    hidden.is_damaged(is_damage).await;
    let error = hidden.store.history(Revision::EMPTY).await.unwrap_err();
    assert!(is_damage(&error), "{error:?}");
    for change in [add("k9"), retire("k2"), close()] {
        let error = hidden.commits(change).await.unwrap_err();
        assert!(matches!(&error, CommitError::Refused(error) if is_damage(error)), "{error:?}");
    }
    hidden.ends(before).await;
}

/// An older event is no part of the ring. One who has seen its revision is not told that the ring
/// comes from it.
async fn hidden_older_event() {
    let hidden = Hidden::by(
        "ALTER TABLE key_rotation_events ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY hide ON key_rotation_events USING (revision <> 2) WITH CHECK (true)",
    )
    .await;
    let before = hidden.hash().await;
    let Events::Since(events) = hidden.whole.history(Revision::EMPTY).await.unwrap() else {
        panic!("all of them")
    };
    let revisions: Vec<Revision> = events.iter().map(|event| event.revision).collect();
    let [first, second, third] = *revisions.as_slice() else { panic!("{revisions:?}") };
    assert_eq!(loaded(&hidden.store).await.records.len(), 3);
    assert!(matches!(hidden.store.load(third).await.unwrap(), Loaded::Unchanged { .. }));
    assert!(matches!(hidden.store.load(first).await.unwrap(), Loaded::Ring(_)));
    let Loaded::NotInHistory { seen, found } = hidden.store.load(second).await.unwrap() else {
        panic!("{second} is hidden")
    };
    assert_eq!((seen, found), (second, third));
    let history = hidden.store.history(second).await.unwrap();
    assert_eq!(history, Events::NotInHistory { seen: second, found: third });
    hidden.ends(before).await;
}

async fn all_hidden() {
    let hide = |check: &str| {
        ["rings", "keys", "events"]
            .map(|table| {
                format!(
                    "ALTER TABLE key_rotation_{table} ENABLE ROW LEVEL SECURITY; \
                     CREATE POLICY hide ON key_rotation_{table} USING (ring <> 'payments') {check};"
                )
            })
            .concat()
    };
    for check in ["", "WITH CHECK (true)"] {
        let hidden = Hidden::by(&hide(check)).await;
        let before = hidden.hash().await;
        assert!(loaded(&hidden.store).await.is_empty(), "nothing shows that anything is hidden");
        // PostgreSQL says so where it is asked to.
        let settings = [("role", hidden.role.as_str()), ("row_security", "off")];
        let pool = hidden.database.pool_with(&settings).await;
        let told = SqlxKeyProvider::new(pool.clone(), ring_name("payments"));
        let error = told.load(Revision::EMPTY).await.unwrap_err();
        assert!(
            matches!(&error, Error::ReadOnly { source, .. } if source.code() == Some("42501")),
            "{error:?}"
        );
        pool.close().await;
        for id in ["k1", "k9"] {
            let first = proposal(Revision::EMPTY, create(id));
            let error = hidden.store.commit(&first).await.unwrap_err();
            assert!(
                matches!(
                    error,
                    CommitError::Refused(Error::ReadOnly { .. } | Error::Database { .. })
                        | CommitError::NotWritten(Error::Database { .. })
                ),
                "{error:?}"
            );
            assert!(service(hidden.store.clone()).bootstrap(key(id), now()).await.is_err());
        }
        hidden.ends(before).await;
    }
}
