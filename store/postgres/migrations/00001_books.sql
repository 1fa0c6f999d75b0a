-- +goose Up

-- Times are whole milliseconds since 1970, 0: none. Identifiers of rows and
-- asks hold the number of their batch in the upper 32 bits.

-- Facts about the store itself: its use, the fingerprints of its keys.
CREATE TABLE meta (
	name  text PRIMARY KEY,
	value text NOT NULL
);

CREATE SEQUENCE batch_numbers AS integer;

-- Blocks of 4096 batch numbers, each with a partition of rows, asks and
-- answers. A block that has had its time is left and the next one begun, so
-- that what was taken in long ago lies by itself.
CREATE TABLE blocks (
	no      integer PRIMARY KEY,
	made_at bigint  NOT NULL
);

-- meta is sealed: name, purpose, metadata, columns, parameters.
-- beat_at: the last sign of life of an intake. done_at of an abandoned batch:
-- when nothing was left of it but asks that others want.
CREATE TABLE batches (
	no          integer PRIMARY KEY,
	id          text    NOT NULL UNIQUE,
	tenant      text    NOT NULL,
	provider    text    NOT NULL,
	state       text    NOT NULL,
	reason      text    NOT NULL DEFAULT '',
	weight      double precision NOT NULL,
	keep_raw    boolean NOT NULL,
	fresh       boolean NOT NULL,
	fresh_ms    bigint  NOT NULL,
	none_ms     bigint  NOT NULL,
	resend      boolean NOT NULL,
	rows        integer NOT NULL DEFAULT 0,
	asks        integer NOT NULL DEFAULT 0,
	identity    bytea,
	created_at  bigint  NOT NULL,
	beat_at     bigint  NOT NULL,
	done_at     bigint  NOT NULL DEFAULT 0,
	meta        bytea   NOT NULL
);
CREATE INDEX batches_running ON batches (provider) WHERE state = 'running';
CREATE INDEX batches_intake ON batches (no) WHERE state IN ('intake', 'abandoned');
CREATE INDEX batches_identity ON batches (identity) WHERE identity IS NOT NULL;

-- How many of a batch's asks are in chunks; the rest is queued. Apart from
-- batches, because intakes of other lists lock it while they join such an ask.
CREATE TABLE cuts (
	batch integer PRIMARY KEY,
	cut   integer NOT NULL DEFAULT 0
) WITH (fillfactor = 70);

