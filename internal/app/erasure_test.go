package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/store"
)

// The plates of people who are erased, by where they are found then.
const (
	answeredPlate = "MH01ZQ9173"
	waitingPlate  = "MH02ZW4455"
	unknownPlate  = "MH03ZU4401"
	spooledPlate  = "MH04ZS1102"
	queuedPlate   = "MH05ZK7306"
	hashVIN       = "EXAMPL0V1N1991733"
	passportHash  = "9f2c64a11b0d4e7788aa31c05d6ef0b2c4d5e6f708192a3b4c5d6e7f80910a1b"
	remark        = "Remark-on-ZQ9173"
)

// people is a fleet that holds marked people in every way there is.
type people struct {
	*fleet
	u     upstream
	lists []string
	marks []mark
	// mobile and name are those of people who were found by their plates.
	mobile, name string
}

func newPeople(t *testing.T) *people {
	t.Helper()
	o := brisk()
	o.Faults = append(o.Faults, sim.Fault{Name: "cut", Kind: sim.KindChargeThenCut, Where: "submit", Prefix: unknownPlate})
	u := standIn(t, o)
	redis := redistest.Start(t, "--appendonly", "yes", "--rdbcompression", "no")
	p := &people{u: u, fleet: fleetOver(t, u, redis, pgtest.Database(t), "PLATEQ_HOOKS_ALLOW=127.0.0.1")}
	p.env = append(p.env, aopayDesk(t, u).env...)
	p.env = append(p.env, spectrumDesk(t, u).env...)
	p.give("PLATEQ_DATA_DIR", p.path("data"))
	return p
}

// hand hands a list in.
func (p *people) hand(provider string, lines ...string) string {
	p.t.Helper()
	b, err := p.api.Submit(p.t.Context(), client.SubmitOptions{
		Provider: provider, Format: client.CSV, Name: "about " + lines[len(lines)-1], Metadata: json.RawMessage(`{"of":"` + lines[len(lines)-1] + `"}`),
	}, strings.NewReader(strings.Join(lines, "\n")+"\n"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.lists = append(p.lists, b.ID)
	return b.ID
}

func (p *people) mark(what, text string) {
	p.t.Helper()
	if len(text) < 7 { // what is shorter is found by chance
		p.t.Fatalf("%s is %q: the test proves nothing", what, text)
	}
	p.marks = append(p.marks, mark{what, text})
}

// first returns the first row with something in a column, and marks it and its
// plate.
func (p *people) first(what, column string, rows []map[string]string) string {
	p.t.Helper()
	for _, r := range rows {
		if r[column] != "" && r["plate"] != answeredPlate {
			p.mark(what, r[column])
			p.mark("the plate of who was erased by "+what, r["plate"])
			return r[column]
		}
	}
	p.t.Fatalf("no row has a %s: the test proves nothing", column)
	return ""
}

// fill looks people up, and leaves some on their way.
func (p *people) fill(worker *exec.Cmd) *exec.Cmd {
	t := p.t
	t.Helper()
	rows := p.await(p.hand("attestr", append(append([]string{"plate,remark"}, suffixed(plates(40), ",other")...), answeredPlate+","+remark)...))
	p.mobile = p.first("a mobile", "result.contact", rows)
	rows = p.await(p.hand("aopay", append([]string{"plate"}, plates(100)[60:]...)...))
	p.name = p.first("a name", "result.name", rows)
	p.await(p.hand("spectrumdata", "vin,passport_hash", "EXAMPL0V1N1000001,"+strings.Repeat("0a", 32), hashVIN+","+passportHash))
	p.await(p.hand("attestr", "plate", unknownPlate))
	end(t, worker)

	queued := p.hand("attestr", "plate", "MH05AA0001", queuedPlate)
	if _, err := p.api.Pause(t.Context(), queued); err != nil {
		t.Fatal(err)
	}
	p.give("PLATEQ_ATTESTR_POLL_MIN", "1h")
	p.give("PLATEQ_ATTESTR_POLL_MAX", "1h")
	worker = p.spawn("worker")
	waiting := p.hand("attestr", "plate", "MH02AA0001", waitingPlate)
	until(t, "rows that wait", func() bool { return p.count(waiting, "waiting") == 2 })
	p.onServer(`CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF NEW.ask >> 32 > (SELECT max(no) FROM batches WHERE provider = 'attestr') THEN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END IF;
			RETURN NEW;
		END $$;
		CREATE TRIGGER full_up BEFORE INSERT ON answers FOR EACH ROW EXECUTE FUNCTION full_up()`)
	p.hand("aopay", "plate", spooledPlate)
	until(t, "an answer in the spool", func() bool { return strings.Contains(p.log.String(), "it is kept in the spool") })
	for what, text := range map[string]string{
		"a plate that was answered": answeredPlate, "a plate that waits": waitingPlate, "a plate that is unknown": unknownPlate,
		"a plate in the spool": spooledPlate, "a plate that is queued": queuedPlate, "a VIN": hashVIN, "a hash": passportHash, "a remark": remark,
	} {
		p.mark(what, text)
	}
	return worker
}

func suffixed(all []string, by string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = s + by
	}
	return out
}

// end ends a process in order.
func end(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("a process did not end in order: %v", err)
	}
}

