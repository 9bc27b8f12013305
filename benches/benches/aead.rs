//! Sealing and opening 64 bytes: prepared ciphers in a ring beside what else there is.

use std::collections::HashMap;

use fernet::{Fernet, MultiFernet};
use key_rotation::{Key, KeyId, Keyring, Timestamp};
use key_rotation_benches::{median, short_ids, time};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use tink_aead::subtle::AesGcm;
use tink_core::Aead;

const ROUNDS: usize = 31;
const CALLS: u32 = 5_000;
const KEYS: usize = 100;
const OLDEST: usize = KEYS - 1;
const TEXT: [u8; 64] = [0x2a; 64];

/// A name, whose AES it uses, and one turn of it: nanoseconds per call.
type Contender<'a> = (&'static str, &'static str, Box<dyn Fn() -> f64 + 'a>);

fn main() {
    let ids = short_ids(KEYS);
    let map: HashMap<String, Vec<u8>> =
        ids.iter().enumerate().map(|(n, id)| (id.clone(), bytes(n).to_vec())).collect();
    let prepared = keyring(&ids, |n| cipher(&bytes(n)));
    // Tink's own cipher as the material of a ring: what differs from tink is how the key is found.
    let of_tink = keyring(&ids, |n| AesGcm::new(&bytes(n)).expect("32 bytes"));
    let (tink, of_its_oldest) = tink();
    let fernets: Vec<Fernet> =
        ids.iter().map(|_| Fernet::new(&Fernet::generate_key()).expect("a key")).collect();
    let token = fernets[OLDEST].encrypt(&TEXT);
    let multi = MultiFernet::new(fernets);

    let bare = cipher(&bytes(50));
    let tinks_bare = AesGcm::new(&bytes(50)).expect("32 bytes");
    let id = ids[50].as_str();
    let sealing = compare(
        "seal 64 bytes, 100 keys",
        "the bare cipher of `ring`",
        0,
        &[
            contender("the bare prepared cipher", "`ring`", CALLS, || seal(&bare)),
            contender("the active key of a ring", "`ring`", CALLS, || {
                seal(prepared.encryption_key().material())
            }),
            contender("a key of a ring by its id", "`ring`", CALLS, || {
                seal(prepared.decryption_key(id).expect("the key is there").material())
            }),
            contender("a map of bytes, and a key schedule per call", "`ring`", CALLS, || {
                seal(&cipher(&map[id]))
            }),
            contender("tink's bare cipher, which draws a nonce", "RustCrypto", CALLS, || {
                tinks_bare.encrypt(&TEXT, &[]).expect("sealed")
            }),
            contender("tink's cipher in a ring, with the id in front", "RustCrypto", CALLS, || {
                seal_with_id(&of_tink)
            }),
            contender("`tink_aead`, with its prefix in front", "RustCrypto", CALLS, || {
                tink.encrypt(&TEXT, &[]).expect("sealed")
            }),
            contender("`fernet::MultiFernet`, AES-128-CBC", "RustCrypto", CALLS / 20, || {
                multi.encrypt(&TEXT)
            }),
        ],
    );
    println!("| a key of a ring beside the map | | | {:.2} |", sealing[2] / sealing[3]);
    println!("| a ring of tink's cipher beside `tink_aead` | | | {:.2} |", sealing[5] / sealing[6]);
    println!();

    let sealed = seal_oldest(&prepared, &ids[OLDEST]);
    let body = of_tink.decryption_key(&ids[OLDEST]).expect("the key is there");
    let body = body.material().encrypt(&TEXT, &[]).expect("sealed");
    let with_id = [ids[OLDEST].as_bytes(), &body].concat();
    let bare = cipher(&bytes(OLDEST));
    let oldest = ids[OLDEST].as_str();
    let opening = compare(
        "open 64 bytes under the oldest of 100 keys",
        "a ring over `ring`",
        1,
        &[
            contender("the bare prepared cipher", "`ring`", CALLS, || open(&bare, &sealed)),
            contender("a ring, by the id in the header", "`ring`", CALLS, || {
                let key = prepared.decryption_key(oldest).expect("the key is there");
                open(key.material(), &sealed)
            }),
            contender("a map of bytes, and a key schedule per call", "`ring`", CALLS, || {
                open(&cipher(&map[oldest]), &sealed)
            }),
            contender("tink's cipher in a ring, by the id in front", "RustCrypto", CALLS, || {
                open_with_id(&of_tink, &with_id)
            }),
            contender("`tink_aead`, by the prefix in front", "RustCrypto", CALLS, || {
                tink.decrypt(&of_its_oldest, &[]).expect("opened")
            }),
            contender("`fernet::MultiFernet`, which tries each", "RustCrypto", CALLS / 500, || {
                multi.decrypt(&token).expect("opened")
            }),
        ],
    );
    println!("| a ring of tink's cipher beside `tink_aead` | | | {:.2} |", opening[3] / opening[4]);
}

