-- One column for each event of a key's life, in place of the time of the last one. A time that is
-- not known is NULL; version 1 wrote 0 for it. SQLite cannot change a CHECK, so the table is made
-- anew.
CREATE TABLE key_rotation_keys_2 (
    ring           TEXT    NOT NULL REFERENCES key_rotation_rings (ring),
    id             TEXT    NOT NULL CHECK (length(id) BETWEEN 1 AND 128),
    status         TEXT    NOT NULL
        CHECK (status IN ('active', 'inactive', 'retired', 'revoked', 'destroyed')),
    -- Milliseconds since the UNIX epoch, here and below.
    created_at     INTEGER,
    -- When the ring got the key.
    added_at       INTEGER,
    activated_at   INTEGER,
    deactivated_at INTEGER,
    retired_at     INTEGER,
    revoked_at     INTEGER,
    -- Of a tombstone.
    destroyed_at   INTEGER,
    -- 1 if the key may have encrypted.
    used           INTEGER NOT NULL DEFAULT 1 CHECK (used IN (0, 1)),
    -- 1 if the key was retired with evidence that nothing needs it.
    counted        INTEGER NOT NULL DEFAULT 0 CHECK (counted IN (0, 1)),
    -- The revision in which the key was added: the order of insertion.
    added_in       INTEGER NOT NULL,
    -- The revision in which another key took its place, and that of its material; 0 if not known.
    deactivated_in INTEGER NOT NULL DEFAULT 0 CHECK (deactivated_in >= 0),
    material_in    INTEGER NOT NULL DEFAULT 0 CHECK (material_in >= 0),
    material       BLOB,
    PRIMARY KEY (ring, id),
    CHECK ((status = 'destroyed') = (material IS NULL)),
    CHECK ((status = 'destroyed') = (destroyed_at IS NOT NULL))
) STRICT;

-- What version 1 knows. It has not kept when a key was added: of a staged key the time of its
-- status is the best that is known, and of any other key the time stays unknown. A key that is
-- inactive and was never active has not encrypted; of every other key nobody can say so.
INSERT INTO key_rotation_keys_2
    (ring, id, status, created_at, added_at, activated_at, deactivated_at, retired_at,
     destroyed_at, used, added_in, deactivated_in, material_in, material)
SELECT
    ring,
    id,
    status,
    NULLIF(created_at, 0),
    CASE WHEN status = 'inactive' AND activated_at IS NULL THEN NULLIF(status_since, 0) END,
    NULLIF(activated_at, 0),
    CASE WHEN status = 'inactive' AND activated_at IS NOT NULL THEN NULLIF(status_since, 0) END,
    CASE WHEN status = 'retired' THEN NULLIF(status_since, 0) END,
    CASE WHEN status = 'destroyed' THEN status_since END,
    CASE WHEN status = 'inactive' AND activated_at IS NULL THEN 0 ELSE 1 END,
    added_in,
    CASE WHEN status = 'active' THEN 0 ELSE COALESCE(
        (SELECT max(revision) FROM key_rotation_events AS event
         WHERE event.ring = key_rotation_keys.ring AND event.from_id = key_rotation_keys.id), 0) END,
    -- Version 1 never changes a key's material.
    added_in,
    material
FROM key_rotation_keys;

DROP TABLE key_rotation_keys;
ALTER TABLE key_rotation_keys_2 RENAME TO key_rotation_keys;

-- Two active keys cannot be stored, by whatever program.
CREATE UNIQUE INDEX key_rotation_one_active_key ON key_rotation_keys (ring) WHERE status = 'active';
