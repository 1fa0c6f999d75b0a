//go:build chaos

package chaos_test

import (
	"time"

	"github.com/plateq/plateq/providers/sim"
)

// cells is the matrix. A fault is told as it is in a short run.
var cells = []cell{
	{name: "P1", fault: "a worker is killed (`kill -9`) with ten calls in flight; somebody adopts their tickets", run: killedMidCall},
	{name: "P2", fault: "a worker is killed between an answer and its commit; somebody adopts the ticket", run: killedAfterRead},
	{name: "P3", fault: "a worker is killed between claim and first byte; somebody asks again", run: killedAfterClaim},
	{name: "P4", fault: "a worker is killed in the transaction that stores an answer", run: killedInTransaction},
	{name: "P5", fault: "a worker is frozen for 75 s beside another one, and goes on", run: frozen},
	{name: "P6", fault: "ten calls hang for ever, with a timeout of 5 s", run: hung},
	{name: "P7", fault: "the server is killed at 30, 60 and 90 % of an upload, which is then repeated", run: killedMidUpload},
	{name: "P8", fault: "the only scheduler is killed between pages of a poll", run: schedulerKilled},
	{name: "P9", fault: "two schedulers, of which one is killed", run: twoSchedulers},
	{name: "P10", fault: "four workers are replaced one by one", run: replaced},
	{name: "P11", fault: "a worker is told to end (`SIGTERM`) with five calls in flight, and has the time", run: drained},
	{name: "P12", fault: "the same, and the time is too short", run: cutShort},

	{name: "R1", fault: "Redis is killed, append-only file `everysec`, away for 5 s", run: redisKilled("--appendonly", "yes", "--appendfsync", "everysec")},
	{name: "R2", fault: "Redis is killed, no append-only file, away for 5 s", run: redisKilled("--appendonly", "no")},
	{name: "R3", fault: "Redis is emptied (`FLUSHALL`) at 20, 50 and 80 % of the list", run: redisEmptied},
	{name: "R4", fault: "an old snapshot of Redis is restored", run: oldSnapshot},
	{name: "R5", fault: "Redis is full (`noeviction`) for 10 s, under calls of 8 s", run: redisFull},
	{name: "R6", fault: "Redis evicts (`allkeys-lru`)", run: redisEvicts},
	{name: "R7", fault: "Redis is killed five times, append-only file `always`", run: redisKilledOften},
	{name: "R8", fault: "Redis is frozen for 15 s", run: redisFrozen},
	{name: "R9", fault: "Redis is a read-only replica for 6 s", run: redisReadOnly},
	{name: "R10", fault: "Redis wants another password for 6 s", run: redisLocked},

	{name: "D1", fault: "PostgreSQL is restarted (`fast`), away for 5 s", run: postgresRestarted},
	{name: "D2", fault: "PostgreSQL is killed (`kill -9` of the first process), away for 5 s", run: postgresKilled},
	{name: "D4", fault: "the disk of PostgreSQL is full for 10 s, and another worker comes", run: postgresDiskFull},
	{name: "D6", fault: "nobody can write into the table of calls for 10 s", run: postgresLocked},
	{name: "D7", fault: "PostgreSQL has no connections left for 5 s", run: postgresCrowded},
	{name: "D8", fault: "SQLite: 20 kills while it is written to", run: sqliteKilled},
	{name: "D9", fault: "SQLite: the disk is full for 12 s", run: sqliteDiskFull},
	{name: "D10", fault: "SQLite: somebody else holds the lock for 15 s", run: sqliteLocked},
	{name: "D12", fault: "SQLite: a second process opens the file", run: sqliteShared},
	{name: "D13", fault: "SQLite: an old backup is restored", run: sqliteBackup},

	{name: "V1", fault: "three calls are charged and hang for ever, with a timeout of 5 s",
		run: unknowable(sim.Fault{Kind: sim.KindChargeThenHang, First: 3, For: time.Hour})},
	{name: "V2", fault: "three answers come at a byte a second", run: unknowable(sim.Fault{Kind: sim.KindDrip, First: 3, For: time.Second})},
	{name: "V3", fault: "answers are cut, with a right and a wrong length",
		run: unknowable(sim.Fault{Kind: sim.KindCut, First: 2, N: 10}, sim.Fault{Kind: sim.KindCut, First: 2, N: 10, Exact: true})},
	{name: "V4", fault: "web pages for answers, with 200 and 502, charged and not",
		run: unknowable(sim.Fault{Kind: sim.KindHTML, First: 1, Charge: true}, sim.Fault{Kind: "502", First: 2})},
	{name: "V6", fault: "pages of polls are cut, broken, of a wrong type, said to be packed, or begin with a mark",
		run: harmless(sim.Fault{Kind: sim.KindCut, Every: 5}, sim.Fault{Kind: sim.KindMalformed, Every: 7}, sim.Fault{Kind: sim.KindCType, Every: 3},
			sim.Fault{Kind: sim.KindGzipLie, Every: 11}, sim.Fault{Kind: sim.KindBOM, Every: 4})},
	{name: "V7", fault: "two pages of polls are 100 MiB long", run: harmless(sim.Fault{Kind: sim.KindHuge, First: 2})},
	{name: "V8", fault: "503 to every submit for 10 s", run: refusing(sim.Fault{Kind: "503"}, false)},
	{name: "V9a", fault: "4291 (pace of the account) to every submit for 10 s", run: refusing(sim.Fault{Kind: "4291"}, false)},
	{name: "V9b", fault: "4292 (pace of the endpoint) for 10 s", run: refusing(sim.Fault{Kind: "4292"}, false)},
	{name: "V9c", fault: "4293 (day of the account) for 10 s; then a person opens the gate", run: refusing(sim.Fault{Kind: "4293"}, true)},
	{name: "V9d", fault: "4294 (day of the endpoint) for 10 s; then a person opens the gate", run: refusing(sim.Fault{Kind: "4294"}, true)},
	{name: "V11", fault: "five calls are charged, and the connection closes without an answer",
		run: unknowable(sim.Fault{Kind: sim.KindChargeThenClose, First: 5})},
	{name: "V12", fault: "redirects (307, 308) to the same place", run: unknowable(sim.Fault{Kind: "307", First: 1}, sim.Fault{Kind: "308", First: 1})},
	{name: "V13a", fault: "all clocks are an hour ahead", run: clockWrong("1h")},
	{name: "V13b", fault: "all clocks are a day behind", run: clockWrong("-24h")},
	{name: "V13c", fault: "all clocks are set back by a minute while a list is on its way", run: clockJumps},
	{name: "V14", fault: "a third of the records are taken back after they were final", run: harmless(sim.Fault{Kind: sim.KindRegress, Rate: 0.3})},
	{name: "V15", fault: "20 rows move between the pages of every poll", run: harmless(sim.Fault{Kind: sim.KindShift, N: 20})},
	{name: "V16", fault: "a tenth of the records is never listed", run: missingRecords},
	{name: "V17", fault: "pages hold records of other batches", run: harmless(sim.Fault{Kind: sim.KindForeign, N: 3})},
	{name: "V18", fault: "a tenth of the records is never finished, with a deadline of 15 s", run: neverFinished},
	{name: "V19", fault: "two submits are answered with the ticket of another one", run: oneTicketForTwo},
	{name: "V20a", fault: "the provider refuses connections for 8 s", run: notThere},
	{name: "V20b", fault: "nobody knows the provider's certificate", run: badCertificate},
	{name: "V21", fault: "401 to every call for 10 s; then a person opens the gate", run: refusing(sim.Fault{Kind: "4016"}, true)},

	{name: "H1", fault: "webhooks come twice (a half), late and in another order, or never (a tenth); a third is forged as well", run: hooksSpoiled},
	{name: "H8", fault: "webhooks come before the answer to their submit", run: hooksFirst},
	{name: "H10", fault: "webhooks come while there is no store", run: hooksWithoutStore},
	{name: "H11", fault: "webhooks that were asked for never come", run: hooksNever},
	{name: "H12", fault: "token and secret of webhooks are changed, the old ones still good", run: hooksRotated},
	{name: "H13", fault: "the system that is told is down, then the scheduler is killed", run: receiverDown},

	{name: "N1", fault: "a worker is cut off from Redis for 20 s: nothing arrives, nobody is told", run: apartFromRedis},
	{name: "N2", fault: "a worker is cut off from PostgreSQL for 20 s", run: apartFromStore},
	{name: "N3", fault: "a worker is cut off from the provider when ten calls are on their way; somebody adopts their tickets",
		run: apartFromProvider((*wires).part, (*wires).join)},
	{name: "N4", fault: "the provider's answers are lost, requests arrive", run: apartFromProvider((*wires).cutReplies, (*wires).healReplies)},
	{name: "N5", fault: "Redis and PostgreSQL come and go every 3 s", run: flapping},
}
