package sim_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

func TestWireFormat(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	id := u.mustSubmit(t, plates(100)...)
	for i, r := range u.mustItems(t, id, 0, 100) {
		want := u.Answer(plates(100)[i])
		switch {
		case r.ID == "" || r.RequestID == "" || r.Number == "" || r.BatchID != id || r.Input.Reg != plates(100)[i]:
			t.Fatalf("record %d: got %+v", i, r)
		case r.Status != want.Record:
			t.Errorf("record %d: got %s, want %s", i, r.Status, want.Record)
		case want.Record == sim.RecordErrored && r.Output != nil:
			t.Errorf("record %d: an errored record has output %+v", i, *r.Output)
		case want.Record == sim.RecordErrored:
		case r.Output.Status != want.Status || r.Output.Valid != want.Valid:
			t.Errorf("record %d: got %+v, want %+v", i, *r.Output, want)
		case (r.Output.Contact == nil) != (want.Contact == "") || r.Output.Contact != nil && *r.Output.Contact != want.Contact:
			t.Errorf("record %d: got contact %v, want %q", i, r.Output.Contact, want.Contact)
		}
	}
}

func TestSlashAtTheEnd(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	var v struct {
		ID string `json:"_id"`
	}
	u.do(t, http.MethodPost, batchx+"/", submitBody("KA01AB1234")).into(t, &v)
	u.do(t, http.MethodPost, batchx+"/"+v.ID+"/items/", []byte(`{}`)).into(t, &struct{}{})
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	opts := sim.Fast()
	opts.Accounts = []sim.Account{{Name: "a", Token: sim.DefaultToken, Credit: sim.Unlimited, BatchMax: 2}}
	u := start(t, opts)
	for _, body := range []string{
		``, `null`, `[]`, `{`, `{"type":"RC_MOBILE"}`, `{"type":"RC_MOBILE","items":[]}`, `{"items":[{"reg":"A"}]}`,
		`{"type":"RC","items":[{"reg":"A"}]}`, `{"type":"RC_MOBILE","items":[{"reg":""}]}`, `{"type":"RC_MOBILE","items":[{}]}`,
		`{"type":"RC_MOBILE","items":[{"reg":7}]}`, `{"type":"RC_MOBILE","items":[{"reg":"A"}],"webhook":"yes"}`,
		`{"type":"RC_MOBILE","items":[{"reg":"A"}]} {}`, string(submitBody("A", "B", "C")),
	} {
		u.do(t, http.MethodPost, batchx, []byte(body)).wantCode(t, 4001)
	}
	id := u.mustSubmit(t, "A", "B")
	for _, body := range []string{``, `[]`, `{"$skip":-1}`, `{"$limit":-1}`, `{"$limit":"10"}`} {
		u.do(t, http.MethodPost, batchx+"/"+id+"/items", []byte(body)).wantCode(t, 4001)
	}
	u.items(t, "nobody", 0, 10).wantCode(t, 4001)
	if got := len(u.Ledger()); got != 1 {
		t.Errorf("got %d charges, want 1: a refused submit is not charged", got)
	}
}

func TestContentTypeIsRequired(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	req := httptest.NewRequest(http.MethodPost, batchx, nil)
	req.Header.Set("Authorization", "Basic "+u.token)
	w := httptest.NewRecorder()
	u.Handler().ServeHTTP(w, req)
	answer{status: w.Code, body: w.Body.Bytes()}.wantCode(t, 4001)
}

