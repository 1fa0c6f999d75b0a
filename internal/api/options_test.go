package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/client"
)

// inHeader is a header that holds options.
func inHeader(options url.Values) string { return "Plateq-Options: " + options.Encode() }

// allOptions are what can be said of a list but for who is asked.
func allOptions() url.Values {
	return url.Values{
		"name": {"März & co"}, "purpose": {"claims"}, "metadata": {`{"k":"ü, v"}`}, "weight": {"2.5"}, "retention": {"30d"}, "fresh": {"true"},
		"column": {"Car", "id=No"}, "encoding": {"windows-1251"}, "limit": {"2"}, "set": {"passport=4509123456", "last_name=Иванов", "depot=a=b"},
	}
}

const oddList = "No,Car,depot\n1,DL01AA1000,\n2,DL01AA1001,x\n3,DL01AA1002,\n"

// TestOptionsInAHeaderAreThoseOfAQuery hands a list in twice, and wants the
// same batch and the same rows.
func TestOptionsInAHeaderAreThoseOfAQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	asked := func(b client.Batch) []string {
		page := decoded[struct{ Items []client.Row }](t, w.do(t, "GET", "/v1/batches/"+b.ID+"/results?input=true", ""))
		var rows []string
		for _, row := range page.Items {
			rows = append(rows, *row.ID+" "+*row.Plate+" "+string(row.Input))
		}
		return rows
	}
	plain := func(b client.Batch) client.Batch {
		b.ID, b.CreatedAt, b.KeptUntil, b.Questions, b.Shared = "", time.Time{}, nil, 0, client.Shared{} // what one asks the other need not
		return b
	}
	all := allOptions()
	inQuery := with(all, "set", []string{"depot=a=b"})
	byQuery := made(t, w.do(t, "POST", "/v1/batches?provider=attestr&"+inQuery.Encode(), oddList, csvBody))
	byHeader := made(t, w.do(t, "POST", "/v1/batches?provider=attestr", oddList, csvBody, inHeader(inQuery)))
	if d := cmp.Diff(plain(byQuery), plain(byHeader)); d != "" || byHeader.Rows != 2 || byHeader.Name != "März & co" {
		t.Errorf("batches (-by query +by header):\n%s", d)
	}
	if d := cmp.Diff(asked(byQuery), asked(byHeader)); d != "" {
		t.Errorf("rows (-by query +by header):\n%s", d)
	}
	whole := made(t, w.do(t, "POST", "/v1/batches?options=header", oddList, csvBody, inHeader(with(all, "provider", []string{"attestr"}))))
	if rows := asked(whole); len(rows) != 2 || !strings.Contains(rows[0], "4509123456") || !strings.Contains(rows[1], "Иванов") {
		t.Errorf("got %q, want what was set in the header", rows)
	}
	if strings.Contains(w.log.String(), "4509123456") || strings.Contains(w.log.String(), "co%22") {
		t.Errorf("the log tells of the header: %s", w.log)
	}
	estimate := decoded[client.Estimate](t, w.do(t, "POST", "/v1/estimates?provider=attestr", oddList, csvBody, inHeader(with(all, "limit", []string{"1"}))))
	if estimate.Rows != 1 || estimate.Columns["plate"] != "Car" || estimate.Columns["passport"] != "passport" {
		t.Errorf("got %+v", estimate)
	}
	problems := w.do(t, "POST", "/v1/estimates/problems?provider=attestr", "Car\n??\n!!\n", csvBody, inHeader(url.Values{"column": {"Car"}, "limit": {"1"}}))
	if n := strings.Count(strings.TrimSpace(problems.Body.String()), "\n"); problems.Code != http.StatusOK || n != 0 {
		t.Errorf("got %d %s, want one line", problems.Code, problems.Body)
	}
}

// with is a copy of options with one changed.
func with(all url.Values, name string, values []string) url.Values {
	changed := url.Values{name: values}
	for other, values := range all {
		if other != name {
			changed[other] = values
		}
	}
	return changed
}

func TestOptionsAreRefusedByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const list, secret = "plate\nDL01AA1000\n", "4509123456"
	type refused struct {
		path, header, field string
		says                string
	}
	all := map[string]refused{
		"in both places":      {"/v1/batches?provider=attestr&name=" + secret, "name=" + secret, "name", "in the query and in Plateq-Options"},
		"in both, of many":    {"/v1/batches?provider=attestr&column=plate", "column=id%3D" + secret, "column", "in the query and in Plateq-Options"},
		"no encoding":         {"/v1/batches?provider=attestr", "name=%zz" + secret, "Plateq-Options", "cannot be read"},
		"semicolons":          {"/v1/batches?provider=attestr", "name=a;purpose=" + secret, "Plateq-Options", "cannot be read"},
		"not ASCII":           {"/v1/batches?provider=attestr", "name=M\u00e4rz" + secret, "Plateq-Options", "ASCII"},
		"too long":            {"/v1/batches?provider=attestr", "name=" + strings.Repeat(secret, 800), "Plateq-Options", "8000"},
		"no such option":      {"/v1/batches?provider=attestr", "colour=" + secret, "colour", "no such parameter"},
		"a number":            {"/v1/batches?provider=attestr", "limit=x" + secret, "limit", "whole number"},
		"a name, twice":       {"/v1/batches?provider=attestr", "name=a&name=" + secret, "name", "given 2 times"},
		"lost on its way":     {"/v1/batches?provider=attestr&options=header", "", "options", "Plateq-Options"},
		"no place":            {"/v1/batches?provider=attestr&options=" + secret, "", "options", "header"},
		"of an estimate":      {"/v1/estimates?provider=attestr&options=header", "", "options", "Plateq-Options"},
		"of problems":         {"/v1/estimates/problems?provider=attestr", "colour=" + secret, "colour", "no such parameter"},
		"set in the address":  {"/v1/batches?provider=attestr&set=passport%3D" + secret, "", "set", "passport"},
		"an estimate's":       {"/v1/estimates?provider=attestr&set=passport%3D" + secret, "", "set", "passport"},
		"one of several":      {"/v1/batches?provider=attestr&set=operator%3D311&set=vin%3D" + secret, "", "set", "vin"},
		"as lists call it":    {"/v1/batches?provider=attestr&set=Date+of+Birth%3D" + secret, "", "set", "Date of Birth"},
		"in another language": {"/v1/batches?provider=attestr&set=%D0%BF%D0%B0%D1%81%D0%BF%D0%BE%D1%80%D1%82%3D" + secret, "", "set", "паспорт"},
		"a hash of somebody":  {"/v1/batches?provider=attestr&set=passport_hash%3D" + secret, "", "set", "passport_hash"},
		"a plate":             {"/v1/batches?provider=attestr&set=plate%3D" + secret, "", "set", "plate"},
	}
	for name, tt := range all {
		headers := []string{csvBody}
		if tt.header != "" {
			headers = append(headers, "Plateq-Options: "+tt.header)
		}
		rec := w.do(t, "POST", tt.path, list, headers...)
		checkProblem(t, rec, http.StatusBadRequest, "bad_query")
		at := slices.IndexFunc(decoded[client.Problem](t, rec).Errors, func(e client.FieldError) bool {
			return e.Field == tt.field && strings.Contains(e.Detail, tt.says)
		})
		if at < 0 || strings.Contains(rec.Body.String(), secret) {
			t.Errorf("%s: got %s, want a word about %s that shows no value", name, rec.Body, tt.field)
		}
		if tt.field == "set" && !strings.Contains(rec.Body.String(), "Plateq-Options") {
			t.Errorf("%s: it is not said where to put it: %s", name, rec.Body)
		}
	}
	for path, body := range map[string]string{"/v1/batches": oneItem, "/v1/estimates": oneItem, "/v1/lookups": onePlate} {
		rec := w.do(t, "POST", path, body, jsonBody, "Plateq-Options: max_cost=5")
		checkProblem(t, rec, http.StatusBadRequest, "bad_query")
		if !strings.Contains(rec.Body.String(), `{"field":"Plateq-Options"`) {
			t.Errorf("%s: got %s", path, rec.Body)
		}
	}
	if n := w.batches(t); n != 0 || strings.Contains(w.log.String(), secret) {
		t.Errorf("%d batches were made, and the log is %s", n, w.log)
	}
}

