package doctor_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/internal/doctor"
	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/jobs"
)

// examine looks at a Redis by URL.
func examine(t *testing.T, url string) []doctor.Finding {
	t.Helper()
	c, err := jobs.OpenRedis(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	all := doctor.Examine(t.Context(), doctor.Patient{
		Config: config.Config{DataDir: t.TempDir(), Listen: "127.0.0.1:8080"}, Now: time.Now, Redis: &doctor.Redis{Client: c},
	})
	for _, f := range all {
		if strings.Contains(f.Text+f.Do, "hunter2") {
			t.Errorf("%s tells the password: %q", f.Check, f.Text)
		}
	}
	return all
}

func TestARedisIsJudgedByWhatItSays(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, "--appendonly", "yes", "--maxmemory-policy", "noeviction")
	all := examine(t, srv.URL())
	wants(t, all, doctor.Well, "answers: Redis")
	wants(t, all, doctor.Well, "Redis agrees with")
	if worst, _ := doctor.Worst(all); worst >= doctor.Warning && !strings.Contains(all[1].Text, "in memory") {
		t.Errorf("got %+v, want nothing to warn of", all)
	}
	admin := srv.Client()
	for _, set := range [][]string{{"maxmemory", "100mb"}, {"maxmemory-policy", "allkeys-lru"}, {"appendonly", "no"}} {
		if err := admin.ConfigSet(t.Context(), set[0], set[1]).Err(); err != nil {
			t.Fatal(err)
		}
	}
	all = examine(t, srv.URL())
	wants(t, all, doctor.Fault, "maxmemory-policy allkeys-lru", "set maxmemory-policy noeviction")
	wants(t, all, doctor.Warning, "append-only file", "set appendonly yes")
	if _, causes := doctor.Worst(all); !causes[doctor.Settings] {
		t.Error("a Redis that evicts is refused at the start: it is a fault of settings")
	}
	if err := admin.Do(t.Context(), "REPLICAOF", "127.0.0.1", "1").Err(); err != nil {
		t.Fatal(err)
	}
	wants(t, examine(t, srv.URL()), doctor.Fault, "is a replica", "redis-sentinel://")
}

func TestARedisThatIsNotToBeAsked(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	for _, user := range []string{"guest on >hunter2 ~* +@all -info", "default off"} {
		args := []any{"ACL", "SETUSER"}
		for word := range strings.FieldsSeq(user) {
			args = append(args, word)
		}
		if err := srv.Client().Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	as := func(user string) string { return strings.Replace(srv.URL(), "://", "://"+user+"@", 1) }
	wants(t, examine(t, as("guest:hunter2")), doctor.Note, "does not tell its settings", "+info")
	wants(t, examine(t, as("guest:hunter22")), doctor.Fault, "refuses user or password")
	wants(t, examine(t, srv.URL()), doctor.Fault, "refuses user or password")
	srv.Kill()
	wants(t, examine(t, as("guest:hunter2")), doctor.Fault, "does not answer")
}

// What INFO says of servers that are costly to start.
func TestServersAreJudgedByWhatTheySay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		changed map[string]string
		cluster bool
		level   doctor.Level
		part    string
	}{
		{"old", map[string]string{"redis_version": "5.0.14"}, false, doctor.Fault, "older than 6.2"},
		{"no version", map[string]string{"redis_version": ""}, false, doctor.Well, "answers"},
		{"of a cluster", map[string]string{"redis_mode": "cluster"}, false, doctor.Fault, "redis-cluster://"},
		{"in a cluster", map[string]string{"redis_mode": "cluster"}, true, doctor.Well, "answers"},
		{"full disk", map[string]string{"aof_last_write_status": "err"}, false, doctor.Fault, "its disk has room"},
		{"nearly full", map[string]string{"maxmemory": "1000000", "used_memory": "900000"}, false, doctor.Warning, "raise maxmemory"},
		{"loading", map[string]string{"loading": "1"}, false, doctor.Warning, "wait"},
		{"replicas", map[string]string{"connected_slaves": "2"}, false, doctor.Note, "min-replicas-to-write 1"},
		{"replicas that count", map[string]string{"connected_slaves": "2", "min_slaves_good_slaves": "2"}, false, doctor.Well, "answers"},
		{"no limit", map[string]string{"maxmemory_policy": "volatile-lru"}, false, doctor.Note, "set maxmemory-policy noeviction"},
	} {
		said := map[string]string{
			"redis_version": "7.0.15", "redis_mode": "standalone", "role": "master", "maxmemory": "0", "maxmemory_policy": "noeviction",
			"aof_enabled": "1", "aof_last_write_status": "ok",
		}
		maps.Copy(said, c.changed)
		all := doctor.Server("its server", said, c.cluster)
		wants(t, all, c.level, c.part)
		if worst, _ := doctor.Worst(all); worst != c.level {
			t.Errorf("%s: the worst is %s, want %s", c.name, worst, c.level)
		}
	}
}