func TestPages(t *testing.T) {
	t.Parallel()
	opts := sim.Fast()
	opts.Accounts = []sim.Account{{Name: "a", Token: sim.DefaultToken, Credit: sim.Unlimited, PageMax: 4}}
	u := start(t, opts)
	id := u.mustSubmit(t, plates(10)...)
	for _, c := range []struct{ skip, limit, want int }{
		{0, 4, 4}, {4, 4, 4}, {8, 4, 2}, {12, 4, 0}, {0, 100, 4}, {0, 3, 3}, {9, 3, 1}, {0, 0, 4},
	} {
		if got := len(u.mustItems(t, id, c.skip, c.limit)); got != c.want {
			t.Errorf("$skip %d, $limit %d: got %d rows, want %d", c.skip, c.limit, got, c.want)
		}
	}
	if got := u.Stats().FewestPolls[id]; got != 3 {
		t.Errorf("fewest polls: got %d, want 3", got)
	}
	if got := u.Stats().Polls[id]; got != 8 {
		t.Errorf("polls: got %d, want 8", got)
	}
}

func TestRecordsCompleteOneByOne(t *testing.T) {
	t.Parallel()
	for _, order := range []string{sim.RandomOrder, sim.PageOrder} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			clk := newClock()
			u := start(t, sim.Options{
				Now:        clk.now,
				Completion: sim.Completion{Min: 10 * time.Second, Max: 40 * time.Second, Order: order},
			})
			id := u.mustSubmit(t, plates(60)...)
			clk.advance(10*time.Second - 1)
			if got := states(u.mustItems(t, id, 0, 100)); got[sim.RecordInitiated] != 60 {
				t.Fatalf("before the first: got %v, want 60 INITIATED", got)
			}
			clk.advance(15 * time.Second)
			rows := u.mustItems(t, id, 0, 100)
			open := states(rows)[sim.RecordInitiated]
			if open < 15 || open > 45 {
				t.Errorf("half way: got %d INITIATED of 60, want about 30", open)
			}
			first := slices.IndexFunc(rows, func(r record) bool { return r.Status == sim.RecordInitiated })
			if inOrder := first+open == 60; inOrder != (order == sim.PageOrder) {
				t.Errorf("half way: the open records are the last ones: %v", inOrder)
			}
			clk.advance(15 * time.Second)
			if got := states(u.mustItems(t, id, 0, 100)); got[sim.RecordInitiated] != 0 {
				t.Errorf("after the last: got %v, want none INITIATED", got)
			}
		})
	}
}

func TestSameSubmitTwiceIsChargedTwice(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	a, b := u.mustSubmit(t, "KA01AB1234", "KA01AB1234"), u.mustSubmit(t, "KA01AB1234")
	if a == b {
		t.Errorf("two submits have one id %s", a)
	}
	if got := u.Charges()["KA01AB1234"]; got != 3 {
		t.Errorf("got %d charges, want 3", got)
	}
}

func TestAnswersArePure(t *testing.T) {
	t.Parallel()
	mix := sim.DefaultAnswers()
	got := map[sim.Answer]int{}
	for _, p := range plates(10000) {
		a := mix.For(p, 7)
		if a != mix.For(p, 7) {
			t.Fatalf("plate %s has two answers", p)
		}
		if c := a.Contact; c != "" && (len(c) != 10 || c[0] != '9') {
			t.Errorf("contact %s: want ten digits that start with 9", c)
		}
		if a.Contact != "" {
			a.Contact = "some"
		}
		got[a]++
	}
	for a, want := range map[sim.Answer]int{
		{Record: sim.RecordCompleted, Valid: true, Status: sim.StatusFound, Contact: "some"}: 8000,
		{Record: sim.RecordCompleted, Status: sim.StatusNotFound}:                            1200,
		{Record: sim.RecordCompleted, Valid: true, Status: sim.StatusFound}:                  300,
		{Record: sim.RecordCompleted, Status: sim.StatusBlocked}:                             200,
		{Record: sim.RecordErrored}:                                                          300,
	} {
		if got[a] < want*8/10 || got[a] > want*12/10 {
			t.Errorf("%+v: got %d of 10000, want about %d", a, got[a], want)
		}
	}
	if mix.For("KA01AB1234", 1) == mix.For("KA01AB1234", 2) && mix.For("KA01AB1235", 1) == mix.For("KA01AB1235", 2) {
		t.Error("the seed changes nothing")
	}
}
