//! Rotating, and loading from a store: a ring beside a map with an active id.

use std::collections::HashMap;

use key_rotation::{KeyId, KeyMaterial, KeyRecord, KeyStatus, Keyring, Timestamp};
use key_rotation_benches::{median, ring, short_ids, time};
use zeroize::{Zeroize, Zeroizing};

const ROUNDS: usize = 21;

fn main() {
    rotations();
    loads();
}

/// What people write by hand.
struct ByHand {
    keys: HashMap<String, Vec<u8>>,
    active: String,
}

impl ByHand {
    fn rotate_to(&mut self, id: &str) -> Result<String, ()> {
        if !self.keys.contains_key(id) {
            return Err(());
        }
        Ok(std::mem::replace(&mut self.active, id.to_owned()))
    }
}

fn rotations() {
    println!("| rotate in place | keys | ring, ns | map, ns | ratio |");
    println!("|---|---|---|---|---|");
    for size in [3, 16, 100, 10_000, 1_000_000] {
        let ids = short_ids(size);
        let mut ring = ring(&ids);
        let keys = ids.iter().map(|id| (id.clone(), vec![0x5a; 32])).collect();
        let mut by_hand = ByHand { keys, active: ids[0].clone() };
        let at = Timestamp::from_unix_millis(3);
        // Back and forth between keys that are in the cache: the change, and not the memory.
        let mut turn = 0;
        let mut next = || {
            turn += 1;
            ids[turn % 3].as_str()
        };
        let (mut ours, mut theirs) = (vec![], vec![]);
        for _ in 0..ROUNDS {
            ours.push(time(20_000, || ring.rotate_to(next(), at).expect("the key is there")));
            theirs.push(time(20_000, || by_hand.rotate_to(next()).expect("the key is there")));
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!("| | {size} | {ours:.0} | {theirs:.0} | {:.2} |", ours / theirs);
    }
}

fn loads() {
    println!();
    println!("| load and validate | keys | µs | map, µs | ratio | map that wipes, µs | ratio |");
    println!("|---|---|---|---|---|---|---|");
    for size in [16, 100, 1_000, 10_000] {
        let ids = short_ids(size);
        let rows: Vec<(&str, [u8; 32])> = ids.iter().map(|id| (id.as_str(), [0x5a; 32])).collect();
        let calls = u32::try_from(100_000 / size).expect("it fits");
        let mut times = [vec![], vec![], vec![], vec![], vec![]];
        for _ in 0..ROUNDS {
            times[0].push(time(calls, || load(&rows, |bytes| *bytes)));
            times[1].push(time(calls, || {
                load(&rows, |bytes| KeyMaterial::take(&mut bytes.clone()).expect("material"))
            }));
            times[2].push(time(calls, || {
                let owned = |(id, bytes): &(&str, [u8; 32])| ((*id).to_owned(), bytes.to_vec());
                rows.iter().map(owned).collect::<HashMap<String, Vec<u8>>>()
            }));
            times[4].push(time(calls, || {
                let owned = |(id, bytes): &(&str, [u8; 32])| {
                    let mut source = *bytes;
                    let secret = Zeroizing::new(source.to_vec());
                    source.zeroize();
                    ((*id).to_owned(), secret)
                };
                rows.iter().map(owned).collect::<HashMap<String, Zeroizing<Vec<u8>>>>()
            }));
            let records: Vec<_> = records(&rows, |bytes| *bytes).collect();
            let mut loads: Vec<_> = (0..calls).map(|_| records.clone()).collect();
            times[3].push(time(calls, || {
                Keyring::from_records(loads.pop().expect("one for each")).expect("a ring")
            }));
        }
        let [array, bytes, map, border, wiping] = times.map(|times| median(times) / 1e3);
        for (name, ours) in [
            ("arrays", array),
            ("`KeyMaterial`, which wipes", bytes),
            ("records that are there already", border),
        ] {
            println!(
                "| {name} | {size} | {ours:.1} | {map:.1} | {:.2} | {wiping:.1} | {:.2} |",
                ours / map,
                ours / wiping
            );
        }
    }
}

fn records<M>(
    rows: &[(&str, [u8; 32])],
    material: impl Fn(&[u8; 32]) -> M,
) -> impl Iterator<Item = KeyRecord<M>> {
    let mut status = KeyStatus::Active;
    rows.iter().map(move |(id, bytes)| {
        let id = KeyId::try_from(*id).expect("an id");
        let record = KeyRecord::new(id, status, Timestamp::from_unix_millis(1), material(bytes));
        status = KeyStatus::Inactive;
        record
    })
}

fn load<M>(rows: &[(&str, [u8; 32])], material: impl Fn(&[u8; 32]) -> M) -> Keyring<M> {
    Keyring::from_records(records(rows, material)).expect("a ring")
}
