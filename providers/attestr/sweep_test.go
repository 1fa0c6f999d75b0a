package attestr

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
)

// TestAnyOrder wants the same outcomes of a page in whatever order requests and
// records come, with records between them that are nobody's or come twice.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	const n = 40
	plates := make([]string, n)
	for i := range plates {
		plates[i] = fmt.Sprintf("KA01AB%04d", i)
	}
	ticket := providers.Ticket{ID: "b1", Cursor: newCursor(plates, n).encode()}
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		var open []providers.Request
		var records []json.RawMessage
		want := map[string]string{}
		for i, plate := range plates {
			status := "COMPLETED"
			if random.IntN(4) == 0 {
				status = "INITIATED"
			}
			records = append(records, recordOf(plate, status))
			for ask := range random.IntN(3) { // some are settled already, some asked twice
				ref := fmt.Sprintf("%d.%d", i, ask)
				open = append(open, providers.Request{Ref: ref, Subject: providers.Subject{providers.Plate: plate}})
				if status == "COMPLETED" {
					want[ref] = plate
				}
			}
		}
		for range random.IntN(3) {
			records = slices.Insert(records, random.IntN(len(records)), recordOf("DL8CAF5031", "COMPLETED"))
		}
		records = append(records, records[random.IntN(len(records))])
		mix(random, round, open)
		mix(random, round/2, records)
		got := map[string]string{}
		for _, o := range newSweep(ticket, open, n).take(records).Outcomes {
			if _, twice := got[o.Ref]; twice || o.Record == nil {
				t.Fatalf("round %d: got %+v, want each found, once", round, o)
			}
			got[o.Ref] = plateOf(t, o.Record.Raw)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("round %d: outcomes differ (-want +got):\n%s", round, diff)
		}
	}
}

// mix leaves all as it is, turns it round, or shuffles it.
func mix[T any](random *rand.Rand, how int, all []T) {
	switch how % 4 {
	case 1:
		slices.Reverse(all)
	case 2:
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	case 3:
		if len(all) > 1 {
			all[0], all[len(all)-1] = all[len(all)-1], all[0]
		}
	}
}

func recordOf(plate, status string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"_id":"r1","status":%q,"input":{"reg":%q},"output":{"valid":true,"status":"VALID_FOUND","contact":"9812345610"}}`, status, plate))
}

func plateOf(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var r struct {
		Input struct {
			Reg string `json:"reg"`
		} `json:"input"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	return r.Input.Reg
}

// TestReadAnew wants nothing of a record in the one that is read after it.
func TestReadAnew(t *testing.T) {
	t.Parallel()
	var d reader
	first, ok := d.read(json.RawMessage(`{"_id":"r1","batchId":"b1","status":"COMPLETED","input":{"reg":"KA01AB1234"},"output":{"valid":true}}`))
	if !ok || first.output == nil || len(first.names()) != 1 {
		t.Fatalf("got %+v, %t", first, ok)
	}
	second, ok := d.read(json.RawMessage(`{"status":"INITIATED","input":{"reg":"MH12AB0001"}}`))
	if !ok || second.batchID != "" || second.output != nil || second.names() != nil || second.plate != "MH12AB0001" {
		t.Errorf("got %+v, %t, want nothing of the first", second, ok)
	}
	if _, ok := d.read(json.RawMessage(`{"status":"COMPLETED","output":{}}`)); ok {
		t.Error("got a record without a plate, want none")
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, reg := range []string{"", "KA01AB1234", "ka01ab1234", " KA-01 AB/1234 ", "K@[`{:/A", "А123ВС77", "ß1", "ﬁ", "\xff1", "Z9A0"} {
		var want strings.Builder
		for _, r := range reg {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				want.WriteRune(unicode.ToUpper(r))
			}
		}
		if got := canonical(reg); got != want.String() {
			t.Errorf("%q: got %q, want %q", reg, got, want.String())
		}
	}
}
