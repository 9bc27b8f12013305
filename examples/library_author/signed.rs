//! The other part of the downstream crate: it signs with private keys and verifies with public ones.

use std::hash::{DefaultHasher, Hasher};

use key_rotation::{KeyId, SigningKey, VerificationKey};

/// A private key.
pub trait Signer {
    fn sign(&self, message: &[u8]) -> u64;
}

/// A public key.
pub trait Verifier {
    fn has_signed(&self, message: &[u8], signature: u64) -> bool;
}

/// A message with its signature, and the id of the key that made it.
#[derive(Clone, Debug)]
pub struct Signed {
    pub key_id: KeyId,
    pub message: Vec<u8>,
    pub signature: u64,
}

/// Signs with the private half of the active key.
#[must_use]
pub fn sign<E: Signer>(key: SigningKey<'_, E>, message: &[u8]) -> Signed {
    let signature = key.material().sign(message);
    Signed { key_id: key.id().clone(), message: message.to_vec(), signature }
}

/// Returns true if the key has signed the message. It takes the public half, which is another type
/// than the private one: with what this function is given nobody can sign.
#[must_use]
pub fn verify<V: Verifier>(key: VerificationKey<'_, V>, signed: &Signed) -> bool {
    key.id() == &signed.key_id && key.material().has_signed(&signed.message, signed.signature)
}

/// Textbook RSA with a modulus that a telephone factors: it stands here for Ed25519, and is of no
/// use for anything else.
#[derive(Debug)]
pub struct ToyPrivate {
    pub modulus: u64,
    pub exponent: u64,
}

/// The public half of a [`ToyPrivate`].
#[derive(Debug)]
pub struct ToyPublic {
    pub modulus: u64,
}

impl Signer for ToyPrivate {
    fn sign(&self, message: &[u8]) -> u64 {
        power(digest(message, self.modulus), self.exponent, self.modulus)
    }
}

impl Verifier for ToyPublic {
    fn has_signed(&self, message: &[u8], signature: u64) -> bool {
        power(signature, 65_537, self.modulus) == digest(message, self.modulus)
    }
}

fn digest(message: &[u8], modulus: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(message);
    hasher.finish() % modulus
}

fn power(base: u64, mut exponent: u64, modulus: u64) -> u64 {
    let times = |a: u64, b: u64| (u128::from(a) * u128::from(b) % u128::from(modulus)) as u64;
    let (mut square, mut product) = (base, 1);
    while exponent > 0 {
        if exponent % 2 == 1 {
            product = times(product, square);
        }
        square = times(square, square);
        exponent /= 2;
    }
    product
}