// count is how many rows of a batch are in a state.
func (f *fleet) count(id, state string) int {
	f.t.Helper()
	b, err := f.api.Batch(f.t.Context(), id)
	if err != nil {
		f.t.Fatal(err)
	}
	return b.Counts[client.Status(state)]
}

// onServer runs SQL on the fleet's database.
func (f *fleet) onServer(script string) {
	f.t.Helper()
	c, err := pgx.Connect(f.t.Context(), f.options().Config.DatabaseURL.Reveal())
	if err != nil {
		f.t.Fatal(err)
	}
	defer c.Close(f.t.Context())
	if _, err := c.Exec(f.t.Context(), script); err != nil {
		f.t.Fatal(err)
	}
}

// erase is `plateq erase`; it returns the record.
func (p *people) erase() (record struct {
	ID         string
	By, Reason string
	Verified   bool
	Ended      string `json:"ended_at"`
	Categories []string
	SearchedBy []string `json:"searched_by"`
	Erased     store.EraseCounts
}) {
	p.t.Helper()
	if err := os.WriteFile(p.path("who"), []byte(answeredPlate+"\n"+waitingPlate+"\n"+unknownPlate+"\n"+spooledPlate+"\n"+queuedPlate+"\n"), 0o600); err != nil {
		p.t.Fatal(err)
	}
	said, code := p.plateq("erase", "--plate", "@who", "--mobile", p.mobile, "--name", p.name, "--passport-hash", passportHash, "--reason", "request 17", "-q")
	if err := json.Unmarshal([]byte(said), &record); err != nil || code != 0 {
		p.t.Fatalf("erase: exit %d, %v: %s", code, err, said)
	}
	return record
}

// keys are the marks of keyed hashes: of who was erased, and of what was asked.
func (p *people) keys(s *store.Sealer) (people, asked []mark) {
	p.t.Helper()
	text, err := os.ReadFile(p.path("data/erasures"))
	if err != nil {
		p.t.Fatal(err)
	}
	for word := range strings.FieldsSeq(string(text)) {
		if key, err := store.ParsePersonKey(word); err == nil {
			people = append(people, mark{"the keyed hash of a " + string(key.Kind), string(key.Hash[:])})
		}
	}
	for _, plate := range []string{answeredPlate, waitingPlate, unknownPlate, queuedPlate} {
		key := s.Key(store.DefaultTenant, "attestr", store.Question{Subject: providers.Subject{providers.Plate: plate}})
		asked = append(asked, mark{"the key of a question about " + plate, string(key[:])})
	}
	return people, asked
}

