//! One process of a fleet, which the fleet test starts many of and kills.
//!
//! ```text
//! fleet_node URL RING NAME ROLE FOLDER
//! ```
//!
//! The roles: `start` prints the active key of the ring, with a first key of its own if it has
//! none; `rotate` adds, activates and retires keys at random; `crypt` seals into a file of FOLDER
//! and opens what all have sealed there. The last two run until their standard input ends.
//!
//! Every line of its standard output is a fact of which somebody may keep count:
//!
//! ```text
//! active ID            event NUMBER TAG ACTION ID AT   conflict     unknown     resolved
//! error TEXT           opened COUNT                    sealed COUNT    unwritten
//! ```
//!
//! `FLEET_KILL_AT` names a failpoint at which the process kills itself with SIGKILL. A `rotate`
//! loses the database's answer to one commit in ten.

#![forbid(unsafe_code)]

#[path = "shared/sealed_file.rs"]
mod sealed_file;
#[path = "shared/vault.rs"]
mod vault;

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, io, thread};

use key_rotation::audit::{AuditAction, AuditEvent, AuditSink};
use key_rotation::error::RotationError;
use key_rotation::store::{Commit, CommitError, Loaded, Proposal, Revision};
use key_rotation::{
    KeyProvider, KeyStatus, Keyring, Outcome, RotationService, StrictSingleActive, Timestamp,
};
use key_rotation_sqlx::{Backend, Error, LOST_ANSWER, SqlxKeyProvider, migrate};
use sqlx::Pool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

use self::vault::{Kms, Result, open, seal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [url, ring, name, role, folder] = arguments.as_slice() else {
        return Err("usage: fleet_node URL RING NAME ROLE FOLDER".into());
    };
    if role == "rotate" {
        fail::cfg(LOST_ANSWER, "10%return")?;
        // Leaves the server time to be killed there.
        fail::cfg("commit::before-commit", "5%sleep(100)")?;
    }
    if let Ok(point) = env::var("FLEET_KILL_AT") {
        fail::cfg_callback(point, die)?;
    }
    let node = Node { name: name.clone(), folder: folder.into(), kms: Kms::of_the_example() };
    // One connection: the node does one thing at a time, and there are many nodes.
    if url.starts_with("postgres") {
        let options = PgConnectOptions::from_str(url)?;
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
        node.run(SqlxKeyProvider::new(pool.clone(), ring.parse()?), pool, role).await
    } else {
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(60));
        let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
        node.run(SqlxKeyProvider::new(pool.clone(), ring.parse()?), pool, role).await
    }
}

/// As a power cut would end it: no destructor runs, nothing is flushed.
fn die() {
    let killed = Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
    eprintln!("still alive after {killed:?}");
    thread::sleep(Duration::from_secs(60));
}

struct Node {
    name: String,
    folder: PathBuf,
    kms: Kms,
}

type Service<DB> = RotationService<Watched<SqlxKeyProvider<DB>>, StrictSingleActive>;

impl Node {
    async fn run<DB: Backend>(
        &self,
        store: SqlxKeyProvider<DB>,
        pool: Pool<DB>,
        role: &str,
    ) -> Result<()> {
        let watched = Arc::new(AtomicBool::new(false));
        let store = Watched { store, has_failed: watched.clone() };
        let service = RotationService::new(store, StrictSingleActive)
            .acting_as(self.name.parse()?)
            .with_audit(Arc::new(Facts));
        match role {
            "start" => self.start(&service, &pool).await,
            "rotate" => self.rotate(&service, &watched).await,
            "crypt" => self.crypt(&service).await,
            _ => Err("the roles are start, rotate and crypt".into()),
        }
    }

    async fn start<DB: Backend>(&self, service: &Service<DB>, pool: &Pool<DB>) -> Result<()> {
        migrate(pool).await?;
        let first = self.kms.new_key(format!("first-{}", self.name).parse()?)?;
        let ring = service.bootstrap(first, Timestamp::now()).await?;
        let _ = self.kms.unwrap_ring(&ring)?;
        fact(&format!("active {}", ring.active().id()))
    }

    async fn rotate<DB: Backend>(&self, service: &Service<DB>, failed: &AtomicBool) -> Result<()> {
        let ended = when_input_ends();
        let mut count = 0;
        while !ended.load(Ordering::Relaxed) {
            count += 1;
            let answer = self.change(service, count).await;
            let resolved = failed.swap(false, Ordering::Relaxed);
            match answer {
                Ok(true) if resolved => fact("resolved")?,
                Ok(true) => {}
                Ok(false) => fact("conflict")?,
                Err(RotationError::OutcomeUnknown { .. }) => fact("unknown")?,
                Err(RotationError::NotWritten { .. }) => fact("unwritten")?,
                // The server is down. It comes back.
                Err(RotationError::Provider(Error::Database { .. })) => fact("unreachable")?,
                // The key was there a moment ago: others retire and activate, too.
                Err(RotationError::Entry(_)) => {}
                Err(error) => fact(&format!("error {error:?}"))?,
            }
            tokio::time::sleep(Duration::from_millis(u64::from(random(30)?))).await;
        }
        Ok(())
    }