/// Prints a table of these, which take turns, with ratios to one of them. Their times.
fn compare(what: &str, beside: &str, reference: usize, contenders: &[Contender<'_>]) -> Vec<f64> {
    let mut times = vec![vec![]; contenders.len()];
    for _ in 0..ROUNDS {
        for (times, (.., turn)) in times.iter_mut().zip(contenders) {
            times.push(turn());
        }
    }
    let medians: Vec<f64> = times.into_iter().map(median).collect();
    println!("| {what} | AES of | ns | beside {beside} |");
    println!("|---|---|---|---|");
    for ((name, aes, _), nanoseconds) in contenders.iter().zip(&medians) {
        let ratio = nanoseconds / medians[reference];
        let digits = if ratio < 100.0 { 2 } else { 0 };
        println!("| {name} | {aes} | {nanoseconds:.0} | {ratio:.digits$} |");
    }
    medians
}

fn contender<'a, T>(
    name: &'static str,
    aes: &'static str,
    calls: u32,
    call: impl Fn() -> T + 'a,
) -> Contender<'a> {
    (name, aes, Box::new(move || time(calls, &call)))
}

fn bytes(number: usize) -> [u8; 32] {
    [u8::try_from(number).expect("a hundred"); 32]
}

fn cipher(bytes: &[u8]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).expect("32 bytes"))
}

fn keyring<M>(ids: &[String], material: impl Fn(usize) -> M) -> Keyring<M> {
    let at = Timestamp::from_unix_millis;
    let key = |n: usize| Key::new(ids[n].parse::<KeyId>().expect("an id"), material(n), at(1));
    let mut ring = Keyring::new(key(0).activate(at(2)));
    for number in 1..ids.len() {
        let _ = ring.add(key(number), at(1)).expect("an id that is not taken");
    }
    ring
}

/// A keyset of tink's, and what its oldest key sealed.
fn tink() -> (Box<dyn Aead>, Vec<u8>) {
    tink_aead::init();
    let mut keyset = tink_core::keyset::Manager::new();
    let mut rotated = || {
        keyset.rotate(&tink_aead::aes256_gcm_key_template()).expect("a new primary key");
        tink_aead::new(&keyset.handle().expect("a keyset")).expect("ciphers")
    };
    let sealed = rotated().encrypt(&TEXT, &[]).expect("sealed");
    let of_all = (1..KEYS).map(|_| rotated()).last().expect("more keys");
    (of_all, sealed)
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([7; 12])
}

fn seal(key: &LessSafeKey) -> u8 {
    let mut body = TEXT;
    let tag = key.seal_in_place_separate_tag(nonce(), Aad::empty(), &mut body).expect("sealed");
    tag.as_ref()[0] ^ body[0]
}

fn seal_oldest(ring: &Keyring<LessSafeKey>, id: &str) -> Vec<u8> {
    let mut sealed = TEXT.to_vec();
    let key = ring.decryption_key(id).expect("the key is there");
    key.material().seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed).expect("sealed");
    sealed
}

fn open(key: &LessSafeKey, sealed: &[u8]) -> usize {
    let mut body = sealed.to_vec();
    key.open_in_place(nonce(), Aad::empty(), &mut body).expect("opened").len()
}

/// As tink does it: the body, and then once more with the header.
fn seal_with_id(ring: &Keyring<AesGcm>) -> Vec<u8> {
    let key = ring.encryption_key();
    let body = key.material().encrypt(&TEXT, &[]).expect("sealed");
    [key.id().as_str().as_bytes(), &body].concat()
}

fn open_with_id(ring: &Keyring<AesGcm>, sealed: &[u8]) -> Vec<u8> {
    let (id, body) = sealed.split_at(16);
    let id = std::str::from_utf8(id).expect("an id");
    let key = ring.decryption_key(id).expect("the key is there");
    key.material().decrypt(body, &[]).expect("opened")
}
