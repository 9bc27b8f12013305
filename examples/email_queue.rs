//! For a program that keeps encrypted data in a database for longer than a key is active: a queue of
//! deferred emails, in SQLite, whose payloads outlive two rotations.
//!
//! ```text
//! cargo run --example email_queue
//! ```
//!
//! What to look at:
//!
//! - the `key_id` column, and `Process::open`: whichever key sealed a payload opens it, and a
//!   process whose ring is older than the payload's key loads the ring again, once;
//! - `rotate`: add, wait until every process has the key, activate;
//! - the end of `run`: a key is retired and destroyed when SQL says that nothing needs it.
#![forbid(unsafe_code)]

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs, process};

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use key_rotation::error::MaterialError;
use key_rotation::{
    DecryptionKeyError, EncryptionKey, InMemoryKeyProvider, Inactive, Key, KeyId, KeyMaterial,
    Keyring, Outcome, RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;
use rusqlite::{Connection, Row, params};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;
type Keys = RotationService<InMemoryKeyProvider, StrictSingleActive>;

const Q1: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000); // 2026-01-01
const Q2: Timestamp = Timestamp::from_unix_millis(1_775_001_600_000); // 2026-04-01
const Q3: Timestamp = Timestamp::from_unix_millis(1_782_864_000_000); // 2026-07-01
const Q4: Timestamp = Timestamp::from_unix_millis(1_790_812_800_000); // 2026-10-01

const Q1_KEY: &str = "2026-q1";
const Q2_KEY: &str = "2026-q2";
const Q3_KEY: &str = "2026-q3";

/// `key_id` is in the clear: it says which key opens the row, and SQL can count it. The numbers of
/// deleted jobs are not given out again, because a payload is bound to its number.
const SCHEMA: &str = "
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, not_before INTEGER NOT NULL,
        key_id TEXT NOT NULL, nonce BLOB NOT NULL, body BLOB NOT NULL);
    CREATE TABLE dead_letters (
        id INTEGER PRIMARY KEY, key_id TEXT NOT NULL, nonce BLOB NOT NULL, body BLOB NOT NULL);";

fn main() -> Result<()> {
    let file = TempFile(env::temp_dir().join(format!("email-queue-{}.sqlite", process::id())));
    let delivered = run(&file)?;
    let path = file.0.clone();
    drop(file);
    check("the database file is removed", !path.exists())?;

    println!(
        "\nProven: {} payloads under {} keys were opened after two rotations, and the oldest key \
         was destroyed when no job needed it.",
        delivered.iter().map(|(_, count)| count).sum::<usize>(),
        delivered.len(),
    );
    Ok(())
}

