//! The main job on the distributed engine: several processes' worth of services over one database,
//! two of which race to rotate, and nothing becomes unreadable.
//!
//! ```text
//! cargo run -p key-rotation-sqlx --example fleet_rotation                      an SQLite file
//! cargo run -p key-rotation-sqlx --example fleet_rotation -- postgres://…      PostgreSQL
//! ```
//!
//! In PostgreSQL it makes a ring of a new name. Where something is not as it must be, it ends with
//! an error.

#![forbid(unsafe_code)]

#[path = "shared/vault.rs"]
mod vault;

use key_rotation::key::RotationDecision;
use key_rotation::store::RingName;
use key_rotation::{
    DecryptionKeyError, Inactive, Key, Outcome, RotationService, StrictSingleActive, Timestamp,
};
use key_rotation_sqlx::{Backend, SqlxKeyProvider, WrappedKey, migrate};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{PgPool, Pool, SqlitePool};

use self::vault::{Kms, Result, Sealed, open, seal};

type Service<DB> = RotationService<SqlxKeyProvider<DB>, StrictSingleActive>;

const FIRST: &str = "2026-q3";

#[tokio::main]
async fn main() -> Result<()> {
    match std::env::args().nth(1) {
        Some(url) => {
            let pool = PgPool::connect(&url).await?;
            let ring: RingName =
                format!("example-{}", Timestamp::now().as_unix_millis()).parse()?;
            println!("ring `{ring}` in PostgreSQL");
            rotate(pool, ring).await
        }
        None => {
            let folder = tempfile::tempdir()?;
            let file = folder.path().join("keys.sqlite");
            let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
            println!("ring `example` in SQLite, in a temporary file");
            rotate(SqlitePool::connect_with(options).await?, "example".parse()?).await
        }
    }
}

async fn rotate<DB: Backend>(pool: Pool<DB>, ring: RingName) -> Result<()> {
    let kms = Kms::of_the_example();
    migrate(&pool).await?;
    let service = |pool: &Pool<DB>| -> Service<DB> {
        RotationService::new(SqlxKeyProvider::new(pool.clone(), ring.clone()), StrictSingleActive)
    };
    let (here, there) = (service(&pool), service(&pool));

    heading("A cold start of two hosts, each with a first key of its own");
    let (mine, theirs) = (kms.new_key(FIRST.parse()?)?, kms.new_key("2026-q3-b".parse()?)?);
    let (one, other) = tokio::join!(
        here.bootstrap(mine, Timestamp::now()),
        there.bootstrap(theirs, Timestamp::now())
    );
    let (one, other) = (one?, other?);
    ensure(one.active().id() == other.active().id(), "two hosts have two first keys")?;
    let first = one.active().id().clone();
    println!("both have {first}");
    let texts = ["an email in a queue", "a webhook's payload", "a column"];
    let ciphers = kms.unwrap_ring(&one)?;
    let old = seal_all(&texts, |text| seal(ciphers.encryption_key(), text))?;

    heading("Rotate, and both hosts want to");
    println!("1. each adds a key: it is inactive, and wrapped");
    add(&here, kms.new_key("2026-q4".parse()?)?).await?;
    add(&there, kms.new_key("2026-q4-b".parse()?)?).await?;
    println!("2. every host loads the ring");
    let ciphers = kms.unwrap_ring(&here.keyring().await?)?;
    println!("   {} keys, unwrapped once each", ciphers.len());
    println!("3. each activates its key, at the same time");
    let (one, other) = tokio::join!(
        here.rotate_to("2026-q4", Timestamp::now()),
        there.rotate_to("2026-q4-b", Timestamp::now())
    );
    let mut done = 0;
    for (host, outcome) in [("here", one?), ("there", other?)] {
        match outcome {
            Outcome::Done(RotationDecision::Rotated(rotation)) => {
                done += 1;
                println!("   {host}: {rotation}");
            }
            Outcome::Done(RotationDecision::AlreadyActive { id, .. }) => {
                println!("   {host}: {id} was active already");
            }
            Outcome::LostRace { now } => {
                println!("   {host}: lost the race, {} is active", now.active().id);
            }
        }
    }
    ensure(done >= 1, "nobody has rotated")?;
    let ring = here.keyring().await?;
    ensure(ring.active().id() != &first, "the first key is still active")?;
    print!("\n{}", ring.state());

    heading("Encrypt under the new key, and read everything");
    let ciphers = kms.unwrap_ring(&ring)?;
    let new = seal_all(&texts, |text| seal(ciphers.encryption_key(), text))?;
    for (sealed, text) in old.iter().chain(&new).zip(texts.iter().cycle()) {
        let key = ciphers.decryption_key(&sealed.key_id)?;
        ensure(open(key, sealed)? == *text, "a text came back changed")?;
        println!("opened under {} ({}): {text}", key.id(), key.status());
    }

    heading("The end of the first key");
    println!("{}", finished(here.retire(first.as_str(), Timestamp::now()).await?)?);
    println!("{}", finished(there.destroy(first.as_str(), Timestamp::now()).await?)?);
    let ciphers = kms.unwrap_ring(&there.keyring().await?)?;
    match ciphers.decryption_key(first.as_str()) {
        Err(error @ DecryptionKeyError::KeyDestroyed { .. }) => println!("refused: {error}"),
        other => return Err(format!("{other:?} instead of a destroyed key").into()),
    }
    println!("\nDone: {} texts, each read under its key, on one database.", old.len() + new.len());
    Ok(())
}

/// Adds a key. Whoever loses a race looks again and tries again: the other's change is welcome.
async fn add<DB: Backend>(service: &Service<DB>, key: Key<Inactive, WrappedKey>) -> Result<()> {
    loop {
        match service.add(&key, Timestamp::now()).await? {
            Outcome::Done(receipt) => {
                println!("   {receipt}");
                return Ok(());
            }
            Outcome::LostRace { .. } => println!("   lost a race, and adds {} again", key.id()),
        }
    }
}

fn seal_all(texts: &[&str], seal: impl Fn(&str) -> Result<Sealed>) -> Result<Vec<Sealed>> {
    let seal_one = |text: &&str| {
        let sealed = seal(text)?;
        println!("sealed under {}: {text}", sealed.key_id);
        Ok(sealed)
    };
    texts.iter().map(seal_one).collect()
}

fn finished<T>(outcome: Outcome<T>) -> Result<T> {
    match outcome {
        Outcome::Done(receipt) => Ok(receipt),
        Outcome::LostRace { now } => Err(format!("somebody else changed the ring:\n{now}").into()),
    }
}

fn ensure(holds: bool, otherwise: &'static str) -> Result<()> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

fn heading(text: &str) {
    println!("\n== {text}\n");
}
