//! The main job: encrypt files, rotate the key, and show that nothing became unreadable.
//!
//! ```text
//! cargo run --example rotation [FILE…]
//! ```
//!
//! With no file it takes the repository's own README and Cargo.toml. It prints each step; where
//! something is not as it must be, it ends with an error.

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use aes_gcm::aead::{Aead, Generate, Nonce, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use key_rotation::error::MaterialError;
use key_rotation::key::RotationDecision;
use key_rotation::{
    DecryptionKey, DecryptionKeyError, EncryptionKey, InMemoryKeyProvider, Inactive, Key, KeyId,
    KeyMaterial, Keyring, Outcome, RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;

const FIRST: KeyId = KeyId::from_static("2026-q3");
const SECOND: KeyId = KeyId::from_static("2026-q4");

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let files = read_files()?;
    block_on(rotate(&files))
}

async fn rotate(files: &[File]) -> Result<()> {
    let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);

    heading("A cold start: the first key");
    let ring = service.bootstrap(new_key(FIRST)?, Timestamp::now()).await?;
    print!("{}", ring.state());

    heading("Encrypt every file");
    let ciphers = prepare(&ring)?;
    let old = seal_all(files, ciphers.encryption_key())?;

    heading("Rotate, in six steps");
    println!("1. make a new key, {SECOND}: it is inactive");
    let next = new_key(SECOND)?;
    println!("2. add it to the store");
    let added = done(service.add(&next, Timestamp::now()).await?)?;
    println!("   {added}");
    println!("3. wait until every process has loaded it: here there is one");
    let mut ciphers = prepare(&service.keyring().await?)?;
    println!(
        "   {} keys, {SECOND} among them: {}",
        ciphers.len(),
        ciphers.get(SECOND.as_str()).is_some()
    );
    println!("4. check that what is stored makes a ring");
    service.validate().await?;
    println!("5. activate it; the key that was active becomes inactive in the same step");
    let decision = done(service.rotate_to(SECOND.as_str(), Timestamp::now()).await?)?;
    let RotationDecision::Rotated(rotation) = decision else {
        return Err("the new key was active already".into());
    };
    println!("   {rotation}");
    println!("6. use the ring that has it");
    // The prepared ciphers go through the same change: no key is prepared a second time.
    let same = ciphers.entry::<Inactive>(rotation.to.as_str())?.activate(rotation.at);
    let is_same = (&same.from, &same.to, same.at) == (&rotation.from, &rotation.to, rotation.at);
    ensure(is_same, "the prepared ring made another change than the store")?;
    print!("\n{}", service.state().await?);

    heading("Encrypt every file again, and read all of it");
    let new = seal_all(files, ciphers.encryption_key())?;
    open_all(files, &old, &ciphers, &FIRST, true)?;
    open_all(files, &new, &ciphers, &SECOND, false)?;

    heading("The end of the first key");
    let retired = done(service.retire(FIRST.as_str(), Timestamp::now()).await?)?;
    println!("{retired}");
    let ciphers = prepare(&service.keyring().await?)?;
    open_all(files, &old, &ciphers, &FIRST, true)?;
    let destroyed = done(service.destroy(FIRST.as_str(), Timestamp::now()).await?)?;
    println!("{destroyed}\n");
    let ring = service.keyring().await?;
    println!("{}", ring.state());

    let ciphers = prepare(&ring)?;
    open_all(files, &new, &ciphers, &SECOND, false)?;
    for sealed in &old {
        match ciphers.decryption_key(&sealed.key_id) {
            Err(error @ DecryptionKeyError::KeyDestroyed { .. }) => println!("refused: {error}"),
            other => return Err(format!("{other:?} instead of a destroyed key").into()),
        }
    }
    println!("\nDone: {} files, each read byte for byte under both keys.", files.len());
    Ok(())
}

// ---- What a crypto module looks like on top ----

/// A ciphertext as it is stored. The id of its key stands beside it, so that the key is found again.
struct Sealed {
    key_id: String,
    nonce: Nonce<Aes256Gcm>,
    body: Vec<u8>,
}

/// Takes an encryption key, which only an active key gives out. A call with any other key does not
/// compile.
fn seal(key: EncryptionKey<'_, Aes256Gcm>, context: &str, plaintext: &[u8]) -> Result<Sealed> {
    let nonce = Nonce::<Aes256Gcm>::try_generate()?;
    let payload = Payload { msg: plaintext, aad: context.as_bytes() };
    let body = key.material().encrypt(&nonce, payload).map_err(|_| "encryption failed")?;
    Ok(Sealed { key_id: key.id().to_string(), nonce, body })
}

/// Takes a decryption key, which every key gives out that is trusted.
fn open(key: DecryptionKey<'_, Aes256Gcm>, context: &str, sealed: &Sealed) -> Result<Vec<u8>> {
    let payload = Payload { msg: &sealed.body, aad: context.as_bytes() };
    let plaintext = key.material().decrypt(&sealed.nonce, payload);
    Ok(plaintext.map_err(|_| "the ciphertext is not authentic")?)
}

/// The same ring with ciphers in place of bytes: the key schedule is worked out once per key.
fn prepare(ring: &Keyring) -> std::result::Result<Keyring<Aes256Gcm>, MaterialError> {
    ring.try_map(|_, material| Ok(Aes256Gcm::new(material.expose_array()?.into())))
}

/// A new key whose bytes the operating system's generator writes to where they stay.
fn new_key(id: KeyId) -> Result<Key<Inactive>> {
    Ok(Key::new(id, KeyMaterial::try_fill(32, getrandom::fill)?, Timestamp::now()))
}

// ---- Files, and what is printed about them ----

struct File {
    name: String,
    content: Vec<u8>,
}

fn read_files() -> Result<Vec<File>> {
    let mut paths: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        paths = vec![root.join("README.md"), root.join("Cargo.toml")];
    }
    let read = |path: PathBuf| match fs::read(&path) {
        Ok(content) => Ok(File { name: path.display().to_string(), content }),
        Err(error) => Err(format!("cannot read {}: {error}", path.display()).into()),
    };
    paths.into_iter().map(read).collect()
}

fn seal_all(files: &[File], key: EncryptionKey<'_, Aes256Gcm>) -> Result<Vec<Sealed>> {
    let seal_one = |file: &File| {
        let sealed = seal(key, &file.name, &file.content)?;
        println!("sealed {:>8} bytes under {}: {}", file.content.len(), sealed.key_id, file.name);
        Ok(sealed)
    };
    files.iter().map(seal_one).collect()
}

/// Opens what was sealed and compares it with the files, byte for byte.
fn open_all(
    files: &[File],
    sealed: &[Sealed],
    ring: &Keyring<Aes256Gcm>,
    sealed_under: &KeyId,
    is_superseded: bool,
) -> Result<()> {
    ensure(files.len() == sealed.len(), "a file was lost")?;
    for (file, sealed) in files.iter().zip(sealed) {
        let key = ring.decryption_key(&sealed.key_id)?;
        let plaintext = open(key, &file.name, sealed)?;
        ensure(plaintext == file.content, "a file came back changed")?;
        ensure(key.id() == sealed_under, "a file was sealed under another key")?;
        ensure(key.is_superseded() == is_superseded, "a key is not in its place")?;
        let status = key.status();
        println!(
            "opened {:>8} bytes under {} ({status}): {}",
            plaintext.len(),
            key.id(),
            file.name
        );
    }
    Ok(())
}

/// One process alone loses no race; if it does, something is wrong.
fn done<T>(outcome: Outcome<T>) -> Result<T> {
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
