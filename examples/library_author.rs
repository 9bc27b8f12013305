//! For the author of a crypto library that is to be built on `key-rotation`.
//!
//! The module `reversible` stands for that library: it encrypts and decrypts, and knows nothing of
//! rotation, stores or policies. The rest of the file is a user of it. What to look at:
//!
//! - the signatures of `seal` and `open`: the library cannot be asked to encrypt with an old key;
//! - `Cipher`: two algorithms in one ring, because what a key is made of is the author's choice;
//! - `ReversibleCrypto`: all that it takes from a ring is `export_for_crypto()`.
#![forbid(unsafe_code)]

use std::error::Error;

use key_rotation::{
    DecryptionKeyError, EscapedText, Inactive, Key, KeyId, KeyMaterial, Keyring, MaterialError,
    Timestamp,
};

use crate::reversible::{Algorithm, Cipher, CryptoError, Envelope, ReversibleCrypto};

/// The downstream crate.
#[expect(missing_docs, clippy::missing_errors_doc, reason = "names and messages say it")]
pub mod reversible {
    use std::fmt;

    use aes_gcm::Aes256Gcm;
    use aes_gcm::aead::{self, Aead, KeyInit, Payload};
    use chacha20poly1305::ChaCha20Poly1305;
    use key_rotation::{
        CryptoExport, DecryptionKey, DecryptionKeyError, EncryptionKey, InvalidKeyId, KeyId,
        KeyMaterial, MaterialError,
    };
    use thiserror::Error;

    const VERSION: u8 = 1;
    type Nonce = [u8; 12];

