package main

import (
	"encoding/json"
	"slices"
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

func TestAuditIncident(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "PLATEQ_ATTESTR_AUTH_TOKEN=t")
	p.ok(t, 0, "keys", "create", "--name", "reader", "--scope", "read:pii")
	p.ok(t, 0, "keys", "create", "--name", "ops", "--tenant", "*", "--scope", "admin")
	for _, depot := range []string{"north", "south"} {
		p.write(t, depot+".csv", "plate,depot\nDL01AA1000,"+depot+"\n??,west\n")
		p.ok(t, 3, "run", depot+".csv", "-p", "attestr", "--simulate", "-o", depot+"-out.csv", "--purpose", "renewal")
	}
	read := func(args ...string) (in incident) {
		t.Helper()
		out, _ := p.ok(t, 0, append([]string{"audit", "incident"}, args...)...)
		if strings.Contains(out, "DL01AA1000") {
			t.Errorf("a plate is in it: %s", out)
		}
		if err := json.Unmarshal([]byte(out), &in); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		return in
	}
	in := read("--simulate", "--since", "2020-01-01")
	if len(in.Lists) != 2 || in.Rows != 4 || in.Log.Broken != nil {
		t.Fatalf("%d lists of %d rows, %v, want 2 of 4", len(in.Lists), in.Rows, in.Log)
	}
	l := in.Lists[0]
	if l.Purpose != "renewal" || l.Rows != 2 || len(l.Looks) != 1 || l.Looks[0].Kind != "rows.exported" ||
		!slices.Contains(l.Sent, "plate") || !slices.Contains(l.Answered, "contact") {
		t.Errorf("the first list: %+v", l)
	}
	if in := read("--simulate", "--since", "2020-01-01", "--to", "2020-01-02"); len(in.Lists) != 0 || len(in.Keys) != 0 {
		t.Errorf("of a day before all: %+v", in)
	}
	if in := read("--simulate", "--since", "2020-01-01", "--to", "2020-01-02", "--everything"); len(in.Lists) != 2 || len(in.Lists[0].Looks) != 0 {
		t.Errorf("of all lists: %+v", in)
	}
	if in := read("--since", "2020-01-01"); len(in.Keys) != 1 || in.Keys[0].Name != "reader" {
		t.Errorf("the keys that could read: %+v", in.Keys)
	}
	p.ok(t, 2, "audit", "incident")
	p.ok(t, 2, "audit", "incident", "--since", "lately")
}
