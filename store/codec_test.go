package store_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

func TestAnswerIsKeptByteForByte(t *testing.T) {
	t.Parallel()
	want := store.Answer{
		Result:  json.RawMessage(`{"valid":true,"contact":"<9433952003>"}`),
		Raw:     json.RawMessage("{ \"output\" :\n\t{\"status\":\"VALID_FOUND\"} }"),
		Failure: &store.Failure{Class: store.ClassProviderError, Code: "5001", Message: "её нет"},
	}
	for _, tc := range []struct {
		name string
		in   store.Answer
	}{
		{"all of it", want},
		{"a result", store.Answer{Result: want.Result}},
		{"a raw answer", store.Answer{Raw: want.Raw}},
		{"a failure", store.Answer{Failure: want.Failure}},
		{"nothing", store.Answer{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b, err := store.EncodeAnswer(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := store.DecodeAnswer(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.in, got); d != "" {
				t.Errorf("answer differs (-want +got):\n%s", d)
			}
		})
	}
}

func TestSealedFormsSurvive(t *testing.T) {
	t.Parallel()
	handle := providers.Ticket{ID: "t-1", Number: "7", Cursor: []byte{0, 0xff}}
	text, err := store.EncodeTicket(handle)
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := store.DecodeTicket(text)
	if d := cmp.Diff(handle, ticket); d != "" || err != nil {
		t.Errorf("ticket differs (-want +got): %v\n%s", err, d)
	}

	text, err = store.EncodeMeta(store.NewBatch{Name: "n", Purpose: "p", Metadata: json.RawMessage(`{"a":1}`), Columns: []string{"c"}})
	if err != nil {
		t.Fatal(err)
	}
	var b store.Batch
	err = store.DecodeMeta(text, &b)
	if d := cmp.Diff(store.Batch{Name: "n", Purpose: "p", Metadata: json.RawMessage(`{"a":1}`), Columns: []string{"c"}}, b); d != "" || err != nil {
		t.Errorf("meta differs (-want +got): %v\n%s", err, d)
	}
}

// Damaged bytes are refused in words that quote nothing of them.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "{", `{"i":"CANARY","s":{"plate":1}}`, `{"s":{"plate":"A"},"l":["b"]}`, `[{"t":"b1","s":{"plate":"A"}}]`, "\x02{}\x00", "\xff\xff\xff\xff\x0f", "\x00\x00{\"class\":1}",
		"s\x05platev\x04AB12l\x00f\x02{}", "i\x09CANARY", "v\x01A", "z\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var errs []error
		if a, err := store.DecodeAnswer(b); err != nil {
			errs = append(errs, err)
		} else if len(a.Result)+len(a.Raw) > len(b) {
			t.Errorf("an answer of %d bytes from %d", len(a.Result)+len(a.Raw), len(b))
		}
		_, err := store.DecodeQuestion(b)
		errs = append(errs, err)
		_, err = store.DecodeTicket(b)
		_, hintErr := store.DecodeHints(b)
		errs = append(errs, err, hintErr, store.DecodeLine(b, &store.Row{}), store.DecodeMeta(b, &store.Batch{}))
		for _, err := range errs {
			if err != nil && !strings.HasSuffix(err.Error(), "the bytes are damaged") {
				t.Errorf("the error says more than it may: %v", err)
			}
		}
	})
}