    /// An algorithm; its number is what an envelope carries.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Algorithm {
        Aes256Gcm = 1,
        ChaCha20Poly1305 = 2,
    }

    /// A key made ready for its algorithm: the material of the rings that this library works with.
    #[expect(clippy::large_enum_variant, reason = "a ring keeps each one behind a pointer")]
    pub enum Cipher {
        Aes256Gcm(Aes256Gcm),
        ChaCha20Poly1305(ChaCha20Poly1305),
    }

    impl Cipher {
        /// Makes a key ready; for `Keyring::try_map`.
        pub fn new(algorithm: Algorithm, material: &KeyMaterial) -> Result<Self, MaterialError> {
            let key = material.expose_array::<32>()?.into();
            Ok(match algorithm {
                Algorithm::Aes256Gcm => Self::Aes256Gcm(Aes256Gcm::new(key)),
                Algorithm::ChaCha20Poly1305 => Self::ChaCha20Poly1305(ChaCha20Poly1305::new(key)),
            })
        }

        fn algorithm(&self) -> Algorithm {
            match self {
                Self::Aes256Gcm(_) => Algorithm::Aes256Gcm,
                Self::ChaCha20Poly1305(_) => Algorithm::ChaCha20Poly1305,
            }
        }

        fn encrypt(&self, nonce: Nonce, input: Payload<'_, '_>) -> aead::Result<Vec<u8>> {
            match self {
                Self::Aes256Gcm(cipher) => cipher.encrypt(&nonce.into(), input),
                Self::ChaCha20Poly1305(cipher) => cipher.encrypt(&nonce.into(), input),
            }
        }

        fn decrypt(&self, nonce: Nonce, input: Payload<'_, '_>) -> aead::Result<Vec<u8>> {
            match self {
                Self::Aes256Gcm(cipher) => cipher.decrypt(&nonce.into(), input),
                Self::ChaCha20Poly1305(cipher) => cipher.decrypt(&nonce.into(), input),
            }
        }
    }

    impl fmt::Debug for Cipher {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_tuple("Cipher").field(&self.algorithm()).finish_non_exhaustive()
        }
    }

    /// What sealing makes. As bytes: version (1), algorithm (1), length of the id (1), id,
    /// nonce (12), ciphertext with its tag (16 or more).
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Envelope {
        pub algorithm: Algorithm,
        pub key_id: KeyId,
        pub nonce: Nonce,
        pub ciphertext: Vec<u8>,
    }

    impl Envelope {
        /// The envelope as bytes.
        #[must_use]
        pub fn to_bytes(&self) -> Vec<u8> {
            [&header(self.algorithm, &self.key_id), &self.nonce[..], &self.ciphertext].concat()
        }

        /// Reads an envelope. Whatever the bytes are, the answer is an envelope or an error.
        pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
            let [version, algorithm, id_len, rest @ ..] = bytes else {
                return Err(ParseError::TooShort);
            };
            if *version != VERSION {
                return Err(ParseError::Version(*version));
            }
            let algorithm = match algorithm {
                1 => Algorithm::Aes256Gcm,
                2 => Algorithm::ChaCha20Poly1305,
                other => return Err(ParseError::Algorithm(*other)),
            };
            let parts = rest.split_at_checked(usize::from(*id_len));
            let (id, rest) = parts.ok_or(ParseError::TooShort)?;
            let (nonce, ciphertext) = rest.split_first_chunk().ok_or(ParseError::TooShort)?;
            let key_id = str::from_utf8(id).map_err(|_| ParseError::IdNotText)?.parse()?;
            Ok(Self { algorithm, key_id, nonce: *nonce, ciphertext: ciphertext.to_vec() })
        }
    }

    /// What stands before the nonce, and is authenticated with the context behind it. It says
    /// where it ends, so no two pairs of a header and a context read alike.
    fn header(algorithm: Algorithm, key_id: &KeyId) -> Vec<u8> {
        const { assert!(KeyId::MAX_LEN <= 255, "the length of an id is one byte") }
        let id = key_id.as_str().as_bytes();
        [&[VERSION, algorithm as u8, id.len() as u8], id].concat()
    }

    /// Encrypts under the active key. The context is not stored: whoever opens must know it.
    ///
    /// The signature is the point. An [`EncryptionKey`] comes from an active key and from nowhere
    /// else, so whoever looks up the key of an old envelope and tries to seal with it,
    ///
    /// ```text
    /// seal(ring.decryption_key("2026-q3-aes")?, context, plaintext)
    /// ```
    ///
    /// is stopped by the compiler, and not by a test, a review or an incident:
    ///
    /// ```text
    /// expected `EncryptionKey<'_, Cipher>`, found `DecryptionKey<'_, Cipher>`
    /// ```
    ///
    /// Nonces are random, which is safe for 2^32 envelopes under one key (NIST SP 800-38D, 8.3).
    pub fn seal(
        key: EncryptionKey<'_, Cipher>,
        context: &[u8],
        plaintext: &[u8],
    ) -> Result<Envelope, CryptoError> {
        let (cipher, key_id) = (key.material(), key.id().clone());
        let mut nonce = Nonce::default();
        getrandom::fill(&mut nonce).map_err(CryptoError::Nonce)?;
        let aad = [&header(cipher.algorithm(), &key_id), context].concat();
        let sealed = cipher.encrypt(nonce, Payload { msg: plaintext, aad: &aad });
        let ciphertext = sealed.map_err(|_| CryptoError::TooLong)?;
        Ok(Envelope { algorithm: cipher.algorithm(), key_id, nonce, ciphertext })
    }

    /// Decrypts with the key that the envelope names, whatever its status.
    pub fn open(
        key: DecryptionKey<'_, Cipher>,
        context: &[u8],
        envelope: &Envelope,
    ) -> Result<Vec<u8>, CryptoError> {
        let Envelope { algorithm, key_id, nonce, ciphertext } = envelope;
        if (key.id(), key.material().algorithm()) != (key_id, *algorithm) {
            return Err(CryptoError::OtherKey(key_id.clone(), *algorithm));
        }
        let aad = [&header(*algorithm, key_id), context].concat();
        let opened = key.material().decrypt(*nonce, Payload { msg: ciphertext, aad: &aad });
        opened.map_err(|_| CryptoError::NotAuthentic(key_id.clone()))
    }

    /// The service: seals under the active key, and opens with the key that an envelope names.
    #[derive(Clone, Copy, Debug)]
    pub struct ReversibleCrypto<'r>(CryptoExport<'r, Cipher>);

    impl<'r> ReversibleCrypto<'r> {
        /// A service over the keys of a ring, for as long as it borrows the ring.
        #[must_use]
        pub fn new(keys: CryptoExport<'r, Cipher>) -> Self {
            Self(keys)
        }

        /// Encrypts, and returns the envelope as bytes.
        pub fn encrypt(&self, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
            Ok(seal(self.0.encryption_key(), context, plaintext)?.to_bytes())
        }

        /// Decrypts, and returns beside the plaintext whether it was sealed under the key that is
        /// active now; if not, it would gain from being sealed again.
        pub fn decrypt(
            &self,
            context: &[u8],
            bytes: &[u8],
        ) -> Result<(Vec<u8>, bool), CryptoError> {
            let envelope = Envelope::parse(bytes)?;
            let key = self.0.decryption_key(envelope.key_id.as_str())?;
            Ok((open(key, context, &envelope)?, key.is_current()))
        }
    }

    /// Bytes that are no envelope.
    #[derive(Clone, Debug, PartialEq, Eq, Error)]
    #[non_exhaustive]
    pub enum ParseError {
        #[error("the envelope ends too early")]
        TooShort,
        #[error("the envelope has version {0}, and this library reads version {VERSION}")]
        Version(u8),
        #[error("the envelope names algorithm {0}, which this library does not have")]
        Algorithm(u8),
        #[error("the envelope's key id is not text")]
        IdNotText,
        #[error(transparent)]
        Id(#[from] InvalidKeyId),
    }

    /// Sealing or opening failed.
    #[derive(Clone, Debug, PartialEq, Eq, Error)]
    #[non_exhaustive]
    pub enum CryptoError {
        #[error("no random nonce could be drawn")]
        Nonce(#[source] getrandom::Error),
        #[error("the plaintext is too long to seal")]
        TooLong,
        #[error(transparent)]
        Malformed(#[from] ParseError),
        #[error(transparent)]
        Key(#[from] DecryptionKeyError),
        #[error("the envelope names key `{0}` for {1:?}, and this key is another one")]
        OtherKey(KeyId, Algorithm),
        #[error("the envelope does not open with key `{0}`: it or its context was changed")]
        NotAuthentic(KeyId),
    }
}

/// What the user's rings are made of: key material, and what it is for.
struct Secret {
    algorithm: Algorithm,
    material: KeyMaterial,
}

fn main() -> Result<(), Box<dyn Error>> {
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
    let _ = secrets.add(chacha)?;
    let _ = secrets.rotate_to("2026-q4-chacha", q4)?;
    print!("{}", secrets.state());
    let ciphers = secrets.try_map(prepare)?;
    let crypto = ReversibleCrypto::new(ciphers.export_for_crypto());
    notes.push(("cleo", "sell the clocks", crypto.encrypt(b"cleo", b"sell the clocks")?));
    check("all open, and the two old ones say that they are", count_old(crypto, &notes)? == 2)?;

    println!("\nThe two are sealed again:");
    let mut before = Vec::new();
    for (owner, _, envelope) in &mut notes {
        let (plaintext, is_current) = crypto.decrypt(owner.as_bytes(), envelope)?;
        if !is_current {
            before.push(envelope.clone());
            *envelope = crypto.encrypt(owner.as_bytes(), &plaintext)?;
        }
    }
    check("all open and are current", count_old(crypto, &notes)? == 0)?;

    println!("\nAda's first envelope, with one byte changed:");
    let original = before.first().ok_or("nothing was sealed again")?;
    for position in 0..original.len() {
        let mut changed = original.clone();
        changed.iter_mut().skip(position).take(1).for_each(|byte| *byte ^= 3);
        let error = refusal(crypto, b"ada", &changed)?;
        if position < 4 || position + 1 == original.len() {
            println!("   byte {position:>2}: {error}");
        }
        // Cut off at the same place.
        refusal(crypto, b"ada", original.get(..position).unwrap_or_default())?;
    }
    println!("   as Bob's: {}", refusal(crypto, b"bob", original)?);
    check("unchanged, it opens", crypto.decrypt(b"ada", original).is_ok())?;

    println!("\nAn envelope from a service with other keys:");
    let foreign = new_key(KeyId::from_static("2027-q1"), Algorithm::Aes256Gcm, q4)?;
    let foreign = Keyring::new(foreign.activate(q4)).try_map(prepare)?;
    let envelope = reversible::seal(foreign.encryption_key(), b"ada", b"hello")?;
    let error = refusal(crypto, b"ada", &envelope.to_bytes())?;
    println!("   {error}");
    let missing = CryptoError::Key(DecryptionKeyError::KeyNotFound {
        id: EscapedText::from(envelope.key_id.as_str()),
    });
    check("its key is what is missing", error == missing)?;

    println!(
        "\nProven: {} notes under 2 algorithms outlived a rotation; an envelope with any of its {} \
         bytes changed, cut anywhere, moved or foreign was refused.",
        notes.len(),
        original.len(),
    );
    Ok(())
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
fn prepare(_id: &KeyId, secret: &Secret) -> Result<Cipher, MaterialError> {
    Cipher::new(secret.algorithm, &secret.material)
}

/// Opens every note and compares it; returns how many would gain from being sealed again.
fn count_old(
    crypto: ReversibleCrypto<'_>,
    notes: &[(&str, &str, Vec<u8>)],
) -> Result<usize, Box<dyn Error>> {
    let mut old = 0;
    for (owner, text, bytes) in notes {
        let (plaintext, is_current) = crypto.decrypt(owner.as_bytes(), bytes)?;
        if plaintext != text.as_bytes() {
            return Err(format!("the note of {owner} is not what was sealed").into());
        }
        let Envelope { algorithm, key_id, .. } = Envelope::parse(bytes)?;
        let advice = if is_current { "current" } else { "old: would gain from being sealed again" };
        println!("   {owner:<5} {key_id:<15} {:<17} {advice}", format!("{algorithm:?}"));
        old += usize::from(!is_current);
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
