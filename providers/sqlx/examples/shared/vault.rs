//! The surroundings of a ring: a KMS that wraps keys, and a module that seals text.
//! AES-KW (RFC 3394) under a local key stands in for the KMS.

use std::error::Error;

use aes_gcm::aead::{Aead, Generate, Nonce, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use aes_kw::KwAes256;
use key_rotation::{
    DecryptionKey, EncryptionKey, Inactive, Key, KeyId, KeyMaterial, Keyring, Timestamp,
};
use key_rotation_sqlx::WrappedKey;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const KEY_LEN: usize = 32;
const WRAPPED_LEN: usize = KEY_LEN + 8;

/// Holds the key that wraps keys, and never gives it out.
pub(crate) struct Kms {
    wrapping_key: KwAes256,
}

impl Kms {
    /// A KMS with a wrapping key that everybody knows: a real one is asked over the network.
    pub(crate) fn of_the_example() -> Self {
        Self { wrapping_key: KwAes256::new(&[0x4b; KEY_LEN].into()) }
    }

    /// A new inactive key that is ready for the store: what leaves this function is wrapped.
    pub(crate) fn new_key(&self, id: KeyId) -> Result<Key<Inactive, WrappedKey>> {
        let material = KeyMaterial::try_fill(KEY_LEN, getrandom::fill)?;
        let mut wrapped = [0; WRAPPED_LEN];
        let wrapped = self.wrapping_key.wrap_key(material.expose_secret(), &mut wrapped)?;
        Ok(Key::new(id, WrappedKey::new(wrapped)?, Timestamp::now()))
    }

    /// A cipher from a wrapped key.
    pub(crate) fn unwrap(&self, wrapped: &WrappedKey) -> Result<Aes256Gcm> {
        let material = KeyMaterial::try_fill(KEY_LEN, |buffer| {
            self.wrapping_key.unwrap_key(wrapped.as_bytes(), buffer).map(drop)
        })?;
        Ok(Aes256Gcm::new(material.expose_array()?.into()))
    }

    /// The same ring with ciphers in place of wrapped keys. Only now can it encrypt.
    pub(crate) fn unwrap_ring(&self, ring: &Keyring<WrappedKey>) -> Result<Keyring<Aes256Gcm>> {
        ring.try_map(|_, wrapped| self.unwrap(wrapped))
    }
}

/// A ciphertext, with the id of its key beside it.
pub(crate) struct Sealed {
    pub(crate) key_id: String,
    pub(crate) body: Vec<u8>,
}

/// Takes an encryption key of ciphers: neither an old key nor a wrapped one compiles here.
pub(crate) fn seal(key: EncryptionKey<'_, Aes256Gcm>, text: &str) -> Result<Sealed> {
    let nonce = Nonce::<Aes256Gcm>::try_generate()?;
    let payload = Payload { msg: text.as_bytes(), aad: key.id().as_str().as_bytes() };
    let mut body = nonce.to_vec();
    body.extend(key.material().encrypt(&nonce, payload).map_err(|_| "encryption failed")?);
    Ok(Sealed { key_id: key.id().to_string(), body })
}

pub(crate) fn open(key: DecryptionKey<'_, Aes256Gcm>, sealed: &Sealed) -> Result<String> {
    let (nonce, body) = sealed.body.split_at_checked(12).ok_or("the ciphertext is cut short")?;
    let nonce = Nonce::<Aes256Gcm>::try_from(nonce)?;
    let payload = Payload { msg: body, aad: key.id().as_str().as_bytes() };
    let text = key.material().decrypt(&nonce, payload);
    Ok(String::from_utf8(text.map_err(|_| "the ciphertext is not authentic")?)?)
}
