//! A key by its id: a ring beside the maps that people write by hand, at every size.

use std::hash::BuildHasher;
use std::ptr;

use key_rotation::{Inactive, Keyring, Timestamp};
use key_rotation_benches::{Material, material, median, ring, short_ids, time, uuids};

const SIZES: [usize; 5] = [3, 16, 100, 10_000, 1_000_000];
/// How many ids are asked for: enough that a large ring is not all in the cache.
const fn asked_of(size: usize) -> usize {
    if size > 100_000 { 1 << 16 } else { 1 << 12 }
}

fn main() {
    println!(
        "| lookup by id | ids | keys | ring, ns | foldhash, ns | ratio | FxHash, ns | ratio |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, ids_of) in [("16 bytes", short_ids as fn(usize) -> Vec<String>), ("UUID", uuids)] {
        for size in SIZES {
            measure(name, &ids_of(size));
        }
    }
}

fn measure(name: &str, ids: &[String]) {
    let (ring, aged) = (ring(ids), aged(ids));
    let entries = || ids.iter().enumerate().map(|(n, id)| (id.clone(), material(n).into_vec()));
    let folded: hashbrown::HashMap<String, Vec<u8>> = entries().collect();
    let fx: hashbrown::HashMap<String, Vec<u8>, rustc_hash::FxBuildHasher> = entries().collect();

    let uniform = asked(ids.len(), |random| random % ids.len());
    let of =
        |numbers: &[usize]| -> Vec<String> { numbers.iter().map(|n| ids[*n].clone()).collect() };
    let half = asked(ids.len(), |random| if random % 2 == 0 { 0 } else { random / 2 % ids.len() });
    let misses: Vec<String> = of(&uniform).into_iter().map(|id| id[1..].to_owned() + "x").collect();
    for (kind, asked) in [
        ("uniform", of(&uniform)),
        ("uniform, every other key retired", of(&uniform)),
        ("half for the active", of(&half)),
        ("the active", vec![ids[0].clone(); asked_of(ids.len())]),
        ("a miss, as an error", misses.clone()),
        ("a miss", misses),
    ] {
        let rounds = if ids.len() > 100_000 { 9 } else { 41 };
        let mut times = [vec![], vec![], vec![]];
        for _ in 0..rounds {
            times[0].push(match kind {
                "a miss" => each(&asked, |id| is_in_ring(&ring, id)),
                "uniform, every other key retired" => each(&asked, |id| in_ring(&aged, id)),
                _ => each(&asked, |id| in_ring(&ring, id)),
            });
            times[1].push(each(&asked, |id| in_map(&folded, id)));
            times[2].push(each(&asked, |id| in_map(&fx, id)));
        }
        let [ours, folded, fx] = times.map(median);
        println!(
            "| {kind} | {name} | {} | {ours:.1} | {folded:.1} | {:.2} | {fx:.1} | {:.2} |",
            ids.len(),
            ours / folded,
            ours / fx
        );
    }
}

/// The same ring late in its life.
fn aged(ids: &[String]) -> Keyring<Material> {
    let mut ring = ring(ids);
    for id in ids.iter().skip(1).step_by(2) {
        let entry = ring.entry::<Inactive>(id).expect("the key is there");
        let _ = entry.retire(Timestamp::from_unix_millis(3));
    }
    ring
}

/// Which keys are asked for: the same for all contenders.
fn asked(size: usize, mut pick: impl FnMut(usize) -> usize) -> Vec<usize> {
    let mut state = size as u64 | 1;
    let mut random = || {
        // An xorshift: the order must not be the order of insertion, and no more.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as usize
    };
    (0..asked_of(size)).map(|_| pick(random())).collect()
}

fn each(asked: &[String], mut look_up: impl FnMut(&str) -> usize) -> f64 {
    let sweep = || asked.iter().fold(0_usize, |sum, id| sum.wrapping_add(look_up(id)));
    let sweep = std::cell::RefCell::new(sweep);
    time(4, || sweep.borrow_mut()()) / asked.len() as f64
}

/// To a reference to the material: what is behind it is alike for all.
#[inline(never)]
fn in_ring(ring: &Keyring<Material>, id: &str) -> usize {
    ring.decryption_key(id).map_or(0, |key| ptr::from_ref(key.material()).addr())
}

/// Where a miss is no error: what a map answers.
#[inline(never)]
fn is_in_ring(ring: &Keyring<Material>, id: &str) -> usize {
    ring.get(id).map_or(0, |key| ptr::from_ref(key.id()).addr())
}

#[inline(never)]
fn in_map<S: BuildHasher>(map: &hashbrown::HashMap<String, Vec<u8>, S>, id: &str) -> usize {
    map.get(id).map_or(0, |material| ptr::from_ref(material).addr())
}