/// Returns how many emails were delivered from under each key.
fn run(file: &TempFile) -> Result<Vec<(&'static str, usize)>> {
    let keys = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    let db = Connection::open(&file.0)?;
    db.execute_batch(SCHEMA)?;

    println!("First quarter: the first key.");
    let first = block_on(keys.bootstrap(new_key(Q1_KEY, Q1)?, Q1))?;
    println!("   {} is active", first.active().id());
    let mut web = Process::start("web", &keys)?;
    web.enqueue(&db, Q2, "ada@example.com", "Your trial is over.")?;
    web.enqueue(&db, Q3, "bob@bounces.example", "Your half-year report.")?;
    web.enqueue(&db, Q4, "cleo@example.com", "Your contract ends.")?;

    println!("\nSecond quarter: a rotation for which every process is there.");
    let mut worker = Process::start("worker", &keys)?;
    rotate(&keys, Q2_KEY, Q2, &mut [&mut web, &mut worker])?;
    web.enqueue(&db, Q3, "dan@example.com", "Your invoice.")?;
    web.enqueue(&db, Q3, "eve@example.com", "Your receipt.")?;

    println!("\nThird quarter: a rotation that the worker sleeps through.");
    rotate(&keys, Q3_KEY, Q3, &mut [&mut web])?;
    web.enqueue(&db, Q3, "finn@example.com", "Welcome!")?;
    web.enqueue(&db, Q4, "gil@example.com", "Your first quarter with us.")?;
    print!("{}", web.ring.state());
    drop((web, db));

    println!("\nThe worker wakes up, with the database file and the ring of last quarter:");
    let on_disk = fs::read(&file.0)?;
    let readable = |text: &str| on_disk.windows(text.len()).any(|part| part == text.as_bytes());
    check("the file shows key ids, and no address", readable(Q1_KEY) && !readable("@example"))?;

    let db = Connection::open(&file.0)?;
    check("a payload moved to another row does not open", worker.refuses_a_moved_payload(&db)?)?;
    let loads_before = worker.loads;
    let delivered = worker.deliver(&db, Q3)?;
    check("all that was due is gone", due(&db, Q3)?.is_empty())?;
    check("the ring was loaded again once", worker.loads == loads_before + 1)?;
    check("every key was needed", delivered.iter().all(|(_, count)| *count > 0))?;

    println!("\nThe first key is to go. What does it hold up?");
    print_use(&db)?;
    worker.seal_again(&db)?;
    print_use(&db)?;
    retire_and_destroy(&keys, &db, Q1_KEY)?;

    println!("\nThe dead letter was under it, and is given up knowingly:");
    let dead = rows(&db, "dead_letters", [])?;
    let dead = dead.first().ok_or("the bounced email is missing")?;
    check("a ring from before still has the key", worker.open(dead).is_ok())?;
    worker.load()?;
    let error = worker.open(dead).err().ok_or("a payload opened without its key")?;
    println!("   worker: {error}");
    let error = error.downcast_ref();
    check("it is gone for good", matches!(error, Some(DecryptionKeyError::KeyDestroyed { .. })))?;
    db.execute("DELETE FROM dead_letters WHERE key_id = ?1", [Q1_KEY])?;
    check(
        "what is left opens",
        worker.deliver(&db, Q4)?.iter().map(|(_, n)| n).sum::<usize>() == 2,
    )?;
    print!("{}", worker.ring.state());
    Ok(delivered)
}

/// Add; wait until every process has loaded the key; activate. In this order no process meets a
/// payload under a key that it does not have, as long as the wait leaves none out.
fn rotate(
    keys: &Keys,
    id: &'static str,
    at: Timestamp,
    fleet: &mut [&mut Process<'_>],
) -> Result<()> {
    let _ = done(block_on(keys.add(new_key(id, at)?, at))?)?;
    for process in &mut *fleet {
        process.load()?;
    }
    if fleet.iter().any(|process| process.ring.get(id).is_none()) {
        return Err(
            format!("not every process has key {id}: it is too early to activate it").into()
        );
    }
    let names: Vec<_> = fleet.iter().map(|process| process.name).collect();
    println!("   {id} is added, and loaded by {}", names.join(" and "));
    println!("   {}", done(block_on(keys.rotate_to(id, at))?)?);
    // Those that encrypt load again to do it with the new key; until then they use the old one.
    fleet.iter_mut().try_for_each(|process| process.load())
}

/// Retires a key, then destroys it, each only if no job refers to it. No new job can, once every
/// process that encrypts has loaded the ring that came of the rotation. Time passes between the
/// two, in which a mistake is found while the data can still be read.
fn retire_and_destroy(keys: &Keys, db: &Connection, id: &str) -> Result<()> {
    let still_used = || {
        db.query_row("SELECT COUNT(*) FROM jobs WHERE key_id = ?1", [id], |row| {
            row.get::<_, u32>(0)
        })
    };
    check("no job refers to it: retire", still_used()? == 0)?;
    println!("   {}", done(block_on(keys.retire(id, Q3))?)?);
    check("no job refers to it: destroy", still_used()? == 0)?;
    println!("   {}", done(block_on(keys.destroy(id, Q4))?)?);
    Ok(())
}

/// A process of the service: what it knows of the keys is what it has loaded.
struct Process<'k> {
    name: &'static str,
    keys: &'k Keys,
    ring: Keyring<Aes256Gcm>,
    loads: usize,
}