// TestTwoHeadersOfOptionsAreRefused, as who is on the way may put them together
// in some way of his own.
func TestTwoHeadersOfOptionsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/batches?provider=attestr", strings.NewReader("plate\nDL01AA1000\n"))
	r.Host = "127.0.0.1:8080"
	r.Header = http.Header{"Content-Type": {"text/csv"}, "Plateq-Options": {"name=a", "purpose=b"}}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	if checkProblem(t, rec, http.StatusBadRequest, "bad_query"); !strings.Contains(rec.Body.String(), "given 2 times") {
		t.Errorf("got %s", rec.Body)
	}
}

// TestWhatIsNobodysMayBeSetInTheAddress as ever.
func TestWhatIsNobodysMayBeSetInTheAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, set := range []string{"operator=311", "nameservice=ABS", "force=true", "id=7", "depot=North"} {
		made(t, w.do(t, "POST", "/v1/batches?provider=attestr&set="+url.QueryEscape(set), "plate\nDL01AA1000\n", csvBody))
	}
}

// TestTheSameOptionsAreTheSameRequest, wherever they stand.
func TestTheSameOptionsAreTheSameRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const list = "plate\nDL01AA1000\n"
	first := made(t, w.do(t, "POST", "/v1/batches?provider=attestr&name=a&limit=1", list, csvBody, onceKey))
	for path, header := range map[string]string{
		"/v1/batches?provider=attestr":                       "limit=1&name=a",
		"/v1/batches?provider=attestr&options=header":        "name=a&limit=1",
		"/v1/batches?provider=attestr&limit=1":               "name=%61",
		"/v1/batches?options=header&provider=attestr&name=a": "limit=1",
	} {
		if b := made(t, w.do(t, "POST", path, list, csvBody, onceKey, "Plateq-Options: "+header)); b.ID != first.ID {
			t.Errorf("%s with %s made another batch", path, header)
		}
	}
	for _, header := range []string{"limit=1&name=b", "limit=1", "limit=1&name=a&purpose=c"} {
		checkProblem(t, w.do(t, "POST", "/v1/batches?provider=attestr", list, csvBody, onceKey, "Plateq-Options: "+header), http.StatusConflict, "key_reused")
	}
	if n := w.batches(t); n != 1 {
		t.Errorf("%d batches were made", n)
	}
}

func TestDocumentKnowsTheHeaderOfOptions(t *testing.T) {
	t.Parallel()
	d := newWorld(t, nil).document(t)
	for path, want := range map[string]bool{"/v1/batches": true, "/v1/estimates": true, "/v1/estimates/problems": true, "/v1/lookups": false} {
		has := false
		for _, p := range d.find("POST", path).Parameters {
			has = has || p.In == "header" && p.Name == "Plateq-Options" && strings.Contains(p.Description, "8000")
		}
		if has != want {
			t.Errorf("%s: that it takes the header is %t, want %t", path, has, want)
		}
	}
}

// TestClientSendsOptionsInAHeader of any size that it lets pass.
func TestClientSendsOptionsInAHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := dialled(t, w)
	o := client.SubmitOptions{Provider: "attestr", Format: client.CSV, Params: map[string]string{"passport": "4509123456", "last_name": "Иванов"}}
	const whole = 8000
	taken := url.Values{"set": {"last_name=Иванов", "passport=4509123456"}, "metadata": {`{"k":""}`}}
	room := whole - len(taken.Encode())
	for more, fits := range map[int]bool{0: true, 1: false} {
		o.Metadata = []byte(`{"k":"` + strings.Repeat("x", room+more) + `"}`)
		b, err := c.Submit(t.Context(), o, strings.NewReader("plate\nDL01AA1000\n"))
		if fits && (err != nil || string(b.Metadata) != string(o.Metadata)) {
			t.Errorf("with 8000 bytes: got %v", err)
		}
		if !fits && (err == nil || !strings.Contains(err.Error(), "8001") || !strings.Contains(err.Error(), "metadata")) {
			t.Errorf("with 8001 bytes: got %v, want that metadata is too long", err)
		}
	}
	if n := w.batches(t); n != 1 {
		t.Errorf("%d batches were made, want that which fits", n)
	}
}
