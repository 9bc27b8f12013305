//! For the author of a crypto library that is to be built on `key-rotation`.
//!
//! ```text
//! cargo run --example library_author
//! ```
//!
//! The modules `reversible` and `signed` stand for that library, and the rest of the file is a user
//! of it. What to look at:
//!
//! - the signatures of `seal`, `open` and `seal_again`: they are generic in what a key is made of,
//!   and say what it may do, so the library cannot be asked to encrypt with an old key;
//! - `Cipher`: two algorithms in one ring, because what a key is made of is the author's choice;
//! - `ReversibleCrypto`: all that it takes from a ring is `export_for_crypto()`;
//! - `signed`: pairs, whose private half is not there where only the public one is needed.
#![forbid(unsafe_code)]

use std::error::Error;

use key_rotation::error::{EscapedText, MaterialError};
use key_rotation::{
    Apart, DecryptionKeyError, DecryptionKeyring, Inactive, Key, KeyId, KeyInfo, KeyMaterial,
    Keyring, Timestamp,
};

use crate::reversible::{Algorithm, Cipher, CryptoError, Envelope, ReversibleCrypto};
use crate::signed::{Signed, ToyPrivate, ToyPublic, sign, verify};

#[expect(
    missing_docs,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    clippy::missing_errors_doc,
    reason = "in an example, names and messages say it"
)]
#[path = "library_author/reversible.rs"]
pub mod reversible;
#[expect(missing_docs, clippy::exhaustive_structs, reason = "in an example, names say it")]
#[path = "library_author/signed.rs"]
pub mod signed;

/// The material of the user's rings: bytes, and the algorithm that they are for.
struct Secret {
    algorithm: Algorithm,
    material: KeyMaterial,
}

fn main() -> Result<(), Box<dyn Error>> {
    encrypt_and_decrypt()?;
    sign_and_verify()
}

fn encrypt_and_decrypt() -> Result<(), Box<dyn Error>> {
    let (q3, q4) = ("2026-07-01T00:00:00Z".parse()?, "2026-10-01T00:00:00Z".parse()?);

    println!("Two notes under the ring's first key:");
    let aes = new_key(KeyId::from_static("2026-q3-aes"), Algorithm::Aes256Gcm, q3)?;
    let mut secrets = Keyring::new(aes.activate(q3));
    let ciphers = secrets.try_map(prepare)?;
    let crypto = ReversibleCrypto::new(ciphers.export_for_crypto());
    let mut notes = Vec::new();
    for (owner, text) in [("ada", "the safe is behind the clock"), ("bob", "buy more clocks")] {
        notes.push((owner, text, crypto.encrypt(owner.as_bytes(), text.as_bytes())?));
    }
    check("all open and are current", count_old(crypto, &notes)? == 0)?;

    println!("\nA key for another algorithm is added and rotated to; a third note is sealed:");
    let chacha = new_key(KeyId::from_static("2026-q4-chacha"), Algorithm::ChaCha20Poly1305, q4)?;
    let _ = secrets.add(chacha, q4)?;
    let _ = secrets.rotate_to("2026-q4-chacha", q4)?;
    print!("{}", secrets.state());
    let ciphers = secrets.try_map(prepare)?;
    let crypto = ReversibleCrypto::new(ciphers.export_for_crypto());
    notes.push(("cleo", "sell the clocks", crypto.encrypt(b"cleo", b"sell the clocks")?));
    check("all open, and the two old ones say that they are", count_old(crypto, &notes)? == 2)?;

    println!("\nBob's is sealed again:");
    for (owner, _, envelope) in notes.iter_mut().filter(|(owner, ..)| *owner == "bob") {
        let (plaintext, is_superseded) = crypto.decrypt(owner.as_bytes(), envelope)?;
        if is_superseded {
            *envelope = crypto.encrypt(owner.as_bytes(), &plaintext)?;
        }
    }
    check("all open, and one is old", count_old(crypto, &notes)? == 1)?;

    let (_, _, adas) = notes.first_mut().ok_or("a note is missing")?;
    refuse_what_was_changed(crypto, adas)?;
    refuse_what_is_foreign(crypto, q4)?;

    println!("\nThe first key was in a core dump, and is revoked:");
    let revoked = secrets.entry::<Inactive>("2026-q3-aes")?.revoke(q4);
    let ciphers = secrets.try_map(prepare)?;
    let crypto = ReversibleCrypto::new(ciphers.export_for_crypto());
    println!("   {}", refusal(crypto, b"ada", adas)?);
    let (old, new) = (ciphers.salvage_key(revoked.id.as_str())?, ciphers.encryption_key());
    *adas = reversible::seal_again(old, new, b"ada", &Envelope::parse(adas)?)?.to_bytes();
    check("sealed again with what can be salvaged, all open", count_old(crypto, &notes)? == 0)?;

    println!("\nProven: {} notes outlived a rotation and a leak.", notes.len());
    Ok(())
}

