package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/regnum"
)

// TestAParameterThatIsNoTextIsNotSent: the row that says so is invalid, and a
// list of which all rows would be sent with it is refused.
func TestAParameterThatIsNoTextIsNotSent(t *testing.T) {
	t.Parallel()
	p, err := regnum.New(regnum.Config{URLs: []string{"http://127.0.0.1:1/regnum"}, ID: "i", Seccode: "s"}, regnum.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := providers.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *api.Options) { o.Providers = set })
	rec := w.do(t, "POST", "/v1/lookups?wait=0", `{"provider":"regnum","item":{"plate":"AB12345","nameservice":"get\u0000kt"}}`, jsonBody)
	if rec.Code != http.StatusOK {
		t.Fatalf("look up: %d %s", rec.Code, rec.Body)
	}
	got := decoded[client.LookedUp](t, rec)
	if e := got.Row.Error; got.Row.Status != client.RowInvalid || e == nil || e.Code != "nameservice_characters" || got.Batch.Questions != 0 {
		t.Errorf("got %s, want an invalid row", rec.Body)
	}
	batches := w.batches(t)
	for _, r := range []struct{ path, body, media string }{
		{"/v1/lookups", `{"provider":"regnum","item":{"plate":"AB12345"},"params":{"nameservice":"get\u0000kt"}}`, jsonBody},
		{"/v1/batches", `{"provider":"regnum","items":[{"plate":"AB12345"}],"params":{"nameservice":"get\u0000kt"}}`, jsonBody},
		{"/v1/estimates?provider=regnum&set=nameservice%3Dget%09kt", "plate\nAB12345\n", csvBody},
	} {
		rec := w.do(t, "POST", r.path, r.body, r.media)
		if rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), `"field":"nameservice"`) {
			t.Errorf("%s: got %d %s, want 422 that names the parameter", r.path, rec.Code, rec.Body)
		}
	}
	if n := w.batches(t); n != batches {
		t.Errorf("%d lists were made", n-batches)
	}
}
