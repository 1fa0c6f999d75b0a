-- +goose Up

-- What calls may cost, where somebody has set it. scope: "batch:ID",
-- "tenant:NAME:day", "provider:NAME:month" and the like; amount: in millionths
-- of the currency or, of none, of a question.
CREATE TABLE budgets (
	scope    text   PRIMARY KEY,
	amount   bigint NOT NULL,
	currency text   NOT NULL,
	by_whom  text   NOT NULL,
	at       bigint NOT NULL
);

-- What the calls of a scope cost in one turn of its budget (a day, a month, or
-- empty: the life of a batch). A row is made when a budget is first looked at,
-- by summing up the calls; from then on every claim and settlement moves it.
-- Where no budget is there is no row, and nobody waits for one.
CREATE TABLE spends (
	scope    text   NOT NULL,
	period   text   NOT NULL,
	currency text   NOT NULL,
	held     bigint NOT NULL,
	spent    bigint NOT NULL,
	PRIMARY KEY (scope, period, currency)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- held_by: the budget by which a batch is paused; empty: none is.
ALTER TABLE batches ADD COLUMN held_by text NOT NULL DEFAULT '';
CREATE INDEX batches_held ON batches (no) WHERE held_by <> '';
