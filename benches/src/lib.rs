//! What the benches share: rings to measure, and rounds in which all contenders take their turn.

use std::hint::black_box;
use std::time::Instant;

use key_rotation::{Key, KeyId, Keyring, Timestamp};

/// The material of the keys that are measured: 32 bytes on the heap, as a wrapped or a raw key.
pub type Material = Box<[u8]>;

/// The material of the key of this number.
#[must_use]
pub fn material(number: usize) -> Material {
    let mut bytes = vec![0x5a; 32].into_boxed_slice();
    bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
    bytes
}

/// A ring of these ids, the first of which is active and the rest inactive.
///
/// # Panics
///
/// If an id is none, or is there twice.
pub fn ring(ids: &[String]) -> Keyring<Material> {
    let at = Timestamp::from_unix_millis;
    let key = |number: usize| {
        let id: KeyId = ids[number].parse().expect("a key id");
        Key::new(id, material(number), at(1))
    };
    let mut ring = Keyring::new(key(0).activate(at(2)));
    for number in 1..ids.len() {
        let _ = ring.add(key(number), at(1)).expect("an id that is not taken");
    }
    ring
}

/// Ids of 16 bytes, as a date and a counter make them.
#[must_use]
pub fn short_ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("2026-q4-{number:08}")).collect()
}

/// Nanoseconds per call, over so many calls.
pub fn time<T>(calls: u32, mut call: impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(call());
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
}

/// The middle of these.
///
/// # Panics
///
/// If there are none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Ids of 36 bytes, as a generator of UUIDs makes them.
#[must_use]
pub fn uuids(count: usize) -> Vec<String> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        // SplitMix64: any that looks random.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let uuid = |_| {
        let (a, b) = (random(), random());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    };
    (0..count).map(uuid).collect()
}
