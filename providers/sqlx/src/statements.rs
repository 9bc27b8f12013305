//! The statements, in the words of a database and with its schema in each name: that of this
//! library's tables, and that of the database's own functions (`{pg}`) and operators (`{=}`), which
//! other schemas may have too.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::dialect::Dialect;
use crate::schema_name::SchemaName;

/// Whatever the tables hold, one row: the mark of the statement, the version of the tables, the
/// ring's row, the number of its keys and tombstones, its newest event, if a revision is in its
/// history, and the time.
const HEAD: &str = "SELECT {mark}, \
    (SELECT {pg}max(version) FROM {schema}.key_rotation_migrations WHERE success), \
    ring.revision, ring.tag, ring.ids, ring.closed_at, {rows}, newest.revision, newest.tag, \
    (SELECT {pg}count(*) FROM {schema}.key_rotation_events AS seen \
        WHERE seen.ring {=} $1 AND seen.revision {=} $2 AND seen.tag {=} $3), \
    {now} \
    FROM (SELECT 1) AS one \
    LEFT JOIN {schema}.key_rotation_rings AS ring ON ring.ring {=} $1 \
    LEFT JOIN (SELECT revision, tag FROM {schema}.key_rotation_events \
        WHERE ring {=} $1 ORDER BY revision DESC LIMIT 1) AS newest ON TRUE";
const COUNT: &str =
    "(SELECT {pg}count(*) FROM {schema}.key_rotation_keys AS key WHERE key.ring {=} $1)";
const ROWS: &str = "SELECT id, status, created_at, added_at, activated_at, deactivated_at, \
    retired_at, revoked_at, destroyed_at, used, counted, added_in, deactivated_in, material_in, \
    material FROM {schema}.key_rotation_keys WHERE ring {=} $1";
const HAS_ROWS: &str = "SELECT {pg}count(*) FROM \
    (SELECT 1 FROM {schema}.key_rotation_keys WHERE ring {=} $1 LIMIT 1) AS one";
const CREATE_RING: &str = "INSERT INTO {schema}.key_rotation_rings (ring, revision) VALUES ($1, 0) \
    ON CONFLICT (ring) DO NOTHING";
const MOVE_RING: &str = "UPDATE {schema}.key_rotation_rings \
    SET revision = $4, tag = $5, ids = $6, closed_at = $7, changed = {change} \
    WHERE ring {=} $1 AND revision {=} $2 AND tag {=} $3";
const ADD_KEY: &str = "INSERT INTO {schema}.key_rotation_keys \
    (ring, id, status, created_at, added_at, activated_at, deactivated_at, retired_at, revoked_at, \
     used, counted, added_in, deactivated_in, material_in, material, place) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
const ADD_TOMBSTONE: &str = "INSERT INTO {schema}.key_rotation_keys \
    (ring, id, status, destroyed_at, added_in, place) VALUES ($1, $2, $3, $4, $5, $6)";
const SET_INFO: &str = "UPDATE {schema}.key_rotation_keys \
    SET status = $3, created_at = $4, added_at = $5, activated_at = $6, deactivated_at = $7, \
    retired_at = $8, revoked_at = $9, used = $10, counted = $11, added_in = $12, \
    deactivated_in = $13 WHERE ring {=} $1 AND id {=} $2";
const SET_MATERIAL: &str = "UPDATE {schema}.key_rotation_keys \
    SET material_in = $3, material = $4 WHERE ring {=} $1 AND id {=} $2";
const BURY: &str = "UPDATE {schema}.key_rotation_keys \
    SET status = $3, destroyed_at = $4, material = NULL WHERE ring {=} $1 AND id {=} $2";
const BURY_ALL: &str = "UPDATE {schema}.key_rotation_keys \
    SET status = $2, destroyed_at = $3, material = NULL WHERE ring {=} $1 AND status {<>} $2";
const RECORD: &str = "INSERT INTO {schema}.key_rotation_events \
    (ring, revision, tag, action, id, from_id, more_ids, actor, grounds, reason, counted_at, at, \
     stored_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const EVENTS: &str = "SELECT revision, tag, action, id, from_id, more_ids, actor, grounds, reason, \
    counted_at, at, stored_at FROM {schema}.key_rotation_events WHERE ring {=} $1 AND revision {>} $2 \
    ORDER BY revision";
const USED_IDS: &str = "SELECT revision, id, more_ids FROM {schema}.key_rotation_events \
    WHERE ring {=} $1 AND (action {=} 'create' OR action {=} 'add')";
