//! Runs one case so many times, for `scripts/bench` to count its instructions with callgrind: the
//! difference of two runs is the case alone.

use std::hint::black_box;
use std::sync::Arc;

use key_rotation::{Keyring, Timestamp};
use key_rotation_benches::{Material, material, ring, short_ids, uuids};

type Map = hashbrown::HashMap<String, Vec<u8>>;

/// What a plain program has in the place of a ring.
struct Plain {
    key: Arc<Material>,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let case = arguments.next().expect("a case");
    let calls: u32 = arguments.next().and_then(|calls| calls.parse().ok()).expect("a number");
    let (short, long) = (short_ids(100), uuids(100));
    let map = |ids: &[String]| -> Map {
        ids.iter().enumerate().map(|(n, id)| (id.clone(), material(n).into_vec())).collect()
    };
    let plain = Plain { key: Arc::new(material(0)) };
    let mut ring_of_short = ring(&short);
    let (ring_of_long, map_of_short, map_of_long) = (ring(&long), map(&short), map(&long));
    for turn in 0..calls {
        match case.as_str() {
            "nothing" => black_box(0),
            "plain-field" => black_box(field(black_box(&plain))),
            "active-key" => black_box(active(black_box(&ring_of_short))),
            "ring-miss" => black_box(in_ring(&ring_of_short, black_box("2026-q4-9999999x"))),
            "map-miss" => black_box(in_map(&map_of_short, black_box("2026-q4-9999999x"))),
            "ring-16-bytes" => black_box(in_ring(&ring_of_short, black_box(&short[50]))),
            "map-16-bytes" => black_box(in_map(&map_of_short, black_box(&short[50]))),
            "ring-uuid" => black_box(in_ring(&ring_of_long, black_box(&long[50]))),
            "map-uuid" => black_box(in_map(&map_of_long, black_box(&long[50]))),
            "ring-active-uuid" => black_box(in_ring(&ring_of_long, black_box(&long[0]))),
            "ring-active-id" => black_box(in_ring(&ring_of_short, black_box(&short[0]))),
            "rotate" => {
                let at = Timestamp::from_unix_millis(9);
                let to = &short[turn as usize % 2];
                let _ = ring_of_short.rotate_to(to, at).expect("the key is there");
                0
            }
            "load-100-keys" => black_box(load(black_box(&short)).len()),
            other => panic!("no case {other}"),
        };
    }
}

#[inline(never)]
fn load(ids: &[String]) -> Keyring<[u8; 32]> {
    let mut status = key_rotation::KeyStatus::Active;
    let records = ids.iter().map(|id| {
        let id = id.parse().expect("an id");
        let record =
            key_rotation::KeyRecord::new(id, status, Timestamp::from_unix_millis(1), [0x5a; 32]);
        status = key_rotation::KeyStatus::Inactive;
        record
    });
    Keyring::from_records(records).expect("a ring")
}

#[inline(never)]
fn field(plain: &Plain) -> usize {
    std::ptr::from_ref::<Material>(&plain.key).addr()
}

#[inline(never)]
fn active(ring: &Keyring<Material>) -> usize {
    std::ptr::from_ref(ring.encryption_key().material()).addr()
}

#[inline(never)]
fn in_ring(ring: &Keyring<Material>, id: &str) -> usize {
    ring.decryption_key(id).map_or(0, |key| std::ptr::from_ref(key.material()).addr())
}

#[inline(never)]
fn in_map(map: &Map, id: &str) -> usize {
    map.get(id).map_or(0, |material| std::ptr::from_ref(material).addr())
}
