//! The downstream crate: it encrypts and decrypts, and knows nothing of rotation, stores or policies.

use std::{fmt, str};

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{self, Aead, KeyInit, Payload};
use chacha20poly1305::ChaCha20Poly1305;
use key_rotation::error::{InvalidKeyId, MaterialError};
use key_rotation::ring::CryptoExport;
use key_rotation::{
    DecryptionKey, DecryptionKeyError, EncryptionKey, KeyId, KeyMaterial, SalvageKey,
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

/// The material that this library works with. [`Cipher`] is one; a user may bring another, such as a
/// handle to a module that keeps its keys to itself.
pub trait PreparedCipher {
    fn algorithm(&self) -> Algorithm;
    fn encrypt(&self, nonce: Nonce, input: Payload<'_, '_>) -> aead::Result<Vec<u8>>;
    fn decrypt(&self, nonce: Nonce, input: Payload<'_, '_>) -> aead::Result<Vec<u8>>;
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
}

impl PreparedCipher for Cipher {
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

/// The result of sealing. As bytes: version (1), algorithm (1), length of the id (1), id,
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

/// Makes what stands before the nonce, and is authenticated with the context behind it. It says
/// where it ends, so no two pairs of a header and a context read alike.
fn header(algorithm: Algorithm, key_id: &KeyId) -> Vec<u8> {
    const { assert!(KeyId::MAX_LEN <= 255, "the length of an id is one byte") }
    let id = key_id.as_str().as_bytes();
    [&[VERSION, algorithm as u8, id.len() as u8], id].concat()
}

/// Encrypts under the active key. The context is not stored: whoever opens must know it.
///
/// The signature is the point. It is generic in what a key is made of, and not in what a key may do:
/// an [`EncryptionKey`] comes from an active key and from nowhere else. A program that looks up the
/// key of an old envelope and tries to seal with it,
///
/// ```text
/// seal(ring.decryption_key("2026-q3-aes")?, context, plaintext)
/// ```
///
/// is stopped by the compiler, and not by a test, a review or an incident:
///
/// ```text
/// expected `EncryptionKey<'_, _>`, found `DecryptionKey<'_, Cipher>`
/// ```
///
/// Nonces are random, which is safe for 2^32 envelopes under one key (NIST SP 800-38D, 8.3).
pub fn seal<C: PreparedCipher>(
    key: EncryptionKey<'_, C>,
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

/// Decrypts with the key that the envelope names: any key that is trusted.
pub fn open<C: PreparedCipher>(
    key: DecryptionKey<'_, C>,
    context: &[u8],
    envelope: &Envelope,
) -> Result<Vec<u8>, CryptoError> {
    opened(key.id(), key.material(), context, envelope)
}

/// Seals again, under the active key, what a revoked key has sealed. The plaintext stays in here:
/// whoever had the key may have written it, so it is for a person to look at before it is used.
pub fn seal_again<C: PreparedCipher>(
    revoked: SalvageKey<'_, C>,
    active: EncryptionKey<'_, C>,
    context: &[u8],
    envelope: &Envelope,
) -> Result<Envelope, CryptoError> {
    let plaintext = opened(revoked.id(), revoked.material(), context, envelope)?;
    seal(active, context, &plaintext)
}

fn opened<C: PreparedCipher>(
    id: &KeyId,
    cipher: &C,
    context: &[u8],
    envelope: &Envelope,
) -> Result<Vec<u8>, CryptoError> {
    let Envelope { algorithm, key_id, nonce, ciphertext } = envelope;
    if (id, cipher.algorithm()) != (key_id, *algorithm) {
        return Err(CryptoError::OtherKey(key_id.clone(), *algorithm));
    }
    let aad = [&header(*algorithm, key_id), context].concat();
    let opened = cipher.decrypt(*nonce, Payload { msg: ciphertext, aad: &aad });
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

    /// Decrypts, and returns beside the plaintext true if another key has taken the place of this
    /// one: then the envelope would gain from being sealed again.
    pub fn decrypt(&self, context: &[u8], bytes: &[u8]) -> Result<(Vec<u8>, bool), CryptoError> {
        let envelope = Envelope::parse(bytes)?;
        let key = self.0.decryption_key(envelope.key_id.as_str())?;
        Ok((open(key, context, &envelope)?, key.is_superseded()))
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
