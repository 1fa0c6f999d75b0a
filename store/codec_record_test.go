package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

func TestALineComesBackAsItWasSealed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		in   store.NewRow
	}{
		{"nothing", store.NewRow{}},
		{"a plate", store.NewRow{Subject: providers.Subject{providers.Plate: "DL01AA1000"}}},
		{"all of it", store.NewRow{
			CallerID: "c-1", Subject: providers.Subject{providers.Plate: "A123BC77", providers.LastName: "Її"}, Line: []string{"1", "A 123 BC 77", ""},
			Problem: &store.Failure{Class: store.ClassInvalidInput, Code: "plate_length", Message: "too short"},
		}},
		{"columns that are empty", store.NewRow{Line: []string{"", ""}}},
		{"no column", store.NewRow{Line: []string{}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			text, err := store.EncodeLine(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			got := store.Row{CallerID: "left over", Line: []string{"left over"}}
			if err := store.DecodeLine(text, &got); err != nil {
				t.Fatal(err)
			}
			want := store.Row{CallerID: tc.in.CallerID, Subject: tc.in.Subject, Line: tc.in.Line, Problem: tc.in.Problem}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("row differs (-want +got):\n%s", d)
			}
		})
	}
}

func TestAQuestionComesBackAsItWasSealed(t *testing.T) {
	t.Parallel()
	for _, want := range []store.Question{
		{},
		{Subject: providers.Subject{providers.Plate: "DL01AA1000"}},
		{Subject: providers.Subject{providers.Plate: "A123BC77", providers.LastName: "Її"}, Params: providers.Params{"operator": "311", "plate": "as a name of a parameter"}},
	} {
		got, err := store.DecodeQuestion(store.EncodeQuestion(want))
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("question differs (-want +got): %v\n%s", err, d)
		}
	}
}

// A later version may add a field: what this one knows is read all the same.
func TestAFieldOfALaterVersionIsPassedOver(t *testing.T) {
	t.Parallel()
	got, err := store.DecodeQuestion(append([]byte("z\x03new"), store.EncodeQuestion(store.Question{Params: providers.Params{"a": "b"}})...))
	if want := (store.Question{Params: providers.Params{"a": "b"}}); err != nil || !cmp.Equal(want, got) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := store.DecodeQuestion([]byte(`{"s":{"plate":"A"}}`)); err == nil {
		t.Error("what is no record was read as one")
	}
}

// Equal questions are written alike, whatever the order of a map.
func TestARecordIsWrittenInOneOrder(t *testing.T) {
	t.Parallel()
	q := store.Question{Subject: providers.Subject{providers.Plate: "A", providers.VIN: "B", providers.LastName: "C"}}
	first := store.EncodeQuestion(q)
	for range 20 {
		if next := store.EncodeQuestion(q); string(next) != string(first) {
			t.Fatalf("%q, and then %q", first, next)
		}
	}
}
