//! The feature `tracing`: an audit event is one event of the `tracing` crate, loud where it must be.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use key_rotation::audit::TracingSink;
use key_rotation::{
    InMemoryKeyProvider, Key, KeyId, RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps each event as a line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        struct Line(String);
        impl Visit for Line {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                let _ = write!(self.0, " {}={value:?}", field.name());
            }
        }
        let metadata = event.metadata();
        let mut line = Line(format!("{} {}", metadata.level(), metadata.target()));
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn each_change_is_an_event_and_an_emergency_is_a_warning() {
    let at = Timestamp::UNIX_EPOCH;
    let key = |id| Key::new(KeyId::from_static(id), "the secret", at);
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive)
            .acting_as("alice".parse().unwrap())
            .with_audit(Arc::new(TracingSink));
        let _ = block_on(service.bootstrap(key("k1"), at)).unwrap();
        let _ = block_on(service.add(key("k2"), at)).unwrap();
        let reason = "INC-4711".parse().unwrap();
        let _ = block_on(service.rotate_in_emergency("k2", reason, at)).unwrap();
    });
    let lines = lines.0.lock().unwrap();
    assert_eq!(lines.len(), 3);
    assert!(
        lines.iter().all(|line| line.contains(" key_rotation::audit ") && !line.contains("secret"))
    );
    let levels: Vec<_> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(levels, ["INFO", "INFO", "WARN"]);
    assert!(
        lines.iter().any(|line| line.contains("ring=memory revision=3 actor=alice at=1970-01-01")),
        "{lines:?}"
    );
}
