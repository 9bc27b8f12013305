//! `KeyMaterial`: every way in, with the same source given to code that does not wipe.

use std::hint::black_box;
use std::panic::{self, AssertUnwindSafe};

use key_rotation::error::{MaterialError, TryFillError};
use key_rotation::{Key, KeyMaterial};

use super::specimen::{KEY_LEN, Place, Specimen, at, id, wipe, write_canary};
use super::{alone, canary_with_room, found_in, nothing_is_found};

#[test]
fn key_material_leaves_nothing_of_a_buffer_that_it_was_made_of() {
    type Source = (&'static str, fn() -> Vec<u8>, Result<usize, MaterialError>);
    let sources: [Source; 5] = [
        ("an exact buffer", || canary_with_room(32, 0), Ok(32)),
        ("a buffer with room", || canary_with_room(32, 200), Ok(32)),
        (
            "a buffer that was longer before",
            || {
                let mut buffer = canary_with_room(64, 30);
                buffer.truncate(32);
                buffer
            },
            Ok(32),
        ),
        (
            "zeros, with a secret in what was cut off",
            || {
                let mut buffer = canary_with_room(64, 0);
                buffer[..32].fill(0);
                buffer.truncate(32);
                buffer
            },
            Err(MaterialError::AllZero),
        ),
        (
            "nothing, with a secret in what was cut off",
            || {
                let mut buffer = canary_with_room(64, 0);
                buffer.clear();
                buffer
            },
            Err(MaterialError::Empty),
        ),
    ];
    let _alone = alone();
    for (name, source, expected) in sources {
        assert_eq!(found_in(|| drop(black_box(source()))), 1, "{name} has no secret in it");
        nothing_is_found(name, || {
            let material = KeyMaterial::try_from(source());
            let len = material.as_ref().map(|material| black_box(material).expose_secret().len());
            assert_eq!(len.map_err(|error| *error), expected);
        });
    }
}

#[test]
fn key_material_takes_bytes_and_wipes_them() {
    let _alone = alone();
    nothing_is_found("take", || {
        let mut source = canary_with_room(KEY_LEN, 0);
        let material = KeyMaterial::take(&mut source).unwrap();
        drop(black_box(source));
        assert!(material.is_intact());
        assert!(material.expose_array::<31>().is_err());
        drop(black_box(material));
    });
    nothing_is_found("take, refused", || {
        let mut source = canary_with_room(KEY_LEN, 0);
        assert_eq!(KeyMaterial::take(&mut source[..0]).unwrap_err(), MaterialError::Empty);
        wipe(&mut source);
        assert_eq!(KeyMaterial::take(&mut source).unwrap_err(), MaterialError::AllZero);
    });
}

#[test]
fn key_material_keeps_the_box_that_it_is_given() {
    let _alone = alone();
    nothing_is_found("a box", || {
        let source = canary_with_room(KEY_LEN, 0).into_boxed_slice();
        let address = source.as_ptr().addr();
        let material = KeyMaterial::try_from(source).unwrap();
        assert_eq!(material.secret_at(), address);
        assert!(material.is_intact());
    });
    nothing_is_found("a box that is refused", || {
        let mut source = canary_with_room(KEY_LEN, 0).into_boxed_slice();
        wipe(&mut source);
        assert_eq!(KeyMaterial::try_from(source).unwrap_err(), MaterialError::AllZero);
    });
}

#[test]
fn key_material_wipes_what_was_filled_in_also_on_error_and_panic() {
    type Fill = fn(&mut [u8]) -> Result<(), &'static str>;
    let fills: [(&str, Fill); 4] = [
        ("filled", |place| {
            write_canary(place);
            Ok(())
        }),
        ("failed", |place| {
            write_canary(place);
            Err("on purpose")
        }),
        ("failed half-way", |place| {
            write_canary(&mut place[..20]);
            Err("on purpose")
        }),
        ("panicked", |place| {
            write_canary(black_box(place));
            panic::resume_unwind(Box::new("on purpose"))
        }),
    ];
    let _alone = alone();
    for (name, fill) in fills {
        let unwiped = || {
            let _ = panic::catch_unwind(|| {
                let mut place = black_box(vec![0; KEY_LEN]);
                let filled = fill(&mut place);
                drop(black_box(place));
                filled
            });
        };
        assert_eq!(found_in(unwiped), 1, "{name}: not seen without wiping");
        nothing_is_found(name, || {
            let mut filled_at = 0;
            let material = panic::catch_unwind(AssertUnwindSafe(|| {
                KeyMaterial::try_fill(KEY_LEN, |place| {
                    filled_at = place.as_ptr().addr();
                    fill(place)
                })
            }));
            match material {
                Ok(Ok(material)) => assert_eq!(material.secret_at(), filled_at),
                Ok(Err(error)) => assert_eq!(error, TryFillError::Fill("on purpose")),
                Err(panic) => assert_eq!(panic.downcast_ref(), Some(&"on purpose")),
            }
        });
    }
    nothing_is_found("emptied again", || {
        let refused = KeyMaterial::try_fill(KEY_LEN, |place| {
            write_canary(place);
            place.fill(0);
            Ok::<_, ()>(())
        });
        assert_eq!(refused.unwrap_err(), TryFillError::Material(MaterialError::AllZero));
    });
}

#[test]
fn key_material_stays_at_the_address_at_which_it_was_filled() {
    let _alone = alone();
    nothing_is_found("moved about", || {
        let material = <KeyMaterial as Specimen>::make();
        let secret = material.secret_at();
        let key = black_box(Key::new(id("k"), material, at(1)).activate(at(2)));
        assert_eq!(key.decryption_key().material().secret_at(), secret);
        let place = Place::of_key(&key);
        let key = black_box(Box::new(key));
        assert_eq!(Place::of_key(&*key), place);
    });
}
