-- +goose Up

-- known, joined, doubles: rows that cost no ask of the batch's own, as they
-- are on an answer that was known, on an ask of another batch, or on one that
-- another row has. renewals: how many asks rows of it were given others for.
ALTER TABLE batches ADD COLUMN known INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN joined INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN doubles INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN renewals INTEGER NOT NULL DEFAULT 0;
UPDATE batches SET
	known = (SELECT count(*) FROM rows WHERE id BETWEEN no << 32 AND (no + 1 << 32) - 1 AND cached),
	joined = (SELECT coalesce(sum(w.rows), 0) FROM wants w WHERE w.batch = no AND w.ask NOT BETWEEN no << 32 AND (no + 1 << 32) - 1),
	doubles = (SELECT coalesce(sum(w.rows), 0) FROM wants w WHERE w.batch = no AND w.ask BETWEEN no << 32 AND (no + 1 << 32) - 1);

-- resends: how many asks of the key before this one, in a row, ended as
-- unknown. prior: the ticket of the one before that failed and was retried.
ALTER TABLE asks ADD COLUMN resends INTEGER NOT NULL DEFAULT 0;
ALTER TABLE asks ADD COLUMN prior INTEGER;

-- Why an ask failed, so that failures can be counted by it; empty where it did
-- not.
ALTER TABLE answers ADD COLUMN class TEXT NOT NULL DEFAULT '';
ALTER TABLE answers ADD COLUMN code TEXT NOT NULL DEFAULT '';
CREATE INDEX answers_failed ON answers (ask) WHERE class <> '';

-- Rows of a batch that were on an ask are on the next one since: what they ask
-- was asked again. The rows themselves stay as they were written.
CREATE TABLE renewals (
	batch  INTEGER NOT NULL,
	ask    INTEGER NOT NULL,
	next   INTEGER NOT NULL,
	cached INTEGER NOT NULL,
	at     INTEGER NOT NULL,
	PRIMARY KEY (batch, ask)
) WITHOUT ROWID;

-- resent_at: when rows on unknown asks of it were last given others, or the
-- rule that does so found none to be given.
ALTER TABLE calls ADD COLUMN resent_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX calls_unknown ON calls (id) WHERE unknown > 0;

-- adopted: a person named it.
ALTER TABLE tickets ADD COLUMN adopted INTEGER NOT NULL DEFAULT 0;

-- What people decided about calls of which nobody knows what became. reason is
-- sealed.
CREATE TABLE decisions (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	at     INTEGER NOT NULL,
	what   TEXT    NOT NULL,
	call   INTEGER NOT NULL,
	asks   INTEGER NOT NULL,
	by     TEXT    NOT NULL,
	reason BLOB    NOT NULL
);
CREATE INDEX decisions_call ON decisions (call);
