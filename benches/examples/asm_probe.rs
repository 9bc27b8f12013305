//! What `scripts/asm` compares: the code of access to a key of each status, and of a plain field.
//! One of them is a control that must differ.

use std::sync::Arc;

use key_rotation::{Active, Inactive, Key, KeyStatus, Keyring, Retired};

/// What a plain program has in the place of a key.
pub struct Plain {
    pub name: String,
    pub material: Arc<[u8; 32]>,
}

/// The same with a status that is looked at in each call.
pub struct Checked {
    pub status: KeyStatus,
    pub material: Arc<[u8; 32]>,
}

#[inline(never)]
#[must_use]
pub fn plain_field(plain: &Plain) -> &[u8; 32] {
    &plain.material
}

#[inline(never)]
#[must_use]
pub fn encrypt_active(key: &Key<Active, [u8; 32]>) -> &[u8; 32] {
    key.encryption_key().material()
}

#[inline(never)]
#[must_use]
pub fn decrypt_active(key: &Key<Active, [u8; 32]>) -> &[u8; 32] {
    key.decryption_key().material()
}

#[inline(never)]
#[must_use]
pub fn decrypt_inactive(key: &Key<Inactive, [u8; 32]>) -> &[u8; 32] {
    key.decryption_key().material()
}

#[inline(never)]
#[must_use]
pub fn decrypt_retired(key: &Key<Retired, [u8; 32]>) -> &[u8; 32] {
    key.decryption_key().material()
}

#[inline(never)]
#[must_use]
pub fn encrypt_with_ring(ring: &Keyring<[u8; 32]>) -> &[u8; 32] {
    ring.encryption_key().material()
}

/// The control.
#[inline(never)]
#[must_use]
pub fn checked_status(key: &Checked) -> Option<&[u8; 32]> {
    (key.status == KeyStatus::Active).then_some(&key.material)
}
