-- +goose Up

-- Figures that came with the answers of a provider. A gauge is as it last was,
-- anything else is added up.
CREATE TABLE readings (
	provider TEXT    NOT NULL,
	name     TEXT    NOT NULL,
	value    INTEGER NOT NULL,
	gauge    INTEGER NOT NULL,
	at       INTEGER NOT NULL,
	PRIMARY KEY (provider, name)
) WITHOUT ROWID;

-- Whether an earlier ask of the same key was found when this one was made.
ALTER TABLE asks ADD COLUMN found_before INTEGER NOT NULL DEFAULT 0;
