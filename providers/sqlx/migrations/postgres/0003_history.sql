-- A tag for each commit, the number of ids that a ring has used, the end of a ring, and the
-- transaction that has changed it last.
ALTER TABLE key_rotation_rings
    ADD COLUMN tag       BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN ids       BIGINT NOT NULL DEFAULT 0 CHECK (ids >= 0),
    ADD COLUMN closed_at BIGINT,
    ADD COLUMN changed   XID8   NOT NULL DEFAULT pg_current_xact_id();

-- The place of a key among those that came in one commit. A tombstone that was adopted has neither
-- times nor material.
ALTER TABLE key_rotation_keys ADD COLUMN place BIGINT NOT NULL DEFAULT 0;

-- Who made a commit and why. Of older ones nobody knows.
ALTER TABLE key_rotation_events
    DROP CONSTRAINT key_rotation_events_action_check,
    ADD CONSTRAINT key_rotation_events_action_check CHECK (action IN ('create', 'add', 'activate',
        'reactivate', 'retire', 'revoke', 'restore', 'rewrap', 'date', 'destroy', 'close')),
    -- Drawn anew for each commit, so that two histories that have parted differ.
    ADD COLUMN tag        BIGINT NOT NULL DEFAULT 0,
    -- Of a creation, the other keys, with blanks between them.
    ADD COLUMN more_ids   TEXT,
    ADD COLUMN actor      TEXT   NOT NULL DEFAULT 'unknown',
    ADD COLUMN grounds    TEXT   NOT NULL DEFAULT 'ordinary'
        CHECK (grounds IN ('ordinary', 'emergency', 'unreferenced', 'forced', 'distrust')),
    ADD COLUMN reason     TEXT,
    -- When it was counted that no data is left.
    ADD COLUMN counted_at BIGINT,
    -- The time of the commit, by the clock of the database.
    ADD COLUMN stored_at  BIGINT;

-- Older commits have no tag. One is drawn now: who has seen the ring before starts anew.
UPDATE key_rotation_events SET
    tag = ('x' || substr(md5(random()::text || clock_timestamp()::text || ring || revision), 1, 16))::bit(64)::bigint;
UPDATE key_rotation_rings AS ring SET
    tag = COALESCE((SELECT event.tag FROM key_rotation_events AS event
                    WHERE event.ring = ring.ring AND event.revision = ring.revision), 0),
    ids = (SELECT count(*) FROM key_rotation_keys AS key WHERE key.ring = ring.ring);

CREATE INDEX key_rotation_changed_rings ON key_rotation_rings (changed);

-- In which commit an id came.
CREATE INDEX key_rotation_used_ids ON key_rotation_events (ring, id)
    WHERE action IN ('create', 'add');
