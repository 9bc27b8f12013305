//! Sealing and opening 64 bytes: prepared ciphers in a ring beside what else there is.

use std::collections::HashMap;

use fernet::{Fernet, MultiFernet};
use key_rotation::{Key, KeyId, Keyring, Timestamp};
use key_rotation_benches::{median, short_ids, time};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

const ROUNDS: usize = 31;
const CALLS: u32 = 5_000;
const TEXT: [u8; 64] = [0x2a; 64];

fn main() {
    let ids = short_ids(100);
    let bytes = |number: usize| [u8::try_from(number).expect("a hundred"); 32];
    let cipher = |bytes: &[u8]| LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).expect("32"));
    let at = Timestamp::from_unix_millis;
    let key =
        |n: usize| Key::new(ids[n].parse::<KeyId>().expect("an id"), cipher(&bytes(n)), at(1));
    let mut ring = Keyring::new(key(0).activate(at(2)));
    for number in 1..ids.len() {
        let _ = ring.add(key(number)).expect("an id that is not taken");
    }
    let bare = cipher(&bytes(50));
    let map: HashMap<String, Vec<u8>> =
        ids.iter().enumerate().map(|(n, id)| (id.clone(), bytes(n).to_vec())).collect();

    let mut times = [vec![], vec![], vec![], vec![]];
    for _ in 0..ROUNDS {
        times[0].push(time(CALLS, || seal(&bare)));
        times[1].push(time(CALLS, || {
            seal(ring.decryption_key(&ids[50]).expect("the key is there").material())
        }));
        times[2].push(time(CALLS, || seal(&cipher(&map[&ids[50]]))));
        times[3].push(time(CALLS, || seal(ring.encryption_key().material())));
    }
    let [bare, by_id, scheduled, active] = times.map(median);
    println!("| seal 64 bytes, AES-256-GCM of `ring`, 100 keys | ns | beside the bare cipher |");
    println!("|---|---|---|");
    for (name, nanoseconds) in [
        ("the bare prepared cipher", bare),
        ("the active key of a ring", active),
        ("a key of a ring by its id", by_id),
        ("a map of bytes, and a key schedule per call", scheduled),
    ] {
        println!("| {name} | {nanoseconds:.0} | {:.2} |", nanoseconds / bare);
    }
    println!("| a ring beside the map | | {:.2} |", by_id / scheduled);

    let fernets: Vec<Fernet> =
        ids.iter().map(|_| Fernet::new(&Fernet::generate_key()).expect("a key")).collect();
    let token = fernets[99].encrypt(&TEXT);
    let multi = MultiFernet::new(fernets);
    let oldest = ids[99].as_str();
    let sealed = {
        let mut sealed = TEXT.to_vec();
        let key = ring.decryption_key(oldest).expect("the key is there");
        let nonce = Nonce::assume_unique_for_key([7; 12]);
        key.material().seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed).expect("sealed");
        sealed
    };
    let (mut ours, mut theirs) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        ours.push(time(CALLS, || {
            let key = ring.decryption_key(oldest).expect("the key is there");
            let nonce = Nonce::assume_unique_for_key([7; 12]);
            let mut body = sealed.clone();
            key.material().open_in_place(nonce, Aad::empty(), &mut body).expect("opened").len()
        }));
        theirs.push(time(CALLS / 100, || multi.decrypt(&token).expect("opened").len()));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!();
    println!("| open 64 bytes under the oldest of 100 keys | ns | |");
    println!("|---|---|---|");
    println!("| a ring, by the id in the header | {ours:.0} | 1 |");
    println!("| `fernet::MultiFernet`, which tries each | {theirs:.0} | {:.0} |", theirs / ours);
}

fn seal(key: &LessSafeKey) -> u8 {
    let mut body = TEXT;
    let nonce = Nonce::assume_unique_for_key([7; 12]);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut body).expect("sealed");
    tag.as_ref()[0] ^ body[0]
}