-- Rows of a batch by state, moved with every settlement, in several slots that
-- are summed up: one would be a row for which all claims of a batch wait. A
-- count that people see, never one that decides.
CREATE TABLE tallies (
	batch integer  NOT NULL,
	state smallint NOT NULL,
	slot  smallint NOT NULL,
	n     integer  NOT NULL,
	PRIMARY KEY (batch, state, slot)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- Written once. id = batch << 32 | number from 1; no ask: the row is invalid.
CREATE TABLE rows (
	id     bigint  PRIMARY KEY,
	ask    bigint,
	cached boolean NOT NULL,
	line   bytea   NOT NULL
) PARTITION BY RANGE (id);

-- Written once. id = home batch << 32 | place from 0; prev: the ask that had
-- the same key before.
CREATE TABLE asks (
	id       bigint PRIMARY KEY,
	prev     bigint,
	question bytea  NOT NULL
) PARTITION BY RANGE (id);

-- Appended; a late answer replaces a failure. body is sealed.
CREATE TABLE answers (
	ask  bigint PRIMARY KEY,
	at   bigint NOT NULL,
	call bigint NOT NULL,
	body bytea  NOT NULL
) PARTITION BY RANGE (ask);

-- What is sealed cannot be compressed.
ALTER TABLE rows ALTER COLUMN line SET STORAGE EXTERNAL;
ALTER TABLE asks ALTER COLUMN question SET STORAGE EXTERNAL;
ALTER TABLE answers ALTER COLUMN body SET STORAGE EXTERNAL;

-- The newest ask of each question, by keyed hash. An index of its own, so that
-- a piece of a list is entered in the order of the keys.
CREATE TABLE ask_keys (
	key bytea  PRIMARY KEY,
	ask bigint NOT NULL
);

-- How many rows of a batch want an ask. The first row of the home batch is
-- not counted here: it is implied by the ask. has_left: the batch was cancelled
-- while the ask was queued, and its rows (the implied one too) stay cancelled.
CREATE TABLE wants (
	ask      bigint  NOT NULL,
	batch    integer NOT NULL,
	rows     integer NOT NULL,
	has_left boolean NOT NULL DEFAULT false,
	PRIMARY KEY (ask, batch)
);
CREATE INDEX wants_batch ON wants (batch, ask);

-- The other batches whose asks a batch wants.
CREATE TABLE batch_homes (
	batch integer NOT NULL,
	home  integer NOT NULL,
	PRIMARY KEY (batch, home)
);

-- The state of asks. id = first ask; marks: two bytes an ask. queued and open
-- are counted from the marks.
CREATE TABLE chunks (
	id       bigint  PRIMARY KEY,
	n        integer NOT NULL,
	queued   integer NOT NULL,
	open     integer NOT NULL,
	claims   integer NOT NULL DEFAULT 0,
	part     integer NOT NULL DEFAULT 0,
	ready_at bigint  NOT NULL DEFAULT 0,
	marks    bytea   NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX chunks_queued ON chunks (id) WHERE queued > 0;
CREATE INDEX chunks_open ON chunks (id) WHERE open > 0;

-- The ledger. open: offsets that the call still has a say over; unknown: how
-- many of them are unknown.
CREATE TABLE calls (
	id         bigint   PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	chunk      bigint   NOT NULL,
	provider   text     NOT NULL,
	scope      text     NOT NULL,
	owner      text     NOT NULL,
	state      smallint NOT NULL,
	n          integer  NOT NULL,
	unknown    integer  NOT NULL DEFAULT 0,
	open       bytea    NOT NULL,
	sent_at    bigint   NOT NULL,
	expires_at bigint   NOT NULL,
	settled_at bigint   NOT NULL DEFAULT 0,
	class      text     NOT NULL DEFAULT '',
	code       text     NOT NULL DEFAULT '',
	note       bytea
);
CREATE INDEX calls_chunk ON calls (chunk);
CREATE INDEX calls_sending ON calls (id) WHERE state = 1;

-- waiting: how many asks wait on it; open: these, and those that failed so that
-- a late answer counts. claims: how often it was taken; polls: how often the provider was asked.
CREATE TABLE tickets (
	id          bigint  PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
	call        bigint  NOT NULL,
	chunk       bigint  NOT NULL,
	provider    text    NOT NULL,
	open        bytea   NOT NULL,
	waiting     integer NOT NULL,
	handle      bytea   NOT NULL,
	handle_key  bytea   NOT NULL UNIQUE,
	due_at      bigint  NOT NULL,
	deadline_at bigint  NOT NULL,
	interval_ms bigint  NOT NULL,
	claims      integer NOT NULL DEFAULT 0,
	polls       integer NOT NULL DEFAULT 0,
	lease       bigint  NOT NULL DEFAULT 0,
	lease_until bigint  NOT NULL DEFAULT 0,
	claimed_at  bigint  NOT NULL DEFAULT 0,
	owner       text    NOT NULL DEFAULT '',
	late        boolean NOT NULL DEFAULT false,
	closed      boolean NOT NULL DEFAULT false,
	created_at  bigint  NOT NULL
);
CREATE INDEX tickets_due ON tickets (provider, due_at) WHERE NOT closed;
CREATE INDEX tickets_owner ON tickets (owner) WHERE NOT closed AND lease_until > 0;
CREATE INDEX tickets_chunk ON tickets (chunk);
CREATE INDEX tickets_call ON tickets (call);

-- prober: who is out to find whether the gate may open; closer: who closed it
-- last.
CREATE TABLE gates (
	scope       text    PRIMARY KEY,
	closed      boolean NOT NULL,
	class       text    NOT NULL,
	code        text    NOT NULL,
	by_whom     text    NOT NULL,
	since       bigint  NOT NULL,
	until       bigint  NOT NULL,
	probe       boolean NOT NULL,
	strikes     integer NOT NULL,
	probe_until bigint  NOT NULL,
	prober      text    NOT NULL,
	closer      text    NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE workers (
	id      text   PRIMARY KEY,
	beat_at bigint NOT NULL
) WITH (fillfactor = 50);
