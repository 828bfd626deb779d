//! What pgbench does by plain SQL: rows like ours into a table like ours, with nothing decided, projected or chained.

/// A script of pgbench.
pub struct Plain {
    pub setup: &'static str,
    pub script: &'static str,
    /// How many rows one transaction inserts.
    pub rows: f64,
}

/// One event per commit, numbered by one counter that each commit locks.
pub const LOCKED: Plain = Plain {
    setup: "DROP TABLE IF EXISTS plain, plain_head; DROP SEQUENCE IF EXISTS plain_versions;
            CREATE TABLE plain_head (id INTEGER PRIMARY KEY, position BIGINT NOT NULL);
            INSERT INTO plain_head VALUES (1, 0);
            CREATE TABLE plain (position BIGINT PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, stream_id TEXT NOT NULL,
                stream_version BIGINT NOT NULL, type TEXT NOT NULL, schema_version INTEGER NOT NULL,
                occurred_at BIGINT NOT NULL, actor TEXT NOT NULL, subject TEXT NOT NULL, correlation_id TEXT NOT NULL,
                payload BYTEA NOT NULL, hash BYTEA NOT NULL, UNIQUE (stream_id, stream_version))",
    script: "WITH h AS (UPDATE plain_head SET position = position + 1 WHERE id = 1 RETURNING position)
             INSERT INTO plain SELECT position, gen_random_uuid()::text, 'counter-' || position % 1000, position,
                 'eseal.bench.v1.Added', 1, 1800000000000000, 'custodian:1', '1', '1',
                 '\\x7b22616d6f756e74223a2231222c22756e6974223a227069656365227d', sha256('x') FROM h;",
    rows: 1.0,
};

/// One row per commit, numbered by a sequence, so that commits don't wait for each other.
pub const RAW: Plain = Plain {
    setup: "DROP TABLE IF EXISTS plain, plain_head; DROP SEQUENCE IF EXISTS plain_versions;
            CREATE SEQUENCE plain_versions CACHE 100;
            CREATE TABLE plain (position BIGSERIAL PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, stream_id TEXT NOT NULL,
                stream_version BIGINT NOT NULL, type TEXT NOT NULL, schema_version INTEGER NOT NULL,
                occurred_at BIGINT NOT NULL, actor TEXT NOT NULL, subject TEXT NOT NULL, correlation_id TEXT NOT NULL,
                payload BYTEA NOT NULL, hash BYTEA NOT NULL, UNIQUE (stream_id, stream_version))",
    script: "INSERT INTO plain (event_id, stream_id, stream_version, type, schema_version, occurred_at, actor, subject,
                 correlation_id, payload, hash)
             SELECT gen_random_uuid()::text, 'counter-' || v % 1000, v, 'eseal.bench.v1.Added', 1, 1800000000000000,
                 'custodian:1', '1', '1', '\\x7b22616d6f756e74223a2231222c22756e6974223a227069656365227d', sha256('x')
             FROM nextval('plain_versions') AS v;",
    rows: 1.0,
};

/// A hundred of these rows in each statement.
pub const BULK: Plain = Plain {
    setup: RAW.setup,
    script: "INSERT INTO plain (event_id, stream_id, stream_version, type, schema_version, occurred_at, actor, subject,
                 correlation_id, payload, hash)
             SELECT gen_random_uuid()::text, 'counter-' || v % 1000, v, 'eseal.bench.v1.Added', 1, 1800000000000000,
                 'custodian:1', '1', '1', '\\x7b22616d6f756e74223a2231222c22756e6974223a227069656365227d', sha256('x')
             FROM (SELECT nextval('plain_versions') AS v FROM generate_series(1, 100)) AS versions;",
    rows: 100.0,
};