/// Whatever byte is changed, and wherever the envelope is cut off, it does not open.
fn refuse_what_was_changed(
    crypto: ReversibleCrypto<'_>,
    original: &[u8],
) -> Result<(), Box<dyn Error>> {
    println!("\nAda's envelope, with one byte changed:");
    for position in 0..original.len() {
        let mut changed = original.to_vec();
        changed.iter_mut().skip(position).take(1).for_each(|byte| *byte ^= 3);
        let error = refusal(crypto, b"ada", &changed)?;
        if position < 4 || position + 1 == original.len() {
            println!("   byte {position:>2}: {error}");
        }
        // Cut off at the same place.
        refusal(crypto, b"ada", original.get(..position).unwrap_or_default())?;
    }
    println!("   as Bob's: {}", refusal(crypto, b"bob", original)?);
    check("unchanged, it opens", crypto.decrypt(b"ada", original).is_ok())
}

fn refuse_what_is_foreign(
    crypto: ReversibleCrypto<'_>,
    now: Timestamp,
) -> Result<(), Box<dyn Error>> {
    println!("\nAn envelope from a service with other keys:");
    let foreign = new_key(KeyId::from_static("2027-q1"), Algorithm::Aes256Gcm, now)?;
    let foreign = Keyring::new(foreign.activate(now)).try_map(prepare)?;
    let envelope = reversible::seal(foreign.encryption_key(), b"ada", b"hello")?;
    let error = refusal(crypto, b"ada", &envelope.to_bytes())?;
    println!("   {error}");
    let id = EscapedText::from(envelope.key_id.as_str());
    let missing = CryptoError::Key(DecryptionKeyError::KeyNotFound { id });
    check("its key is what is missing", error == missing)
}

/// A ring of pairs: it signs with the private halves, and gives the public ones away.
type Signers = Keyring<ToyPrivate, Apart<ToyPublic>>;

fn sign_and_verify() -> Result<(), Box<dyn Error>> {
    let (q3, q4) = ("2026-07-01T00:00:00Z".parse()?, "2026-10-01T00:00:00Z".parse()?);
    let [first, second, third] = PAIRS;

    println!("\nA receipt is signed in the third quarter:");
    let last_quarter: Signers = Keyring::new(pair(first, q3).activate(q3));
    let old = sign(last_quarter.encryption_key(), b"paid: 3 clocks");

    println!("\nIn the fourth, the configuration has two pairs, of which the newer one signs:");
    let mut signers: Signers =
        Keyring::builder(pair(second, q4).activate(q4)).previous(pair(first, q3)).build()?;
    let new = sign(signers.encryption_key(), b"paid: 1 safe");
    let receipts = [old, new];
    // What another service gets: it has no type with which anything could be signed.
    let public: DecryptionKeyring<ToyPublic> = signers.decryption_only();
    check("both are authentic", count_authentic(&public, &receipts) == 2)?;
    let mut forged = receipts.clone();
    forged.iter_mut().for_each(|receipt| receipt.message.push(b'0'));
    check("changed, neither is", count_authentic(&public, &forged) == 0)?;

    println!("\nThe second private key is stolen. A third takes its place, and it is revoked:");
    println!("   {}", signers.rotate_in(pair(third, q4), q4)?);
    println!("   {}", signers.entry::<Inactive>(second.0)?.revoke(q4));
    println!("   {}", signers.entry::<Inactive>(first.0)?.retire(q4));
    let public = signers.decryption_only();
    check("what the first key has signed is authentic", count_authentic(&public, &receipts) == 1)
}