/// The ids of a creation stand in one column with blanks between them; a creation is the first commit.
const WAS_USED: &str = "SELECT {pg}count(*) FROM {schema}.key_rotation_events WHERE ring {=} $1 AND \
    (id {=} $2 AND (action {=} 'create' OR action {=} 'add') OR revision {=} 1 AND \
     {pg}replace((' ' {||} more_ids) {||} ' ', (' ' {||} $2) {||} ' ', '') {<>} \
        ((' ' {||} more_ids) {||} ' '))";
const RINGS: &str =
    "SELECT ring, revision, tag, closed_at FROM {schema}.key_rotation_rings WHERE revision {>} 0";

/// The operators, in braces above.
const OPERATORS: [&str; 6] = ["=", "<>", ">", ">=", "*", "||"];

/// The statements for the tables of one schema.
pub(crate) struct Statements {
    /// With the number of the rows.
    pub(crate) poll: SqlStr,
    /// What `poll` selects first, and no other statement does.
    pub(crate) mark_of_poll: i64,
    /// Without: counting takes longer the more rows there are.
    pub(crate) head: SqlStr,
    pub(crate) rows: SqlStr,
    pub(crate) rows_of: SqlStr,
    pub(crate) has_rows: SqlStr,
    pub(crate) create_ring: SqlStr,
    pub(crate) lock_ring: Option<SqlStr>,
    pub(crate) move_ring: SqlStr,
    pub(crate) add_key: SqlStr,
    pub(crate) add_tombstone: SqlStr,
    pub(crate) set_info: SqlStr,
    pub(crate) set_material: SqlStr,
    pub(crate) bury: SqlStr,
    pub(crate) bury_all: SqlStr,
    pub(crate) record: SqlStr,
    pub(crate) announce: Option<SqlStr>,
    pub(crate) events: SqlStr,
    /// The ids that the ring has used, as its events have them.
    pub(crate) used_ids: SqlStr,
    pub(crate) was_used: SqlStr,
    pub(crate) rings: SqlStr,
    pub(crate) changed_rings: SqlStr,
    pub(crate) mark: SqlStr,
    pub(crate) has_tables: SqlStr,
    pub(crate) version: SqlStr,
    pub(crate) lock_migrations: Option<SqlStr>,
    pub(crate) enter_schema: Option<SqlStr>,
    pub(crate) is_entered: SqlStr,
}

impl Statements {
    pub(crate) fn new<DB: Dialect>(schema: &SchemaName) -> Self {
        let of = |template: &str| {
            let statement = template
                .replace("{mark}", "NULL")
                .replace("{rows}", "NULL")
                .replace("{now}", DB::NOW)
                .replace("{change}", DB::CHANGE)
                .replace("{schema}", &format!("\"{schema}\""))
                .replace("{pg}", DB::OWN);
            let statement = OPERATORS.iter().fold(statement, |statement, sign| {
                statement.replace(&format!("{{{sign}}}"), &DB::OPERATOR.replace("{}", sign))
            });
            // A schema's name has neither a quote nor a blank.
            AssertSqlSafe(statement).into_sql_str()
        };
        let polls = HEAD.replace("{rows}", COUNT);
        let mark_of_poll = mark(of(&polls).as_str());
        Self {
            poll: of(&polls.replace("{mark}", &format!("CAST({mark_of_poll} AS bigint)"))),
            mark_of_poll,
            head: of(HEAD),
            rows: of(&[ROWS, " ORDER BY added_in, place, id"].concat()),
            rows_of: of(&[ROWS, " AND (id {=} $2 OR id {=} $3)"].concat()),
            has_rows: of(HAS_ROWS),
            create_ring: of(CREATE_RING),
            lock_ring: DB::LOCK_RING.map(of),
            move_ring: of(MOVE_RING),
            add_key: of(ADD_KEY),
            add_tombstone: of(ADD_TOMBSTONE),
            set_info: of(SET_INFO),
            set_material: of(SET_MATERIAL),
            bury: of(BURY),
            bury_all: of(BURY_ALL),
            record: of(RECORD),
            announce: DB::ANNOUNCE.map(of),
            events: of(EVENTS),
            used_ids: of(USED_IDS),
            was_used: of(WAS_USED),
            rings: of(RINGS),
            changed_rings: of(&[RINGS, " AND ", DB::CHANGED_SINCE].concat()),
            mark: of(DB::MARK),
            has_tables: of(DB::HAS_TABLES),
            version: of(
                "SELECT {pg}max(version) FROM {schema}.key_rotation_migrations WHERE success",
            ),
            lock_migrations: DB::LOCK_MIGRATIONS.map(of),
            enter_schema: DB::ENTER_SCHEMA.map(of),
            is_entered: of(DB::IS_ENTERED),
        }
    }
}

/// A number that another statement, or one for another schema, has not: FNV-1a, without the sign.
fn mark(statement: &str) -> i64 {
    let hash = statement.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    (hash >> 1).cast_signed()
}
