-- +goose Up

-- at: when it was said that they are not to be collected again; 0: before that
-- was kept.
ALTER TABLE suppressed ADD COLUMN at INTEGER NOT NULL DEFAULT 0;

-- Who may be collected again, by keyed hash, and since when: an older word that
-- they are not to be, from another machine, changes nothing.
CREATE TABLE allowed (
	kind TEXT    NOT NULL,
	key  BLOB    NOT NULL,
	at   INTEGER NOT NULL,
	PRIMARY KEY (kind, key)
) WITHOUT ROWID;
