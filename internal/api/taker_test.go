package api_test

import (
	"errors"
	"testing"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

func TestAListThatComesByAnotherWayIsTakenInOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	taker := api.NewTaker(api.Options{Store: w.store, Providers: w.set})
	take := func(tenant, id, body string) (store.Batch, error) {
		return taker.Take(t.Context(), tenant, id, []byte(body))
	}
	first, err := take("acme", "order 7", oneItem)
	if err != nil || first.Tenant != "acme" || first.State != store.BatchRunning {
		t.Fatalf("got %+v, %v", first, err)
	}
	again, err := take("acme", "order 7", oneItem)
	if err != nil || again.ID != first.ID {
		t.Errorf("the same again: got %s, %v, want %s", again.ID, err, first.ID)
	}
	other, err := take("other", "order 7", oneItem)
	if err != nil || other.ID == first.ID {
		t.Errorf("of another tenant: got %s, %v", other.ID, err)
	}
	for code, body := range map[string]string{
		"key_reused": oneItem + " ", "unknown_provider": `{"provider":"nobody","items":[{"plate":"DL01AA1000"}]}`, "bad_json": "", "empty_list": `{"provider":"attestr","items":[]}`,
	} {
		id := "order 7"
		if code != "key_reused" {
			id = code
		}
		_, err := take("acme", id, body)
		if p, ok := errors.AsType[*api.Problem](err); !ok || p.Code != code {
			t.Errorf("got %v, want %s", err, code)
		}
	}
	if n := w.batches(t); n != 2 {
		t.Errorf("%d batches were made, want 2", n)
	}
}
