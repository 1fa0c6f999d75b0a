package app_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
)

// redisRights are those that docs/redis.md gives to the user of Redis.
const redisRights = "~asynq:* ~plateq:* &asynq:* +@all -@dangerous -@admin +info"

// TestAFleetNeedsNoMoreThanItsRights: a list is looked up as a role of
// PostgreSQL that owns one schema and a user of Redis that may do little, and
// neither is refused anything it tries.
func TestAFleetNeedsNoMoreThanItsRights(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--appendonly", "yes")
	admin := server.Client()
	rights := append([]any{"ACL", "SETUSER", "plateq", "on", ">few rights", "resetchannels"}, words(redisRights)...)
	for _, command := range [][]any{rights, {"ACL", "SETUSER", "root", "on", ">all rights", "~*", "&*", "+@all"}, {"ACL", "SETUSER", "default", "off"}} {
		if err := admin.Do(t.Context(), command...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	u := standIn(t, brisk())
	f := fleetAt(t, u, "redis://plateq:few%20rights@"+server.Addr()+"/0", pgtest.Owned(t))
	f.open(app.Server | app.Worker | app.Scheduler)
	list := plates(60)
	rows := f.await(f.submit(list))
	f.inOrder(rows, list)
	f.answered(u, rows)
	f.end()
	f.check()

	root := redis.NewClient(&redis.Options{Addr: server.Addr(), Username: "root", Password: "all rights"})
	defer root.Close()
	refused, err := root.ACLLog(t.Context(), 100).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range refused {
		t.Errorf("Redis refused %s as %s: %s %s", r.Object, r.Username, r.Reason, r.Context)
	}
	few := redis.NewClient(&redis.Options{Addr: server.Addr(), Username: "plateq", Password: "few rights"})
	defer few.Close()
	for _, command := range []string{"FLUSHALL", "FLUSHDB", "CONFIG SET maxmemory 1", "KEYS *", "SHUTDOWN", "ACL LIST", "GET other", "MONITOR"} {
		if err := few.Do(t.Context(), words(command)...).Err(); err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
			t.Errorf("%s: got %v, want NOPERM", command, err)
		}
	}
	nobody := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer nobody.Close()
	if err := nobody.Ping(t.Context()).Err(); err == nil || !strings.HasPrefix(err.Error(), "NOAUTH") {
		t.Errorf("without a password: got %v, want NOAUTH", err)
	}
}

func words(text string) []any {
	var all []any
	for word := range strings.FieldsSeq(text) {
		all = append(all, word)
	}
	return all
}
