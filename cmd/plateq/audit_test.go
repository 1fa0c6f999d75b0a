package main

import (
	"strings"
	"testing"
)

func TestAuditListAndVerify(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ok(t, 0, "keys", "create", "--name", "ops", "--tenant", "*", "--scope", "admin")
	p.ok(t, 0, "keys", "create", "--name", "Canary", "--scope", "read")
	out, errs := p.ok(t, 0, "audit", "list", "--limit", "1")
	says(t, out, `"no":2`, `"who":"user `, `"kind":"key.made"`, `"tenant":"default"`, `"note":"read"`)
	says(t, errs, "next: plateq audit verify")
	if strings.Contains(out, "Canary") || strings.Contains(out, `"no":1`) {
		t.Errorf("audit list: %s", out)
	}
	out, _ = p.ok(t, 0, "audit", "list", "--kind", "budget.set")
	if out != "" {
		t.Errorf("other kinds: %s", out)
	}
	out, errs = p.ok(t, 0, "audit", "verify")
	says(t, out, `"acts":2`, `"broken":null`)
	says(t, errs, "the audit log is whole: 2 acts, up to 2:")
	_, errs = p.ok(t, 1, "audit", "verify", "--head", "9:00000000000000000000000000000000")
	says(t, errs, "the audit log is broken at act 3")
	_, errs = p.ok(t, 2, "audit", "verify", "--head", "nothing")
	says(t, errs, "is no head of an audit log")
}
