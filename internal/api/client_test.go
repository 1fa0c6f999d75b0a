package api_test

import (
	"bytes"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
)

// dialled returns a client of w over a connection.
func dialled(t *testing.T, w *world) *client.Client {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = api.NewServer(w.handler)
	srv.Start()
	t.Cleanup(srv.Close)
	c, err := client.New(srv.URL+"/", client.Options{HTTPClient: srv.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClientGoesTheWholeWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := dialled(t, w)
	ctx := t.Context()
	if err := c.Healthy(ctx); err != nil {
		t.Fatal(err)
	}
	b, err := c.Submit(ctx, client.SubmitOptions{
		Provider: "attestr", Format: client.CSV, Name: "fleet & co", Columns: []string{"Reg no"}, Limit: 2, Weight: 1.5,
		Metadata: []byte(`{"k":"v"}`),
	}, strings.NewReader("id,Reg no\na,DL01AA1000\nb,??\nc,DL01AA1002\n"))
	if err != nil {
		t.Fatal(err)
	}
	if b.Rows != 2 || b.Name != "fleet & co" || b.Open() != 1 || string(b.Metadata) != `{"k":"v"}` || b.CreatedAt.IsZero() {
		t.Errorf("submitted %+v", b)
	}
	w.answer(t, b.ID)
	looks := 0
	b, err = c.Wait(ctx, b.ID, func(client.Batch) { looks++ })
	if err != nil || b.State != client.Done || b.DoneAt == nil || looks == 0 {
		t.Errorf("waited for %+v, %v", b, err)
	}
	var rows []string
	for r, err := range c.Results(ctx, b.ID, client.ResultsOptions{Input: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Input) == 0 {
			t.Errorf("row %d has no input", r.Row)
		}
		rows = append(rows, *r.ID+" "+string(r.Status)+" "+string(r.Result))
	}
	if diff := cmp.Diff([]string{"a found " + `{"valid":true,"contact":"9000000000"}`, "b invalid null"}, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	var file bytes.Buffer
	if err := c.Download(ctx, b.ID, client.CSV, client.ResultsOptions{Status: []client.Status{client.RowFound}}, &file); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(strings.TrimSpace(file.String()), "\n"); n != 1 {
		t.Errorf("%d lines behind the header: %s", n, &file)
	}
}

func TestClientListsAndChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := dialled(t, w)
	ctx := t.Context()
	var want []string
	for range 3 {
		b, err := c.SubmitItems(ctx, client.SubmitOptions{Provider: "attestr", Fresh: true}, []client.Item{{"plate": "DL01AA1000", "id": "x"}})
		if err != nil {
			t.Fatal(err)
		}
		want = append([]string{b.ID}, want...)
	}
	var got []string
	all := c.Batches(ctx, client.BatchesOptions{Provider: "attestr", States: []client.State{client.Running, client.Paused}})
	for range 2 { // it can be walked again
		got = nil
		for b, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b.ID)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	for _, step := range []struct {
		do   func() (client.Batch, error)
		want client.State
	}{
		{func() (client.Batch, error) { return c.Pause(ctx, want[0]) }, client.Paused},
		{func() (client.Batch, error) { return c.Resume(ctx, want[0]) }, client.Running},
		{func() (client.Batch, error) { return c.Cancel(ctx, want[0]) }, client.Cancelled},
	} {
		if b, err := step.do(); err != nil || b.State != step.want {
			t.Errorf("got %s, %v; want %s", b.State, err, step.want)
		}
	}
	if n, err := c.Poll(ctx, want[1]); n != 0 || err != nil {
		t.Errorf("Poll() = %d, %v", n, err)
	}
}

func TestClientWatchesAndLooksUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := dialled(t, w)
	b, err := c.SubmitItems(t.Context(), client.SubmitOptions{Provider: "attestr"}, []client.Item{{"plate": "DL01AA1000"}})
	if err != nil {
		t.Fatal(err)
	}
	var last client.Batch
	for b, err := range c.Watch(t.Context(), b.ID) {
		if err != nil {
			t.Fatal(err)
		}
		if last.ID == "" {
			w.answer(t, b.ID)
		}
		last = b
	}
	if last.State != client.Done || last.Counts[client.RowFound] != 1 {
		t.Errorf("watched %+v", last)
	}
	got, err := c.LookUp(t.Context(), client.SubmitOptions{Provider: "attestr", Fresh: true, Metadata: []byte(`{"k":"v"}`)},
		client.Item{"plate": "DL01AA1001", "id": "x"}, 0)
	if err != nil || got.Settled() || got.Row.Status != client.RowQueued || *got.Row.ID != "x" || string(got.Batch.Metadata) != `{"k":"v"}` {
		t.Errorf("looked up %+v, %v", got, err)
	}
	w.answer(t, got.Batch.ID)
	if b, err := c.Wait(t.Context(), got.Batch.ID, nil); err != nil || b.State != client.Done {
		t.Errorf("waited for %+v, %v", b, err)
	}
}

// TestClientNamesACallback hands a row over in each of three ways, and wants
// the one URL told of each.
func TestClientNamesACallback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := dialled(t, w)
	ctx := t.Context()
	o := client.SubmitOptions{Provider: "attestr", Format: client.CSV, Callback: "https://example.com/cb", Fresh: true}
	all := map[string]func() (client.Batch, error){
		"Submit":      func() (client.Batch, error) { return c.Submit(ctx, o, strings.NewReader("plate\nDL01AA1000\n")) },
		"SubmitItems": func() (client.Batch, error) { return c.SubmitItems(ctx, o, []client.Item{{"plate": "DL01AA1001"}}) },
		"LookUp": func() (client.Batch, error) {
			l, err := c.LookUp(ctx, o, client.Item{"plate": "DL01AA1002"}, 0)
			return l.Batch, err
		},
	}
	for name, submit := range all {
		if b, err := submit(); !errors.Is(err, &client.Problem{Code: "no_callback_secret"}) {
			t.Errorf("%s without a secret: got %+v, %v", name, b, err)
		}
	}
	if _, err := c.RotateWebhook(ctx, client.CallbacksID, 0); err != nil {
		t.Fatal(err)
	}
	for name, submit := range all {
		b, err := submit()
		if err != nil {
			t.Fatal(err)
		}
		w.answer(t, b.ID)
		if told := decoded[deliveryPage](t, w.do(t, "GET", "/v1/deliveries?batch="+b.ID, "")); len(told.Items) != 1 {
			t.Errorf("%s: its callback is told %d times, want once", name, len(told.Items))
		}
	}
}

func TestClientTellsProblems(t *testing.T) {
	t.Parallel()
	c := dialled(t, newWorld(t, nil))
	ctx := t.Context()
	_, err := c.Batch(ctx, "b_nobody")
	if !errors.Is(err, &client.Problem{Code: "no_such_batch"}) {
		t.Errorf("Batch() = %v", err)
	}
	_, err = c.Submit(ctx, client.SubmitOptions{Provider: "nobody", Format: client.CSV}, strings.NewReader("plate\nDL01AA1000\n"))
	p, ok := errors.AsType[*client.Problem](err)
	if !ok || p.Status != 422 || p.Code != "unknown_provider" || len(p.Errors) != 1 || p.RequestID == "" ||
		!strings.Contains(err.Error(), "there is attestr") {
		t.Errorf("Submit() = %v", err)
	}
	for _, err := range c.Results(ctx, "../../healthz", client.ResultsOptions{}) {
		if !errors.Is(err, &client.Problem{Code: "no_such_batch"}) {
			t.Errorf("Results() = %v", err)
		}
	}
}
