//! Two readers while a writer rotates a thousand times a second: a shared ring beside what a user
//! would build instead. And what a rotation of a shared ring costs.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Cache};
use key_rotation::shared::SharedKeyring;
use key_rotation::{Keyring, Timestamp};
use key_rotation_benches::{Material, median, ring, short_ids, time};

type Ring = Keyring<Material>;

const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(200);
const BETWEEN_ROTATIONS: Duration = Duration::from_millis(1);

fn main() {
    let ids = short_ids(16);
    let at = Timestamp::from_unix_millis(3);
    let shared = SharedKeyring::new(ring(&ids));
    let swap = Arc::new(ArcSwap::from_pointee(ring(&ids)));
    let lock = Arc::new(RwLock::new(Arc::new(ring(&ids))));

    let to = |turn: usize| ids[turn % ids.len()].as_str();
    let rotate_shared = |turn| {
        let _ = shared.update(|ring| ring.rotate_to(to(turn), at)).expect("the key is there");
    };
    let rotated = |ring: &Ring, turn| {
        let mut next = ring.fork();
        let _ = next.rotate_to(to(turn), at).expect("the key is there");
        Arc::new(next)
    };
    let rotate_swap = |turn| swap.store(rotated(&swap.load(), turn));
    let rotate_lock = |turn| {
        let next = rotated(&lock.read().expect("no panic"), turn);
        *lock.write().expect("no panic") = next;
    };

    let mut results: [(&str, Vec<f64>); 6] = [
        ("KeyringReader::current", vec![]),
        ("arc_swap::Cache", vec![]),
        ("SharedKeyring::load", vec![]),
        ("arc_swap::ArcSwap::load", vec![]),
        ("RwLock<Arc<_>>, cloned", vec![]),
        ("RwLock<Arc<_>>, held", vec![]),
    ];
    // In turns, so that what else the machine does meets all alike.
    for _ in 0..ROUNDS {
        let measured = [
            read(rotate_shared, || {
                let mut reader = shared.reader();
                move || first_byte(reader.current())
            }),
            read(rotate_swap, || {
                let mut cache = Cache::new(swap.clone());
                move || first_byte(cache.load())
            }),
            read(rotate_shared, || || first_byte(&shared.load())),
            read(rotate_swap, || || first_byte(&swap.load())),
            read(rotate_lock, || || first_byte(&lock.read().expect("no panic").clone())),
            read(rotate_lock, || || first_byte(&lock.read().expect("no panic"))),
        ];
        for ((_, values), nanoseconds) in results.iter_mut().zip(measured) {
            values.push(nanoseconds);
        }
    }

    println!("| 2 readers, 1000 rotations a second | ns a read | speed beside `KeyringReader` |");
    println!("|---|---|---|");
    let ours = median(results[0].1.clone());
    for (name, values) in results {
        let nanoseconds = median(values);
        println!("| `{name}` | {nanoseconds:.2} | {:.3} |", ours / nanoseconds);
    }

    let mut turn = 0;
    let (mut rotations, mut forks) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        rotations.push(time(5_000, || {
            turn += 1;
            rotate_shared(turn);
        }));
        let ring = shared.load();
        forks.push(time(5_000, || ring.fork()));
    }
    let (rotation, fork) = (median(rotations), median(forks));
    println!();
    println!("| 16 keys | ns |");
    println!("|---|---|");
    println!("| a rotation of a shared ring | {rotation:.0} |");
    println!("| of which one copy of the tables (`fork`, and its drop) | {fork:.0} |");
    println!("| the rest | {:.0} |", rotation - fork);
}

fn first_byte(ring: &Ring) -> u8 {
    ring.encryption_key().material()[0]
}

/// Nanoseconds per read of two threads while a third rotates.
fn read<Read: FnMut() -> u8>(
    rotate: impl Fn(usize) + Sync,
    reader: impl Fn() -> Read + Sync,
) -> f64 {
    let is_over = AtomicBool::new(false);
    let work = || {
        let mut read = reader();
        let (start, mut reads) = (Instant::now(), 0_u64);
        while !is_over.load(Ordering::Relaxed) {
            for _ in 0..1000 {
                black_box(read());
            }
            reads += 1000;
        }
        start.elapsed().as_secs_f64() * 1e9 / reads as f64
    };
    thread::scope(|scope| {
        let readers = [(); 2].map(|()| scope.spawn(work));
        let start = Instant::now();
        let mut turn = 0;
        while start.elapsed() < ROUND {
            thread::sleep(BETWEEN_ROTATIONS);
            turn += 1;
            rotate(turn);
        }
        is_over.store(true, Ordering::Relaxed);
        let times = readers.map(|reader| reader.join().expect("no panic"));
        times.iter().sum::<f64>() / times.len() as f64
    })
}