fn count_authentic(keys: &DecryptionKeyring<ToyPublic>, receipts: &[Signed]) -> usize {
    let mut authentic = 0;
    for receipt in receipts {
        match keys.decryption_key(receipt.key_id.as_str()) {
            Ok(key) if verify(key, receipt) => {
                authentic += 1;
                println!("   authentic, by {}", key.id());
            }
            Ok(key) => println!("   not signed by {}", key.id()),
            Err(error) => println!("   not authentic: {error}"),
        }
    }
    authentic
}

/// An id, the modulus, and the private exponent.
const PAIRS: [(&str, u64, u64); 3] = [
    ("2026-q3-sign", 4_611_685_975_477_714_963, 551_823_266_033_158_481),
    ("2026-q4-sign", 4_611_685_739_254_517_873, 3_586_147_368_825_908_765),
    ("2026-q4-sign-b", 4_611_685_623_290_405_087, 4_097_649_830_864_127_809),
];

fn pair(
    (id, modulus, exponent): (&'static str, u64, u64),
    created_at: Timestamp,
) -> Key<Inactive, ToyPrivate, Apart<ToyPublic>> {
    let private = ToyPrivate { modulus, exponent };
    Key::new_pair(KeyId::from_static(id), private, ToyPublic { modulus }, created_at)
}

fn new_key(
    id: KeyId,
    algorithm: Algorithm,
    created_at: Timestamp,
) -> Result<Key<Inactive, Secret>, Box<dyn Error>> {
    let material = KeyMaterial::try_fill(32, getrandom::fill)?;
    Ok(Key::new(id, Secret { algorithm, material }, created_at))
}

/// From a ring of secrets to a ring of ciphers.
fn prepare(_: &KeyInfo, secret: &Secret) -> Result<Cipher, MaterialError> {
    Cipher::new(secret.algorithm, &secret.material)
}

/// Opens every note and compares it; returns how many would gain from being sealed again.
fn count_old(
    crypto: ReversibleCrypto<'_>,
    notes: &[(&str, &str, Vec<u8>)],
) -> Result<usize, Box<dyn Error>> {
    let mut old = 0;
    for (owner, text, bytes) in notes {
        let (plaintext, is_superseded) = crypto.decrypt(owner.as_bytes(), bytes)?;
        if plaintext != text.as_bytes() {
            return Err(format!("the note of {owner} is not what was sealed").into());
        }
        let Envelope { algorithm, key_id, .. } = Envelope::parse(bytes)?;
        let advice =
            if is_superseded { "old: would gain from being sealed again" } else { "current" };
        println!("   {owner:<5} {key_id:<15} {:<17} {advice}", format!("{algorithm:?}"));
        old += usize::from(is_superseded);
    }
    Ok(old)
}

/// The error with which these bytes are refused. It is an error if they are not.
fn refusal(
    crypto: ReversibleCrypto<'_>,
    context: &[u8],
    bytes: &[u8],
) -> Result<CryptoError, Box<dyn Error>> {
    crypto.decrypt(context, bytes).err().ok_or_else(|| "an envelope opened that should not".into())
}

fn check(claim: &str, holds: bool) -> Result<(), Box<dyn Error>> {
    if !holds {
        return Err(format!("this does not hold: {claim}").into());
    }
    println!("   => {claim}");
    Ok(())
}
