package main

import (
	"strings"
	"testing"

	"github.com/plateq/plateq/store"
)

func TestSecretsRotate(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	_, errs := p.ok(t, 2, "secrets", "rotate")
	says(t, errs, "there is no store")
	p.ok(t, 0, "keys", "create", "--name", "ops", "--scope", "read")
	out, errs := p.ok(t, 0, "secrets", "rotate")
	says(t, out, `"changed":`, `"gone":["`)
	says(t, errs, "keys.retired is for backups from before", "next: plateq check")
	p.ok(t, 0, "check")
	out, _ = p.ok(t, 0, "audit", "list", "--kind", "seal.rotated")
	says(t, out, `"who":"user `)
	out, errs = p.ok(t, 0, "secrets", "new")
	if keys, err := store.ParseSealKeys(strings.TrimSpace(out)); err != nil || len(keys) != 1 || strings.Contains(errs, strings.TrimSpace(out)) {
		t.Errorf("got %d keys, %v", len(keys), err)
	}
}

func TestSecretsDestroy(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ok(t, 0, "keys", "create", "--name", "ops", "--scope", "read")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--month", "2026-05"}, "--reason is missing"},
		{[]string{"--reason", "r"}, "name lists, or --month"},
		{[]string{"b_1", "--month", "2026-05", "--reason", "r"}, "name lists, or --month"},
		{[]string{"--month", "May", "--reason", "r"}, "a month such as 2026-05"},
		{[]string{"b_1", "--reason", "r"}, "list b_1: no such batch"},
	} {
		_, errs := p.ok(t, 2, append([]string{"secrets", "destroy"}, c.args...)...)
		says(t, errs, c.want)
	}
	out, _ := p.ok(t, 0, "secrets", "destroy", "--month", "2026-05", "--reason", "r")
	says(t, out, `"lists":0`)
}
