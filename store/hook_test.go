package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
)

func TestKindsOfEvents(t *testing.T) {
	t.Parallel()
	all := store.EventKinds()
	if got := store.KindsOf(all...).List(); !slices.Equal(got, all) {
		t.Errorf("got %v, want %v", got, all)
	}
	if got := store.KindsOf("batch.begun").List(); got != nil {
		t.Errorf("got %v of a kind that is none", got)
	}
	for name, tc := range map[string]struct {
		got  store.Kinds
		want []store.EventKind
	}{
		"callbacks": {store.CallbackKinds, []store.EventKind{store.EventBatchDone, store.EventBatchPaused}},
		"progress":  {store.ProgressKinds(), []store.EventKind{store.EventRowsSettled, store.EventUnknownFound}},
	} {
		if got := tc.got.List(); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
	got, err := store.ParseEventKinds([]string{"batch.done", " gate.opened"})
	if err != nil || !slices.Equal(got, []store.EventKind{store.EventBatchDone, store.EventGateOpened}) {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = store.ParseEventKinds([]string{"batch.done", "done", strings.Repeat("x", 100)})
	if err == nil || !strings.HasPrefix(err.Error(), `"done", "`+strings.Repeat("x", 40)+`": there is no such event, only batch.done, `) {
		t.Errorf("got error %v, want one that names both", err)
	}
}

func TestAHookIsSealed(t *testing.T) {
	t.Parallel()
	s, err := store.NewSealer(store.NewKeys())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	body := store.HookBody{URL: "https://example.com/"}.Rotate([]byte("one"), now, 0).Rotate([]byte("two"), now, time.Hour)
	sealed, err := s.SealHook(7, body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenHook(8, sealed); err == nil {
		t.Error("the body of one hook opens for another")
	}
	got, err := s.OpenHook(7, sealed)
	if err != nil || got.URL != body.URL || len(got.Keys(now)) != 2 || string(got.Keys(now.Add(time.Hour))[0]) != "two" {
		t.Errorf("got %+v, %v, want %+v", got, err, body)
	}
}
