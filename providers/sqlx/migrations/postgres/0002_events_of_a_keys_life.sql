-- One column for each event of a key's life, in place of the time of the last one. A time that is
-- not known is NULL; version 1 wrote 0 for it.
ALTER TABLE key_rotation_keys
    DROP CONSTRAINT key_rotation_keys_status_check,
    ADD CONSTRAINT key_rotation_keys_status_check
        CHECK (status IN ('active', 'inactive', 'retired', 'revoked', 'destroyed')),
    ALTER COLUMN created_at DROP NOT NULL,
    -- When the ring got the key.
    ADD COLUMN added_at       BIGINT,
    ADD COLUMN deactivated_at BIGINT,
    ADD COLUMN retired_at     BIGINT,
    ADD COLUMN revoked_at     BIGINT,
    -- Of a tombstone.
    ADD COLUMN destroyed_at   BIGINT,
    -- 1 if the key may have encrypted.
    ADD COLUMN used           BIGINT NOT NULL DEFAULT 1 CHECK (used IN (0, 1)),
    -- 1 if the key was retired with evidence that nothing needs it.
    ADD COLUMN counted        BIGINT NOT NULL DEFAULT 0 CHECK (counted IN (0, 1)),
    -- The revision in which another key took its place, and that of its material; 0 if not known.
    ADD COLUMN deactivated_in BIGINT NOT NULL DEFAULT 0 CHECK (deactivated_in >= 0),
    ADD COLUMN material_in    BIGINT NOT NULL DEFAULT 0 CHECK (material_in >= 0);

-- What version 1 knows. It has not kept when a key was added: of a staged key the time of its
-- status is the best that is known, and of any other key the time stays unknown. A key that is
-- inactive and was never active has not encrypted; of every other key nobody can say so.
UPDATE key_rotation_keys SET
    created_at     = NULLIF(created_at, 0),
    activated_at   = NULLIF(activated_at, 0),
    added_at       = CASE WHEN status = 'inactive' AND activated_at IS NULL
                          THEN NULLIF(status_since, 0) END,
    deactivated_at = CASE WHEN status = 'inactive' AND activated_at IS NOT NULL
                          THEN NULLIF(status_since, 0) END,
    retired_at     = CASE WHEN status = 'retired' THEN NULLIF(status_since, 0) END,
    destroyed_at   = CASE WHEN status = 'destroyed' THEN status_since END,
    used           = CASE WHEN status = 'inactive' AND activated_at IS NULL THEN 0 ELSE 1 END,
    deactivated_in = CASE WHEN status = 'active' THEN 0 ELSE COALESCE(
        (SELECT max(revision) FROM key_rotation_events AS event
         WHERE event.ring = key_rotation_keys.ring AND event.from_id = key_rotation_keys.id), 0) END,
    -- Version 1 never changes a key's material.
    material_in    = added_in;

ALTER TABLE key_rotation_keys
    DROP COLUMN status_since,
    ADD CHECK ((status = 'destroyed') = (destroyed_at IS NOT NULL));
