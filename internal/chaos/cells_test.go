//go:build chaos

package chaos_test

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
}
