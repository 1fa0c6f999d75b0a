package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
)

// The database itself keeps our own code from changing the log; who can take
// that away is found out by the chain.
func TestTheAuditLogIsOnlyAddedTo(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys()})
	for range 3 {
		if _, err := s.NoteAct(t.Context(), store.Act{Who: "key a", Kind: store.ActLogin, Tenant: "acme"}); err != nil {
			t.Fatal(err)
		}
	}
	const change, drop = "UPDATE acts SET who = 'key b' WHERE no = 2", "DELETE FROM acts WHERE no = 2"
	for _, query := range []string{change, drop, "TRUNCATE acts"} {
		if err := s.Exec(t.Context(), query); err == nil || !strings.Contains(err.Error(), "only added to") {
			t.Errorf("%s: got error %v", query, err)
		}
	}
	if r, err := s.VerifyActs(t.Context()); err != nil || r.Broken != 0 || r.Acts != 3 {
		t.Errorf("got %+v, %v, want a log of three that is whole", r, err)
	}
	for _, query := range []string{"ALTER TABLE acts DISABLE TRIGGER acts_stay", change} {
		if err := s.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := s.VerifyActs(t.Context()); err != nil || r.Broken != 2 || r.Head.No != 1 {
		t.Errorf("changed: got %+v, %v, want it broken at 2", r, err)
	}
	if err := s.Exec(t.Context(), drop); err != nil {
		t.Fatal(err)
	}
	if r, err := s.VerifyActs(t.Context()); err != nil || r.Broken != 2 || r.Reason != "it is missing" {
		t.Errorf("dropped: got %+v, %v, want 2 to be missing", r, err)
	}
}

func (f *fleet) NoteAct(ctx context.Context, a store.Act) (store.Act, error) {
	return f.one().NoteAct(ctx, a)
}

func (f *fleet) Acts(ctx context.Context, a store.ActFilter) ([]store.Act, error) {
	return f.one().Acts(ctx, a)
}

func (f *fleet) LastAct(ctx context.Context) (store.ActHead, error) { return f.one().LastAct(ctx) }

func (f *fleet) VerifyActs(ctx context.Context, known ...store.ActHead) (store.TrailReport, error) {
	return f.one().VerifyActs(ctx, known...)
}

func (f *fleet) Reseal(ctx context.Context, from store.ResealPlace) (store.Resealed, error) {
	return f.one().Reseal(ctx, from)
}

func (f *fleet) ForgetSealKeys(ctx context.Context) ([]string, error) {
	return f.one().ForgetSealKeys(ctx)
}

func (f *fleet) HoldsKeys(ctx context.Context) error { return f.one().HoldsKeys(ctx) }

func (f *fleet) BeginErasure(ctx context.Context, e store.Erasure) error {
	return f.one().BeginErasure(ctx, e)
}

func (f *fleet) EndErasure(ctx context.Context, e store.Erasure) (store.Erasure, error) {
	return f.one().EndErasure(ctx, e)
}

func (f *fleet) Erasures(ctx context.Context) ([]store.Erasure, error) { return f.one().Erasures(ctx) }

func (f *fleet) Suppress(ctx context.Context, keys []store.PersonKey, at time.Time) error {
	return f.one().Suppress(ctx, keys, at)
}

func (f *fleet) Allow(ctx context.Context, keys []store.PersonKey, at time.Time) (int, error) {
	return f.one().Allow(ctx, keys, at)
}

func (f *fleet) Suppressions(ctx context.Context) ([]store.Suppression, error) {
	return f.one().Suppressions(ctx)
}

func (f *fleet) Sweep(ctx context.Context, r store.SweepRequest) (store.Swept, error) {
	return f.one().Sweep(ctx, r)
}

func (f *fleet) Scrub(ctx context.Context) error { return f.one().Scrub(ctx) }