// exported is what the API gives of all lists.
func (p *people) exported() []byte {
	p.t.Helper()
	var all bytes.Buffer
	for b, err := range p.api.Batches(p.t.Context(), client.BatchesOptions{}) {
		if err != nil {
			p.t.Fatal(err)
		}
		text, err := json.Marshal(b)
		if err != nil {
			p.t.Fatal(err)
		}
		all.Write(text)
	}
	for _, id := range p.lists {
		for _, format := range []client.Format{client.CSV, client.NDJSON} {
			if err := p.api.Download(p.t.Context(), id, format, client.ResultsOptions{Input: true, Raw: true}, &all); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	return all.Bytes()
}

// TestNothingIsLeftOfWhoWasErased looks for people who were erased in dumps of
// PostgreSQL and of Redis, in all files, in what the API gives, and in all that
// is opened with the right keys.
func TestNothingIsLeftOfWhoWasErased(t *testing.T) {
	t.Parallel()
	told := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusInternalServerError) // so that deliveries stay
	}))
	t.Cleanup(told.Close)
	p := newPeople(t)
	p.serve()
	if _, err := p.api.AddWebhook(t.Context(), told.URL+"/in", []string{"batch.done", "rows.settled"}); err != nil {
		t.Fatal(err)
	}
	scheduler := p.spawn("scheduler")
	worker := p.fill(p.spawn("worker"))

	sealer, _ := p.sealer()
	url := p.options().Config.DatabaseURL.Reveal()
	sealed := []byte(strings.Join(p.unsealed(), "\n"))
	if found := in(p.marks, sealed); len(found) != len(p.marks) {
		t.Fatalf("only %q of %d marks are in the store: the test proves nothing", found, len(p.marks))
	}
	before := blocks(files(t, p.path("data/spool")))
	record := p.erase()
	p.onServer("DROP TRIGGER full_up ON answers")
	until(t, "the spool to be emptied", func() bool { return strings.Contains(p.log.String(), "the store has taken what was spooled") })
	gone := p.exported()
	proof, code := p.plateq("erase", "--proof", record.ID, "-q")
	if code != 0 || !strings.Contains(proof, record.ID) {
		t.Errorf("proof: exit %d: %s", code, proof)
	}
	acts, _ := p.plateq("audit", "list", "--kind", "person.erased", "-q")
	if !strings.Contains(acts, record.ID) {
		t.Errorf("the audit log says %q", acts)
	}
	if !record.Verified || record.Ended == "" || record.Reason != "request 17" || record.By == "" || len(record.SearchedBy) != 4 || len(record.Categories) < 4 {
		t.Errorf("the record says %+v", record)
	}
	if e := record.Erased; e.Stopped != 1 || e.Ended != 1 || e.Lists == 0 {
		t.Errorf("%+v was erased, want a question that was queued and one that waited among it", e)
	}
	end(t, worker)
	end(t, scheduler)
	p.end()

	keys, asked := p.keys(sealer)
	if len(keys) < 11 { // eight that were given, and a vehicle each of who was found by mobile, name and hash
		t.Errorf("%d keyed hashes are in the file of erasures, want those of the vehicles of people too", len(keys))
	}
	dump := dumped(t, url, "suppressed")
	for where, text := range everywhere(p, dump, gone, []byte(acts+proof)) {
		if found := in(slices.Concat(p.marks, asked), text); len(found) > 0 {
			t.Errorf("%s holds %q", where, found)
		}
		if found := in(keys, text); len(found) > 0 && where != filepath.Join(p.dir, "data", "erasures") {
			t.Errorf("%s holds %q", where, found)
		}
	}
	left := p.unsealed()
	for _, text := range left {
		if found := in(p.marks, []byte(text)); len(found) > 0 {
			t.Errorf("what is sealed holds %q: %q", found, text)
		}
	}
	if len(left) < 100 {
		t.Errorf("%d values are left: others were erased too", len(left))
	}
	after := blocks(files(t, p.path("data/spool")))
	if len(before) == 0 {
		t.Error("the spool held nothing: the test proves nothing")
	}
	for block := range before {
		if after[block] {
			t.Error("an answer is left in the spool, as it was sealed")
			break
		}
	}
	p.check()
}

// everywhere is all that is left behind, by where it is.
func everywhere(p *people, dump, exports, said []byte) map[string][]byte {
	p.t.Helper()
	all := map[string][]byte{"the dump": dump, "an export": exports, "what was said": said, "the log": []byte(p.log.String())}
	maps.Copy(all, files(p.t, p.path("data")))
	maps.Copy(all, inRedis(p.t, p.redis))
	return all
}

// blocks are pieces of files that can only come from what is sealed in them.
func blocks(all map[string][]byte) map[string]bool {
	const size = 32
	found := map[string]bool{}
	for _, text := range all {
		for len(text) >= size {
			if bytes.IndexByte(text[:size], 0) < 0 {
				found[string(text[:size])] = true
			}
			text = text[size:]
		}
	}
	return found
}
