package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/api"
)

// methods is an api.Tracer that keeps the methods it is told.
type methods struct{ told []string }

func (m *methods) Request(r *http.Request, method string) (context.Context, func(string, int)) {
	m.told = append(m.told, method)
	return r.Context(), func(string, int) {}
}

func (*methods) Parent(context.Context) string { return "" }
func (*methods) ID(context.Context) string     { return "" }

// TestAMethodThatIsNoneIsToldToNobody: anything can stand where the method
// stands, a plate or a name, and logs and traces are kept.
func TestAMethodThatIsNoneIsToldToNobody(t *testing.T) {
	t.Parallel()
	m := &methods{}
	w := newWorld(t, func(o *api.Options) { o.Tracer = m })
	for _, method := range []string{"GET", "DELETE", "DL01AA1000", "SINGH", "get", "PROPFIND"} {
		r := httptest.NewRequestWithContext(t.Context(), method, "/v1/batches", http.NoBody)
		r.Host = "localhost"
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		if method != "GET" && rec.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: got %d", method, rec.Code)
		}
	}
	log := w.log.String()
	if got := strings.Join(m.told, " "); got != "GET DELETE other other other other" {
		t.Errorf("traces are told of %s", got)
	}
	if strings.Contains(log, "DL01AA1000") || strings.Contains(log, "SINGH") || strings.Count(log, `"method":"other"`) != 4 ||
		strings.Count(log, `"method":"GET"`) != 1 || strings.Count(log, `"method":"DELETE"`) != 1 {
		t.Errorf("the log has %s", log)
	}
}
