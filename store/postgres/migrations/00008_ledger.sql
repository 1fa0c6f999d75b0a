-- +goose Up

-- payer: the batch for which the call was made; price: of each ask, in
-- millionths of the currency, which is empty where none is known; charged and
-- free: asks of which that much is certain. Of calls that were made before
-- this was written down it is guessed by how they ended.
ALTER TABLE calls
	ADD COLUMN payer    integer NOT NULL DEFAULT 0,
	ADD COLUMN price    bigint  NOT NULL DEFAULT 0,
	ADD COLUMN currency text    NOT NULL DEFAULT '',
	ADD COLUMN charged  integer NOT NULL DEFAULT 0,
	ADD COLUMN free     integer NOT NULL DEFAULT 0;
UPDATE calls SET payer = (chunk >> 32)::int,
	charged = CASE WHEN state <> 1 AND class = '' THEN n - unknown ELSE 0 END,
	free = CASE WHEN state <> 1 AND class <> '' THEN n - unknown ELSE 0 END;
CREATE INDEX calls_payer ON calls (payer);
CREATE INDEX calls_sent ON calls (sent_at);

-- What the calls of a batch cost, moved with every claim and settlement, in
-- several slots as tallies are.
CREATE TABLE costs (
	batch    integer  NOT NULL,
	currency text     NOT NULL,
	slot     smallint NOT NULL,
	held     bigint   NOT NULL,
	spent    bigint   NOT NULL,
	PRIMARY KEY (batch, currency, slot)
);
INSERT INTO costs (batch, currency, slot, held, spent)
	SELECT payer, '', 0, sum(n - charged - free) * 1000000, sum(charged) * 1000000 FROM calls GROUP BY payer;
