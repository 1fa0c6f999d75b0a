//go:build chaos

package chaos_test

// cells is the matrix.
var cells = []cell{
	{name: "P1", fault: "a worker is killed (`kill -9`) with ten calls in flight; somebody adopts their tickets", run: killedMidCall},
	{name: "P3", fault: "a worker is killed between claim and first byte; somebody asks again", run: killedAfterClaim},
	{name: "R3", fault: "Redis is emptied (`FLUSHALL`) at 20, 50 and 80 % of the list", run: redisEmptied},
	{name: "D2", fault: "PostgreSQL is killed (`kill -9` of the first process)", run: postgresKilled},
}
