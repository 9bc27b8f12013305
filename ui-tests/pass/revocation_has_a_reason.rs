// A key is revoked with a reason.
use key_rotation::{AuditText, KeyProvider, RotationService, StrictSingleActive, Timestamp};

async fn revoke<P: KeyProvider>(
    service: &RotationService<P, StrictSingleActive>,
    reason: AuditText,
    at: Timestamp,
) {
    let _ = service.revoke("k1", reason, at).await;
}

fn main() {}