impl<'k> Process<'k> {
    fn start(name: &'static str, keys: &'k Keys) -> Result<Self> {
        Ok(Self { name, keys, ring: load(keys)?, loads: 1 })
    }

    fn load(&mut self) -> Result<()> {
        self.ring = load(self.keys)?;
        self.loads += 1;
        Ok(())
    }

    /// Stores a job, sealed under the active key. The payload is bound to the number that the
    /// database gives the row, so the row is made first, and both happen or neither.
    fn enqueue(&self, db: &Connection, not_before: Timestamp, to: &str, text: &str) -> Result<()> {
        let key = self.ring.encryption_key();
        let not_before = i64::try_from(not_before.as_unix_millis())?;
        let transaction = db.unchecked_transaction()?;
        let insert = "INSERT INTO jobs (not_before, key_id, nonce, body) VALUES (?1, '', x'', x'')";
        transaction.execute(insert, [not_before])?;
        let job = Job::seal(key, transaction.last_insert_rowid(), &format!("{to}\n{text}"))?;
        job.store(&transaction)?;
        transaction.commit()?;
        println!("   {}: job {} is sealed under {}", self.name, job.id, job.key_id);
        Ok(())
    }

    /// Opens a payload with the key that its row names. A key that this process has never heard of
    /// may be new: it loads the ring again, once.
    fn open(&mut self, job: &Job) -> Result<String> {
        let key = match self.ring.decryption_key(&job.key_id) {
            Err(error @ DecryptionKeyError::KeyNotFound { .. }) => {
                println!("   {}: {error}", self.name);
                self.load()?;
                self.ring.decryption_key(&job.key_id)?
            }
            found => found?,
        };
        let input = Payload { msg: &job.body, aad: &job.associated_data() };
        let opened = key.material().decrypt(&job.nonce.into(), input);
        let opened = opened.map_err(|_| format!("job {} does not open: it was changed", job.id))?;
        Ok(String::from_utf8(opened)?)
    }

    /// Sends what is due. What bounces is kept as a dead letter, still sealed. Returns how many
    /// payloads were opened with each key.
    fn deliver(&mut self, db: &Connection, now: Timestamp) -> Result<Vec<(&'static str, usize)>> {
        let mut opened = [Q1_KEY, Q2_KEY, Q3_KEY].map(|id| (id, 0));
        for job in due(db, now)? {
            let email = self.open(&job)?;
            let (to, text) = email.split_once('\n').ok_or("a payload without a recipient")?;
            let bounced = to.ends_with("@bounces.example");
            let verdict = if bounced { "bounced" } else { "delivered" };
            println!("   {}: job {} ({}) {verdict}: {to}: {text}", self.name, job.id, job.key_id);
            let transaction = db.unchecked_transaction()?;
            if bounced {
                let keep = "INSERT INTO dead_letters SELECT id, key_id, nonce, body FROM jobs";
                transaction.execute(&format!("{keep} WHERE id = ?1"), [job.id])?;
            }
            transaction.execute("DELETE FROM jobs WHERE id = ?1", [job.id])?;
            transaction.commit()?;
            opened.iter_mut().filter(|(id, _)| *id == job.key_id).for_each(|(_, n)| *n += 1);
        }
        Ok(opened.to_vec())
    }

    /// Seals again what waits under another key than the active one.
    fn seal_again(&mut self, db: &Connection) -> Result<()> {
        self.load()?;
        let active = self.ring.active().id().clone();
        for job in rows(db, "jobs WHERE key_id <> ?1", [active.as_str()])? {
            let email = self.open(&job)?;
            Job::seal(self.ring.encryption_key(), job.id, &email)?.store(db)?;
            println!("   {}: job {} is sealed again, under {active}", self.name, job.id);
        }
        Ok(())
    }

    /// Returns true if the payload of one job is refused in the row of another, under the same key.
    fn refuses_a_moved_payload(&mut self, db: &Connection) -> Result<bool> {
        let jobs = rows(db, "jobs WHERE key_id = ?1", [Q2_KEY])?;
        let [first, second] = jobs.as_slice() else {
            return Err("there should be two jobs under the second key".into());
        };
        let moved = Job { id: second.id, ..first.clone() };
        Ok(self.open(first).is_ok() && self.open(&moved).is_err())
    }
}

