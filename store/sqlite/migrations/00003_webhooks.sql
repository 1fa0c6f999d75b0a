-- +goose Up

-- hinted_at: when a webhook last said that there is news of the ticket.
ALTER TABLE tickets ADD COLUMN hinted_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tickets_hinted ON tickets (provider, hinted_at) WHERE hinted_at > 0;

-- What webhooks may call an open ticket by, beside its handle, by keyed hash.
CREATE TABLE ticket_names (
	key    BLOB PRIMARY KEY,
	ticket INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX ticket_names_ticket ON ticket_names (ticket);

-- What webhooks said of no ticket that was known. body is sealed; key is its
-- keyed hash, by which one that comes twice is kept once.
CREATE TABLE orphans (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	provider TEXT    NOT NULL,
	at       INTEGER NOT NULL,
	key      BLOB    NOT NULL UNIQUE,
	body     BLOB    NOT NULL
);
CREATE INDEX orphans_at ON orphans (at);

-- The names in it, by the keyed hash that a ticket of the name would have.
CREATE TABLE orphan_names (
	key    BLOB    NOT NULL,
	orphan INTEGER NOT NULL,
	PRIMARY KEY (key, orphan)
) WITHOUT ROWID;
CREATE INDEX orphan_names_orphan ON orphan_names (orphan);
