-- A tag for each commit, the number of ids that a ring has used, the end of a ring, and a number
-- that grows with each commit of any ring.
ALTER TABLE key_rotation_rings ADD COLUMN tag       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE key_rotation_rings ADD COLUMN ids       INTEGER NOT NULL DEFAULT 0 CHECK (ids >= 0);
ALTER TABLE key_rotation_rings ADD COLUMN closed_at INTEGER;
ALTER TABLE key_rotation_rings ADD COLUMN changed   INTEGER NOT NULL DEFAULT 0;

-- The place of a key among those that came in one commit. A tombstone that was adopted has neither
-- times nor material.
ALTER TABLE key_rotation_keys ADD COLUMN place INTEGER NOT NULL DEFAULT 0;

-- Who made a commit and why. Of older ones nobody knows. SQLite cannot change a CHECK, so the table
-- is made anew.
CREATE TABLE key_rotation_events_3 (
    ring       TEXT    NOT NULL REFERENCES key_rotation_rings (ring),
    revision   INTEGER NOT NULL,
    -- Drawn anew for each commit, so that two histories that have parted differ.
    tag        INTEGER NOT NULL,
    action     TEXT    NOT NULL CHECK (action IN ('create', 'add', 'activate',
        'reactivate', 'retire', 'revoke', 'restore', 'rewrap', 'date', 'destroy', 'close')),
    id         TEXT    NOT NULL,
    -- Of an activation, the key that was active before.
    from_id    TEXT,
    -- Of a creation, the other keys, with blanks between them.
    more_ids   TEXT,
    actor      TEXT    NOT NULL,
    grounds    TEXT    NOT NULL
        CHECK (grounds IN ('ordinary', 'emergency', 'unreferenced', 'forced', 'distrust')),
    reason     TEXT,
    -- When it was counted that no data is left.
    counted_at INTEGER,
    at         INTEGER NOT NULL,
    -- The time of the commit, by the clock of the database, which an SQLite file does not have.
    stored_at  INTEGER,
    PRIMARY KEY (ring, revision)
) STRICT;

-- Older commits have no tag. One is drawn now: who has seen the ring before starts anew.
INSERT INTO key_rotation_events_3
    (ring, revision, tag, action, id, from_id, actor, grounds, at)
SELECT ring, revision, random(), action, id, from_id, 'unknown', 'ordinary', at
FROM key_rotation_events;

DROP TABLE key_rotation_events;
ALTER TABLE key_rotation_events_3 RENAME TO key_rotation_events;

UPDATE key_rotation_rings SET
    tag = COALESCE((SELECT event.tag FROM key_rotation_events AS event
                    WHERE event.ring = key_rotation_rings.ring
                    AND event.revision = key_rotation_rings.revision), 0),
    ids = (SELECT count(*) FROM key_rotation_keys AS key
           WHERE key.ring = key_rotation_rings.ring),
    changed = rowid;

CREATE INDEX key_rotation_changed_rings ON key_rotation_rings (changed);

-- In which commit an id came.
CREATE INDEX key_rotation_used_ids ON key_rotation_events (ring, id)
    WHERE action IN ('create', 'add');
