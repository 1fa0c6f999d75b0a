-- +goose Up

-- payer: the batch for which the call was made; price: of each ask, in
-- millionths of the currency, which is empty where none is known; charged and
-- free: asks of which that much is certain. Of calls that were made before
-- this was written down it is guessed by how they ended.
ALTER TABLE calls ADD COLUMN payer INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN price INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN currency TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN charged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN free INTEGER NOT NULL DEFAULT 0;
UPDATE calls SET payer = chunk >> 32;
UPDATE calls SET charged = n - unknown WHERE state <> 1 AND class = '';
UPDATE calls SET free = n - unknown WHERE state <> 1 AND class <> '';
CREATE INDEX calls_payer ON calls (payer);
CREATE INDEX calls_sent ON calls (sent_at);

-- What the calls of a batch cost, moved with every claim and settlement.
CREATE TABLE costs (
	batch    INTEGER NOT NULL,
	currency TEXT    NOT NULL,
	held     INTEGER NOT NULL,
	spent    INTEGER NOT NULL,
	PRIMARY KEY (batch, currency)
) WITHOUT ROWID;
INSERT INTO costs (batch, currency, held, spent)
	SELECT payer, '', sum(n - charged - free) * 1000000, sum(charged) * 1000000 FROM calls GROUP BY payer;
