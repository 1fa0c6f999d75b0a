-- +goose Up

-- What calls may cost, where somebody has set it. scope: "batch:ID",
-- "tenant:NAME:day", "provider:NAME:month" and the like; amount: in millionths
-- of the currency or, of none, of a question.
CREATE TABLE budgets (
	scope    TEXT    NOT NULL PRIMARY KEY,
	amount   INTEGER NOT NULL,
	currency TEXT    NOT NULL,
	by_whom  TEXT    NOT NULL,
	at       INTEGER NOT NULL
) WITHOUT ROWID;

-- What the calls of a scope cost in one turn of its budget (a day, a month, or
-- empty: the life of a batch). A row is made when a budget is first looked at,
-- by summing up the calls; from then on every claim and settlement moves it.
CREATE TABLE spends (
	scope    TEXT    NOT NULL,
	period   TEXT    NOT NULL,
	currency TEXT    NOT NULL,
	held     INTEGER NOT NULL,
	spent    INTEGER NOT NULL,
	PRIMARY KEY (scope, period, currency)
) WITHOUT ROWID;

-- held_by: the budget by which a batch is paused; empty: none is.
ALTER TABLE batches ADD COLUMN held_by TEXT NOT NULL DEFAULT '';
CREATE INDEX batches_held ON batches (no) WHERE held_by <> '';
