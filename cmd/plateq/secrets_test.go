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
