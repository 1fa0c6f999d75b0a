package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
	"github.com/plateq/plateq/store/storetest"
)

// Check sees every way in which the books can be wrong. Below, one is the ask
// 0 of batch 1, and also its row 0.
func TestCheckIsRedOnSpoiltBooks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, spoil, want string }{
		{"nothing", "", ""},
		{"a tally is wrong", "UPDATE tallies SET n = n + 1 WHERE batch = 1 AND state = 4 AND n = 2", "tally of found rows of batch 1: 3, want 2"},
		{"a row is gone", "DELETE FROM rows WHERE id = one + 5", "row 5 of batch 1 is not there"},
		{"a row is too many", "INSERT INTO rows SELECT one + 13, ask, cached, line FROM rows WHERE id = one + 1", "rows of batch 1: 13, want 12"},
		{"a row wants nothing that is", "UPDATE rows SET ask = one + 99 WHERE id = one + 1", "a row wants ask 99 of batch 1, which is not there"},
		{"an ask is gone", "DELETE FROM asks WHERE id = one + 3", "asks of batch 1: 11, want 12"},
		{"a want is gone", "DELETE FROM wants WHERE ask = one + 3", "rows of batch 2 that wait on an ask: 12, want 11"},
		{"a key is gone astray", "UPDATE ask_keys SET ask = 77 * one WHERE ask = one", "a key names ask 0 of batch 77, which is not there"},
		{"two keys have one ask", "UPDATE ask_keys SET ask = one WHERE ask = one + 1", "several keys name ask 0 of batch 1"},
		{"an answer is gone", "DELETE FROM answers WHERE ask = one", "ask 0 of batch 1 is found, and an answer is there: false"},
		{"an answer is too many", "INSERT INTO answers (ask, at, call, body) VALUES (one + 9, 0, 0, '')", "ask 9 of batch 1 is sending, and an answer is there: true"},
		{"an answer is nobody's", "INSERT INTO answers (ask, at, call, body) VALUES (5 * one, 0, 0, '')", "there is an answer to ask 0 of batch 5, which has no mark"},
		{"a mark is damaged", "UPDATE chunks SET marks = set_byte(marks, 0, 255)", "the marks are damaged"},
		{"an ask was sent without a call", "UPDATE calls SET open = '', state = 4 WHERE state = 1", "is sending, and no call or ticket has it"},
		{"two calls have an ask", `INSERT INTO calls (chunk, provider, scope, owner, state, n, open, sent_at, expires_at)
			SELECT chunk, provider, scope, owner, state, n, open, 0, 0 FROM calls WHERE state = 1`, "belongs to call 5 and to call 6"},
		{"a call is closed too early", "UPDATE calls SET state = 4 WHERE state = 1", "call 5 is in state 4 with 2 asks in sending"},
		{"a call counts wrongly", "UPDATE calls SET unknown = 1 WHERE state = 2", "unknown asks of call 3: 1, want 2"},
		{"a call holds what is settled", `UPDATE calls SET open = '\x0001' WHERE id = 1`, "call 1 has ask 0 of batch 1, which is found"},
		{"offsets are damaged", `UPDATE calls SET open = '\xff' WHERE state = 1`, "read offsets: the bytes are damaged"},
		{"a charge is made up", "UPDATE calls SET charged = charged + 1 WHERE id = 5", "call 5 of 2 asks: 1 are charged and 0 free, and 2 are under way or unknown"},
		{"a charge is forgotten", "UPDATE calls SET charged = charged - 1 WHERE id = 1", "call 1 of "},
		{"a call is gone", "DELETE FROM calls WHERE id = 1", "costs of batch 1: "},
		{"a batch costs more than its calls", "UPDATE costs SET spent = spent + 1000000 WHERE batch = 1", "costs of batch 1: "},
		{"a budget counts what was not spent", "UPDATE spends SET spent = spent + 1000000", "the sum of budget provider:attestr:month "},
		{"a budget forgets what is held", "UPDATE spends SET held = 0", "questions and 4 questions by its calls"},
		{"a budget holds what runs", "UPDATE batches SET held_by = 'batch:b_1' WHERE no = 1", "batch 1 is running, and budget batch:b_1 holds it"},
		{"a ticket forgets who waits", `UPDATE tickets SET open = '\x0601'`, "asks that wait on ticket 1: 2, want 1"},
		{"a ticket is closed", "UPDATE tickets SET closed = true", "ticket 1 is closed, and 2 asks wait on it"},
		{"a batch is done too early", "UPDATE batches SET state = 'done' WHERE no = 1", "batch 1 is done and has 6 open rows"},
		{"a batch counts rows wrongly", "UPDATE batches SET rows = 11 WHERE no = 1", "rows of batch 1: 12, want 11"},
		{"a batch is cut too far", "UPDATE cuts SET cut = 12 WHERE batch = 1", "asks of batch 1 that are in chunks: 10, want 12"},
		{"chunks overlap", `INSERT INTO chunks (id, n, queued, open, marks) VALUES (one + 5, 1, 1, 1, '\x0100')`,
			"the chunk at ask 5 of batch 1 overlaps the one before it"},
		{"a chunk counts queued asks wrongly", "UPDATE chunks SET queued = 1", "queued asks in the chunk at ask 0 of batch 1: 1, want 0"},
		{"a chunk counts fresh asks wrongly", "UPDATE chunks SET fresh = 1", "queued asks that wait for no time in the chunk at ask 0 of batch 1: 1, want 0"},
		{"a chunk counts open asks wrongly", "UPDATE chunks SET open = 1", "open asks in the chunk at ask 0 of batch 1: 1, want 4"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, postgres.Options{URL: blank.Copy(t), Keys: store.NewKeys()})
			storetest.Lived(t, s)
			if tc.spoil == "" {
				if got := storetest.Problems(t, s); got != "" {
					t.Errorf("sound books are called wrong:\n%s", got)
				}
				return
			}
			spoil := strings.NewReplacer(" one", " (1::bigint << 32)", "(one", "((1::bigint << 32)").Replace(tc.spoil)
			if err := s.Exec(t.Context(), spoil); err != nil {
				t.Fatal(err)
			}
			if got := storetest.Problems(t, s); !strings.Contains(got, tc.want) {
				t.Errorf("got:\n%s\nwant it to say: %s", got, tc.want)
			}
		})
	}
}

// The count of asks that wait for no time is taken from the marks of chunks
// that were there before it.
func TestMigrationCountsFreshAsks(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Options{URL: blank.Copy(t), Keys: store.NewKeys()})
	no := storetest.List(t, s, 5)
	refs, err := s.Offer(t.Context(), store.OfferRequest{Batch: no, Size: 5, Limit: 1})
	if err != nil || len(refs) != 1 {
		t.Fatalf("offer: %v %v", refs, err)
	}
	c, err := s.Claim(t.Context(), store.ClaimRequest{Chunk: refs[0].ID, Owner: "w", Max: 2, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Settle(t.Context(), store.Settlement{Call: c.Call, Ready: time.Now().Add(time.Hour),
		Rest: &store.Verdict{To: store.Queued, Counted: true}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := postgres.Migration("00004_retries.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, count, _ := strings.Cut(text, "UPDATE ")
	for _, statement := range []string{"UPDATE chunks SET fresh = 0", "UPDATE " + strings.TrimRight(count, ";\n")} {
		if err := s.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if got := storetest.Problems(t, s); got != "" {
		t.Error(got)
	}
	if got, err := s.Ask(t.Context(), "SELECT fresh FROM chunks"); err != nil || got != "3" {
		t.Errorf("got %s fresh asks, %v, want 3", got, err)
	}
}
