//! Bytes on the heap per key.

use std::alloc::System;
use std::collections::HashMap;

use cap::Cap;
use key_rotation::{Key, KeyId, KeyMaterial, Keyring, Timestamp};
use key_rotation_benches::{short_ids, uuids};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

fn main() {
    println!("| heap per key, 10 000 keys of 32 bytes | ids of 16 bytes | UUIDs |");
    println!("|---|---|---|");
    // What is allocated once for all is not the first contender's.
    per_key(&short_ids(10), || ring(&short_ids(10), || 0));
    let rows = [short_ids(10_000), uuids(10_000)];
    let print = |name: &str, measure: fn(&[String]) -> f64| {
        let [short, long] = [measure(&rows[0]), measure(&rows[1])];
        println!("| {name} | {short:.0} | {long:.0} |");
    };
    print("`Keyring<[u8; 32]>`", |ids| per_key(ids, || ring(ids, || [0x5a_u8; 32])));
    print("`Keyring<KeyMaterial>`", |ids| {
        per_key(ids, || ring(ids, || KeyMaterial::take(&mut [0x5a; 32]).expect("material")))
    });
    print("`HashMap<String, Vec<u8>>`", |ids| {
        per_key(ids, || {
            ids.iter().map(|id| (id.clone(), vec![0x5a_u8; 32])).collect::<HashMap<_, _>>()
        })
    });
}

fn per_key<T>(ids: &[String], make: impl Fn() -> T) -> f64 {
    let before = HEAP.allocated();
    let made = make();
    let bytes = HEAP.allocated() - before;
    drop(made);
    bytes as f64 / ids.len() as f64
}

fn ring<M>(ids: &[String], material: impl Fn() -> M) -> Keyring<M> {
    let at = Timestamp::from_unix_millis;
    let key = |id: &String| Key::new(id.parse::<KeyId>().expect("an id"), material(), at(1));
    let mut ring = Keyring::new(key(&ids[0]).activate(at(2)));
    for id in &ids[1..] {
        let _ = ring.add(key(id), at(1)).expect("an id that is not taken");
    }
    ring
}
