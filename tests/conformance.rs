//! The conformance kit passes what is right, and catches a provider that is broken on purpose for
//! each behaviour.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use key_rotation::InMemoryKeyProvider;
use key_rotation::conformance;
use pollster::block_on;
use std::sync::Arc;

use self::memory::{Erased, InMemory, Rings, Stored};

#[path = "conformance/memory.rs"]
mod memory;

#[test]
fn the_store_in_memory_conforms_by_reference_in_a_box_counted_and_erased() {
    block_on(conformance::check_all(&InMemory::<&'static Stored>::new())).unwrap();
    block_on(conformance::check_all(&InMemory::<Box<&'static Stored>>::new())).unwrap();
    block_on(conformance::check_all(&InMemory::<Arc<Stored>>::new())).unwrap();
    block_on(conformance::check_all(&Erased::new())).unwrap();
}

#[test]
fn the_store_in_memory_conforms_with_a_clock() {
    fn now() -> key_rotation::Timestamp {
        key_rotation::Timestamp::from_unix_millis(1_800_000_000_000)
    }
    let with_clock = InMemory::<Arc<Stored>>::of(|| InMemoryKeyProvider::new().with_clock(now));
    block_on(conformance::check_all(&with_clock)).unwrap();
}

#[test]
fn its_history_conforms_by_reference_in_a_box_and_counted() {
    block_on(conformance::check_history(&InMemory::<&'static Stored>::new())).unwrap();
    block_on(conformance::check_history(&InMemory::<Box<&'static Stored>>::new())).unwrap();
    block_on(conformance::check_history(&InMemory::<Arc<Stored>>::new())).unwrap();
}

#[test]
fn its_backups_conform() {
    block_on(conformance::check_backups(&InMemory::<Arc<Stored>>::new())).unwrap();
    block_on(conformance::restored_history(&InMemory::<Arc<Stored>>::new())).unwrap();
}

#[test]
fn its_directory_conforms_by_value_in_a_box_and_counted() {
    block_on(conformance::check_directory(&Rings(|rings| rings))).unwrap();
    block_on(conformance::check_directory(&Rings(Box::new))).unwrap();
    block_on(conformance::check_directory(&Rings(Arc::new))).unwrap();
}

#[test]
fn the_checks_may_be_moved_to_another_thread() {
    fn is_send(_: &impl Send) {}
    let fixture = InMemory::<Arc<Stored>>::new();
    is_send(&conformance::check_all(&fixture));
    is_send(&conformance::check_history(&fixture));
    is_send(&conformance::check_backups(&fixture));
    is_send(&conformance::check_directory(&Rings(Arc::new)));
}
