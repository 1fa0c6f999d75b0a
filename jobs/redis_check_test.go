package jobs_test

import (
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/jobs"
)

func TestARedisThatEvictsIsRefused(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, "--appendonly", "no", "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru")
	c := srv.Client()
	_, err := jobs.CheckRedis(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "noeviction") {
		t.Fatalf("got %v, want a refusal that names noeviction", err)
	}
	if err := c.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err(); err != nil {
		t.Fatal(err)
	}
	warnings, err := jobs.CheckRedis(t.Context(), c)
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "append-only") {
		t.Fatalf("got %q, %v, want one warning of the append-only file", warnings, err)
	}
}

func TestARedisThatEvictsIsRefusedWhereOnlyCONFIGIsAllowed(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru")
	for rights, want := range map[string]string{
		"-info":             "noeviction", // refused
		"-info -config|get": "",           // one warning
	} {
		args := []any{"ACL", "SETUSER", "guest", "on", "nopass", "~*", "+@all"}
		for right := range strings.FieldsSeq(rights) {
			args = append(args, right)
		}
		if err := srv.Client().Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
		c, err := jobs.OpenRedis(strings.Replace(srv.URL(), "://", "://guest:x@", 1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		warnings, err := jobs.CheckRedis(t.Context(), c)
		if want == "" && (err != nil || len(warnings) != 1) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %q, %v", rights, warnings, err)
		}
	}
}
