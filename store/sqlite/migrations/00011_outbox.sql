-- +goose Up

-- Who is told of events. role: 0 an endpoint, 1 the callback of batches, 2 the
-- secret of a tenant's callbacks. key: of a callback or such a secret, the keyed
-- hash by which there is one. kinds: the events that are wanted, a bit each.
-- body is sealed: the URL and the secrets. failures: attempts in a row.
CREATE TABLE hooks (
	no          INTEGER PRIMARY KEY AUTOINCREMENT,
	id          TEXT    NOT NULL UNIQUE,
	tenant      TEXT    NOT NULL,
	role        INTEGER NOT NULL,
	key         BLOB    UNIQUE,
	kinds       INTEGER NOT NULL,
	body        BLOB    NOT NULL,
	created_at  INTEGER NOT NULL,
	disabled_at INTEGER NOT NULL DEFAULT 0,
	failures    INTEGER NOT NULL DEFAULT 0,
	retry_at    INTEGER NOT NULL DEFAULT 0,
	asked_at    INTEGER NOT NULL DEFAULT 0
);

-- What happened, written only where somebody wants to be told.
CREATE TABLE events (
	no    INTEGER PRIMARY KEY AUTOINCREMENT,
	id    TEXT    NOT NULL UNIQUE,
	kind  TEXT    NOT NULL,
	batch INTEGER NOT NULL,
	at    INTEGER NOT NULL,
	data  BLOB    NOT NULL
);
CREATE INDEX events_at ON events (at);

-- state: 1 pending, 2 delivered, 3 failed. out_until: an attempt is under way
-- until then; 0: none is. until_at: when it is given up.
CREATE TABLE deliveries (
	no         INTEGER PRIMARY KEY AUTOINCREMENT,
	id         TEXT    NOT NULL UNIQUE,
	event      INTEGER NOT NULL,
	hook       INTEGER NOT NULL,
	state      INTEGER NOT NULL,
	attempts   INTEGER NOT NULL DEFAULT 0,
	lease      INTEGER NOT NULL DEFAULT 0,
	created_at INTEGER NOT NULL,
	due_at     INTEGER NOT NULL,
	until_at   INTEGER NOT NULL,
	out_until  INTEGER NOT NULL DEFAULT 0,
	tried_at   INTEGER NOT NULL DEFAULT 0,
	ended_at   INTEGER NOT NULL DEFAULT 0,
	status     INTEGER NOT NULL DEFAULT 0,
	reason     TEXT    NOT NULL DEFAULT ''
);
CREATE INDEX deliveries_hook ON deliveries (hook, no);
CREATE INDEX deliveries_event ON deliveries (event);
CREATE INDEX deliveries_due ON deliveries (hook, due_at) WHERE state = 1;
CREATE INDEX deliveries_out ON deliveries (hook, out_until) WHERE out_until > 0;
CREATE INDEX deliveries_until ON deliveries (until_at) WHERE state = 1;
CREATE INDEX deliveries_ended ON deliveries (ended_at) WHERE state <> 1;

-- What hooks were last told of the rows of a batch. stale: it does not run any
-- more, and they may not know all.
CREATE TABLE told (
	batch   INTEGER PRIMARY KEY,
	stale   INTEGER NOT NULL,
	settled TEXT    NOT NULL,
	unknown INTEGER NOT NULL,
	at      INTEGER NOT NULL
);
CREATE INDEX told_stale ON told (batch) WHERE stale > 0;

-- callback: the hook that is told of this batch; 0: none.
ALTER TABLE batches ADD COLUMN callback INTEGER NOT NULL DEFAULT 0;
CREATE INDEX batches_open ON batches (no) WHERE state IN ('running', 'paused');
