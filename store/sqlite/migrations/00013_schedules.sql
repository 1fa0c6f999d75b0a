-- +goose Up

-- Lists that are asked about again. list: the batch whose rows they are;
-- amount: the budget of each run, in millionths of the currency, NULL for none;
-- asked_at: when somebody wanted a run now; lease: the fence of who has it.
CREATE TABLE schedules (
	id          TEXT    NOT NULL PRIMARY KEY,
	tenant      TEXT    NOT NULL,
	list        INTEGER NOT NULL,
	cron        TEXT    NOT NULL,
	zone        TEXT    NOT NULL,
	may_overlap INTEGER NOT NULL,
	known       INTEGER NOT NULL,
	amount      INTEGER,
	currency    TEXT    NOT NULL,
	paused      INTEGER NOT NULL,
	next_at     INTEGER NOT NULL,
	asked_at    INTEGER NOT NULL,
	lease       INTEGER NOT NULL DEFAULT 0,
	lease_until INTEGER NOT NULL DEFAULT 0,
	created_at  INTEGER NOT NULL
) WITHOUT ROWID;

-- What became of them. batch: 0 where none was made.
CREATE TABLE schedule_runs (
	schedule TEXT    NOT NULL,
	due_at   INTEGER NOT NULL,
	at       INTEGER NOT NULL,
	batch    INTEGER NOT NULL,
	reason   TEXT    NOT NULL,
	PRIMARY KEY (schedule, due_at)
) WITHOUT ROWID;
