// An encryption key got from a reader is gone when the reader looks again.
use key_rotation::EncryptionKey;
use key_rotation::shared::KeyringReader;

fn seal(_: EncryptionKey<'_>) {}

fn work(reader: &mut KeyringReader) {
    let key = reader.current().encryption_key();
    let _ = reader.current();
    seal(key);
}

fn main() {}
