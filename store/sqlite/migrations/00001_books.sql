-- +goose Up

-- Facts about the store itself: its use, the fingerprints of its keys.
CREATE TABLE meta (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

-- meta is sealed: name, purpose, metadata, columns, parameters.
-- cut: how many of the batch's asks are in chunks; the rest is queued.
-- homes: whether rows wait on asks of other batches (batch_homes).
CREATE TABLE batches (
	no          INTEGER PRIMARY KEY AUTOINCREMENT,
	id          TEXT    NOT NULL UNIQUE,
	tenant      TEXT    NOT NULL,
	provider    TEXT    NOT NULL,
	state       TEXT    NOT NULL,
	reason      TEXT    NOT NULL DEFAULT '',
	weight      REAL    NOT NULL,
	keep_raw    INTEGER NOT NULL,
	fresh       INTEGER NOT NULL,
	fresh_ms    INTEGER NOT NULL,
	none_ms     INTEGER NOT NULL,
	resend      INTEGER NOT NULL,
	rows        INTEGER NOT NULL DEFAULT 0,
	asks        INTEGER NOT NULL DEFAULT 0,
	cut         INTEGER NOT NULL DEFAULT 0,
	identity    BLOB,
	created_at  INTEGER NOT NULL,
	done_at     INTEGER NOT NULL DEFAULT 0,
	meta        BLOB    NOT NULL
);
CREATE INDEX batches_running ON batches (provider) WHERE state = 'running';
CREATE INDEX batches_identity ON batches (identity) WHERE identity IS NOT NULL;

-- Rows of a batch by state, moved with every settlement. A count that people
-- see, never one that decides.
CREATE TABLE tallies (
	batch INTEGER NOT NULL,
	state INTEGER NOT NULL,
	n     INTEGER NOT NULL,
	PRIMARY KEY (batch, state)
) WITHOUT ROWID;

-- Written once. id = batch << 32 | number from 1; no ask: the row is invalid.
CREATE TABLE rows (
	id     INTEGER PRIMARY KEY,
	ask    INTEGER,
	cached INTEGER NOT NULL,
	line   BLOB    NOT NULL
);

-- Written once. id = home batch << 32 | place from 0; prev: the ask that had
-- the same key before.
CREATE TABLE asks (
	id       INTEGER PRIMARY KEY,
	prev     INTEGER,
	question BLOB NOT NULL
);

-- The newest ask of each question, by keyed hash.
CREATE TABLE ask_keys (
	key BLOB PRIMARY KEY,
	ask INTEGER NOT NULL
) WITHOUT ROWID;

-- How many rows of a batch want an ask. The first row of the home batch is
-- not counted here: it is implied by the ask. "left": the batch was cancelled
-- while the ask was queued, and its rows (the implied one too) stay cancelled.
CREATE TABLE wants (
	ask   INTEGER NOT NULL,
	batch INTEGER NOT NULL,
	rows  INTEGER NOT NULL,
	left  INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (ask, batch)
) WITHOUT ROWID;
CREATE INDEX wants_batch ON wants (batch, ask);

-- The other batches whose asks a batch wants.
CREATE TABLE batch_homes (
	batch INTEGER NOT NULL,
	home  INTEGER NOT NULL,
	PRIMARY KEY (batch, home)
) WITHOUT ROWID;

-- The state of asks. id = first ask; marks: two bytes an ask. queued and open
-- are counted from the marks.
CREATE TABLE chunks (
	id       INTEGER PRIMARY KEY,
	n        INTEGER NOT NULL,
	queued   INTEGER NOT NULL,
	open     INTEGER NOT NULL,
	claims   INTEGER NOT NULL DEFAULT 0,
	part     INTEGER NOT NULL DEFAULT 0,
	ready_at INTEGER NOT NULL DEFAULT 0,
	marks    BLOB    NOT NULL
);
CREATE INDEX chunks_queued ON chunks (id) WHERE queued > 0;
CREATE INDEX chunks_open ON chunks (id) WHERE open > 0;

-- The ledger. open: offsets that the call still has a say over; unknown: how
-- many of them are unknown.
CREATE TABLE calls (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	chunk      INTEGER NOT NULL,
	provider   TEXT    NOT NULL,
	scope      TEXT    NOT NULL,
	owner      TEXT    NOT NULL,
	state      INTEGER NOT NULL,
	n          INTEGER NOT NULL,
	unknown    INTEGER NOT NULL DEFAULT 0,
	open       BLOB    NOT NULL,
	sent_at    INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	settled_at INTEGER NOT NULL DEFAULT 0,
	class      TEXT    NOT NULL DEFAULT '',
	code       TEXT    NOT NULL DEFAULT '',
	note       BLOB
);
CREATE INDEX calls_chunk ON calls (chunk);
CREATE INDEX calls_sending ON calls (id) WHERE state = 1;

-- waiting: how many asks wait on it; open: these, and those that failed so that
-- a late answer counts. claims: how often it was taken; polls: how often the provider was asked.
CREATE TABLE tickets (
	id          INTEGER PRIMARY KEY AUTOINCREMENT,
	call        INTEGER NOT NULL,
	chunk       INTEGER NOT NULL,
	provider    TEXT    NOT NULL,
	open        BLOB    NOT NULL,
	waiting     INTEGER NOT NULL,
	handle      BLOB    NOT NULL,
	handle_key  BLOB    NOT NULL UNIQUE,
	due_at      INTEGER NOT NULL,
	deadline_at INTEGER NOT NULL,
	interval_ms INTEGER NOT NULL,
	claims      INTEGER NOT NULL DEFAULT 0,
	polls       INTEGER NOT NULL DEFAULT 0,
	lease       INTEGER NOT NULL DEFAULT 0,
	lease_until INTEGER NOT NULL DEFAULT 0,
	claimed_at  INTEGER NOT NULL DEFAULT 0,
	owner       TEXT    NOT NULL DEFAULT '',
	late        INTEGER NOT NULL DEFAULT 0,
	closed      INTEGER NOT NULL DEFAULT 0,
	created_at  INTEGER NOT NULL
);
CREATE INDEX tickets_due ON tickets (provider, due_at) WHERE closed = 0;
CREATE INDEX tickets_chunk ON tickets (chunk);
CREATE INDEX tickets_call ON tickets (call);

-- Appended; a late answer replaces a failure. body is sealed.
CREATE TABLE answers (
	ask  INTEGER PRIMARY KEY,
	at   INTEGER NOT NULL,
	call INTEGER NOT NULL,
	body BLOB    NOT NULL
);

-- prober: who is out to find whether the gate may open; closer: who closed it
-- last.
CREATE TABLE gates (
	scope       TEXT PRIMARY KEY,
	closed      INTEGER NOT NULL,
	class       TEXT    NOT NULL,
	code        TEXT    NOT NULL,
	by          TEXT    NOT NULL,
	since       INTEGER NOT NULL,
	until       INTEGER NOT NULL,
	probe       INTEGER NOT NULL,
	strikes     INTEGER NOT NULL,
	probe_until INTEGER NOT NULL DEFAULT 0,
	prober      TEXT    NOT NULL DEFAULT '',
	closer      TEXT    NOT NULL DEFAULT ''
) WITHOUT ROWID;

CREATE TABLE workers (
	id      TEXT PRIMARY KEY,
	beat_at INTEGER NOT NULL
) WITHOUT ROWID;