    /// Makes one change at random; `false` if somebody was faster.
    async fn change<DB: Backend>(
        &self,
        service: &Service<DB>,
        count: u32,
    ) -> std::result::Result<bool, RotationError<Error>> {
        let at = Timestamp::now();
        let state = service.state().await?;
        let inactive: Vec<_> =
            state.keys().filter(|key| key.status == KeyStatus::Inactive).collect();
        let pick = |n: usize| inactive.get(random(u32::MAX).unwrap_or(0) as usize % n.max(1));
        let is_won = match (random(4).unwrap_or(0), pick(inactive.len())) {
            (0 | 1, Some(key)) => is_done(&service.rotate_to(key.id.as_str(), at).await?),
            (2, Some(key)) if inactive.len() > 3 => {
                is_done(&service.retire(key.id.as_str(), at).await?)
            }
            _ => {
                let id = format!("{}-{}-{count}", self.name, std::process::id());
                let Ok(key) = id.parse().map_err(Into::into).and_then(|id| self.kms.new_key(id))
                else {
                    return Ok(true);
                };
                is_done(&service.add(&key, at).await?)
            }
        };
        Ok(is_won)
    }

    async fn crypt<DB: Backend>(&self, service: &Service<DB>) -> Result<()> {
        let ended = when_input_ends();
        let file = self.folder.join(format!("{}-{}", self.name, std::process::id()));
        let mut file = std::fs::File::options().create(true).append(true).open(file)?;
        let mut count = 0;
        while !ended.load(Ordering::Relaxed) {
            match service.keyring().await {
                Ok(ring) => {
                    let ciphers = self.kms.unwrap_ring(&ring)?;
                    for _ in 0..5 {
                        count += 1;
                        let text = format!("{} {count}", self.name);
                        let sealed = seal(ciphers.encryption_key(), &text)?;
                        sealed_file::append(&mut file, &sealed, &text)?;
                    }
                    fact("sealed 5")?;
                    let opened = self.open_some(service, ciphers).await?;
                    fact(&format!("opened {opened}"))?;
                }
                Err(RotationError::Provider(Error::Database { .. })) => fact("unreachable")?,
                Err(error) => fact(&format!("error {error:?}"))?,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Opens some of what all have sealed, and loads the ring once again for a key it has not.
    async fn open_some<DB: Backend>(
        &self,
        service: &Service<DB>,
        mut ciphers: Keyring<aes_gcm::Aes256Gcm>,
    ) -> Result<usize> {
        let mut opened = 0;
        let mut is_fresh = false;
        for (sealed, text) in sealed_file::read_all(&self.folder)? {
            if random(10)? != 0 {
                continue;
            }
            if ciphers.get(&sealed.key_id).is_none() && !is_fresh {
                match service.keyring().await {
                    Ok(ring) => ciphers = self.kms.unwrap_ring(&ring)?,
                    Err(RotationError::Provider(Error::Database { .. })) => return Ok(opened),
                    Err(error) => return Err(error.into()),
                }
                is_fresh = true;
            }
            let key = match ciphers.decryption_key(&sealed.key_id) {
                Ok(key) => key,
                Err(error) => {
                    fact(&format!("error unreadable: {error}"))?;
                    continue;
                }
            };
            if open(key, &sealed)? != text {
                fact("error a text came back changed")?;
            }
            opened += 1;
        }
        Ok(opened)
    }
}

fn is_done<T>(outcome: &Outcome<T>) -> bool {
    matches!(outcome, Outcome::Done(_))
}

/// A store that remembers that a commit has failed, so that the node can tell what was resolved.
struct Watched<P> {
    store: P,
    has_failed: Arc<AtomicBool>,
}

impl<P: KeyProvider> KeyProvider for Watched<P> {
    type Material = P::Material;
    type Error = P::Error;

    async fn load(&self, seen: Revision) -> std::result::Result<Loaded<P::Material>, P::Error> {
        self.store.load(seen).await
    }

    async fn commit(
        &self,
        proposal: &Proposal<P::Material>,
    ) -> std::result::Result<Commit, CommitError<P::Error>> {
        let answer = self.store.commit(proposal).await;
        let is_unknown = matches!(answer, Err(CommitError::Unknown(_)));
        self.has_failed.fetch_or(is_unknown, Ordering::Relaxed);
        answer
    }
}

/// Prints every change that was committed: whoever reads the line may count on it.
struct Facts;

impl AuditSink for Facts {
    fn record(&self, event: &AuditEvent) {
        let (action, id) = match &event.action {
            AuditAction::Created { ids } => match ids.first() {
                Some(id) => ("create", id),
                None => return,
            },
            AuditAction::Added { id } => ("add", id),
            AuditAction::Activated { to, reactivated: false, .. } => ("activate", to),
            AuditAction::Activated { to, reactivated: true, .. } => ("reactivate", to),
            AuditAction::Retired { id } => ("retire", id),
            _ => return,
        };
        let (number, at) = (event.revision.number, event.provenance.at.as_unix_millis());
        let tag = event.revision.tag.cast_signed();
        // Where nobody reads any more, nobody counts.
        let _ = fact(&format!("event {number} {tag} {action} {id} {at}"));
    }
}

fn fact(line: &str) -> Result<()> {
    // One write, so that a line is there or is not.
    Ok(io::stdout().lock().write_all(format!("{line}\n").as_bytes())?)
}

fn random(below: u32) -> Result<u32> {
    Ok(getrandom::u32()? % below)
}

/// Becomes true when the standard input ends: the parent is done with this node, or is gone.
fn when_input_ends() -> Arc<AtomicBool> {
    let ended = Arc::new(AtomicBool::new(false));
    let flag = ended.clone();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        flag.store(true, Ordering::Relaxed);
    });
    ended
}
