-- Rings by name. The revision grows with each commit; a ring without a row is empty.
CREATE TABLE key_rotation_rings (
    ring     TEXT    NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL CHECK (revision >= 0)
) STRICT;

-- Keys, and what remains of the destroyed: a tombstone is a row without material, so that the
-- primary key keeps its id from ever being used again.
CREATE TABLE key_rotation_keys (
    ring           TEXT    NOT NULL REFERENCES key_rotation_rings (ring),
    id             TEXT    NOT NULL CHECK (length(id) BETWEEN 1 AND 128),
    status         TEXT    NOT NULL CHECK (status IN ('active', 'inactive', 'retired', 'destroyed')),
    -- Milliseconds since the UNIX epoch, here and below.
    created_at     INTEGER NOT NULL,
    activated_at   INTEGER,
    -- Of a tombstone, when the key was destroyed.
    status_since   INTEGER NOT NULL,
    -- The revision in which the key was added: the order of insertion.
    added_in       INTEGER NOT NULL,
    material       BLOB,
    PRIMARY KEY (ring, id),
    CHECK ((status = 'destroyed') = (material IS NULL))
) STRICT;

-- Two active keys cannot be stored, by whatever program.
CREATE UNIQUE INDEX key_rotation_one_active_key ON key_rotation_keys (ring) WHERE status = 'active';

-- One audit event a commit, written in the transaction of the commit.
CREATE TABLE key_rotation_events (
    ring     TEXT    NOT NULL REFERENCES key_rotation_rings (ring),
    revision INTEGER NOT NULL,
    action   TEXT    NOT NULL CHECK (action IN ('create', 'add', 'activate', 'retire', 'destroy')),
    id       TEXT    NOT NULL,
    -- Of an activation, the key that was active before.
    from_id  TEXT,
    at       INTEGER NOT NULL,
    PRIMARY KEY (ring, revision)
) STRICT;
