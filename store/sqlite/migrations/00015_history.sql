-- +goose Up

-- What happened: to a batch, or with batch 0 to a gate of a provider. scope: the
-- gate, or the budget that holds the batch. Nothing in it is personal.
CREATE TABLE history (
	no       INTEGER PRIMARY KEY AUTOINCREMENT,
	at       INTEGER NOT NULL,
	what     TEXT    NOT NULL,
	batch    INTEGER NOT NULL,
	provider TEXT    NOT NULL,
	scope    TEXT    NOT NULL,
	reason   TEXT    NOT NULL,
	code     TEXT    NOT NULL,
	until    INTEGER NOT NULL,
	by_whom  TEXT    NOT NULL
);
CREATE INDEX history_batch ON history (batch, no) WHERE batch > 0;
CREATE INDEX history_provider ON history (provider, no) WHERE batch = 0;
CREATE INDEX history_at ON history (at);

-- How much there was of something at a provider. span: 1 in the minute that
-- begins then, 2 in the hour.
CREATE TABLE series (
	span     INTEGER NOT NULL,
	at       INTEGER NOT NULL,
	provider TEXT    NOT NULL,
	measure  TEXT    NOT NULL,
	n        INTEGER NOT NULL,
	PRIMARY KEY (span, at, provider, measure)
) WITHOUT ROWID;