/// A row of `jobs` or of `dead_letters`.
#[derive(Clone)]
struct Job {
    id: i64,
    key_id: String,
    nonce: [u8; 12],
    body: Vec<u8>,
}

impl Job {
    fn seal(key: EncryptionKey<'_, Aes256Gcm>, id: i64, email: &str) -> Result<Self> {
        let mut job = Self { id, key_id: key.id().to_string(), nonce: [0; 12], body: Vec::new() };
        getrandom::fill(&mut job.nonce)?;
        let input = Payload { msg: email.as_bytes(), aad: &job.associated_data() };
        job.body = key.material().encrypt(&job.nonce.into(), input)?;
        Ok(job)
    }

    fn store(&self, db: &Connection) -> Result<()> {
        let update = "UPDATE jobs SET key_id = ?2, nonce = ?3, body = ?4 WHERE id = ?1";
        let changed = db.execute(update, params![self.id, self.key_id, self.nonce, self.body])?;
        if changed == 1 { Ok(()) } else { Err(format!("there is no job {}", self.id).into()) }
    }

    /// Binds a payload to its row and its key. The time is left out, so that a job can be put off.
    fn associated_data(&self) -> Vec<u8> {
        [b"email-queue", &self.id.to_be_bytes()[..], self.key_id.as_bytes()].concat()
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: row.get(0)?, key_id: row.get(1)?, nonce: row.get(2)?, body: row.get(3)? })
    }
}

fn due(db: &Connection, now: Timestamp) -> Result<Vec<Job>> {
    let now = i64::try_from(now.as_unix_millis())?;
    rows(db, "jobs WHERE not_before <= ?1 ORDER BY id", [now])
}

/// The rows of `jobs` or `dead_letters` that a condition picks.
fn rows(db: &Connection, which: &str, parameters: impl rusqlite::Params) -> Result<Vec<Job>> {
    let select = format!("SELECT id, key_id, nonce, body FROM {which}");
    Ok(db.prepare(&select)?.query_map(parameters, Job::from_row)?.collect::<Result<_, _>>()?)
}

/// Prints how many rows refer to each key.
fn print_use(db: &Connection) -> Result<()> {
    for table in ["jobs", "dead_letters"] {
        let count = format!("SELECT key_id, COUNT(*) FROM {table} GROUP BY key_id ORDER BY key_id");
        let mut statement = db.prepare(&count)?;
        let mut counts = statement.query([])?;
        while let Some(row) = counts.next()? {
            println!("   {table:<12}  {}  {}", row.get::<_, String>(0)?, row.get::<_, u32>(1)?);
        }
    }
    Ok(())
}

/// The store's ring, made ready for AES.
fn load(keys: &Keys) -> Result<Keyring<Aes256Gcm>> {
    Ok(block_on(keys.keyring())?.try_map(|_, material| {
        Ok::<_, MaterialError>(Aes256Gcm::new(material.expose_array()?.into()))
    })?)
}

fn new_key(id: &'static str, created_at: Timestamp) -> Result<Key<Inactive>> {
    let material = KeyMaterial::try_fill(32, getrandom::fill)?;
    Ok(Key::new(KeyId::from_static(id), material, created_at))
}

/// The receipt; nobody else changes keys here, so a lost race is an error.
fn done<T>(outcome: Outcome<T>) -> Result<T> {
    match outcome {
        Outcome::Done(receipt) => Ok(receipt),
        Outcome::LostRace { now } => Err(format!("somebody else was faster:\n{now}").into()),
    }
}

fn check(claim: &str, holds: bool) -> Result<()> {
    if !holds {
        return Err(format!("this does not hold: {claim}").into());
    }
    println!("   => {claim}");
    Ok(())
}

/// A file that is removed at the end, also when the end is an error.
struct TempFile(PathBuf);

impl Drop for TempFile {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = fs::remove_file(&self.0);
    }
}
