-- +goose Up

-- What was erased on request, when, why and how much: body is sealed and holds
-- nothing of what was erased.
CREATE TABLE erasures (
	no   INTEGER PRIMARY KEY AUTOINCREMENT,
	id   TEXT    NOT NULL UNIQUE,
	body BLOB    NOT NULL
);

-- Asks of which the question and the answer are gone. One that is still on its
-- way to the provider loses its answer by this when it comes.
CREATE TABLE erased_asks (
	ask INTEGER PRIMARY KEY
);

-- Who is not to be collected again, by keyed hash.
CREATE TABLE suppressed (
	kind TEXT NOT NULL,
	key  BLOB NOT NULL,
	PRIMARY KEY (kind, key)
) WITHOUT ROWID;
