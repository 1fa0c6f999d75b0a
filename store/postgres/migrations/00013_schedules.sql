-- +goose Up

-- Lists that are asked about again. list: the batch whose rows they are;
-- amount: the budget of each run, in millionths of the currency, NULL for none;
-- asked_at: when somebody wanted a run now; lease: the fence of who has it.
CREATE TABLE schedules (
	id          text    NOT NULL PRIMARY KEY,
	tenant      text    NOT NULL,
	list        integer NOT NULL,
	cron        text    NOT NULL,
	zone        text    NOT NULL,
	may_overlap boolean NOT NULL,
	known       boolean NOT NULL,
	amount      bigint,
	currency    text    NOT NULL,
	paused      boolean NOT NULL,
	next_at     bigint  NOT NULL,
	asked_at    bigint  NOT NULL,
	lease       bigint  NOT NULL DEFAULT 0,
	lease_until bigint  NOT NULL DEFAULT 0,
	created_at  bigint  NOT NULL
);

-- What became of them. batch: 0 where none was made.
CREATE TABLE schedule_runs (
	schedule text    NOT NULL,
	due_at   bigint  NOT NULL,
	at       bigint  NOT NULL,
	batch    integer NOT NULL,
	reason   text    NOT NULL,
	PRIMARY KEY (schedule, due_at)
);
