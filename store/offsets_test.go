package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/store"
)

func TestOffsetsSurvive(t *testing.T) {
	t.Parallel()
	whole := make(store.Offsets, 500)
	for i := range whole {
		whole[i] = i
	}
	for _, tc := range []struct {
		name string
		in   store.Offsets
		size int
	}{
		{"none", nil, 0},
		{"the first", store.Offsets{0}, 2},
		{"a whole chunk", whole, 3},
		{"all but two", append(append(store.Offsets{}, whole[:100]...), whole[102:]...), 5},
		{"every other", store.Offsets{1, 3, 5}, 6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := tc.in.Append(nil)
			if len(b) != tc.size {
				t.Errorf("got %d bytes, want %d", len(b), tc.size)
			}
			got, err := store.ParseOffsets(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.in, got); d != "" {
				t.Errorf("offsets differ (-want +got):\n%s", d)
			}
		})
	}
}

func TestOffsetsUnion(t *testing.T) {
	t.Parallel()
	got := store.Offsets{1, 4}.Union(store.Offsets{0, 4, 9})
	if d := cmp.Diff(store.Offsets{0, 1, 4, 9}, got); d != "" {
		t.Errorf("union differs (-want +got):\n%s", d)
	}
}

func FuzzParseOffsets(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 1})
	f.Add([]byte{3, 2, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := store.ParseOffsets(b)
		if err != nil {
			return
		}
		for i := 1; i < len(o); i++ {
			if o[i] <= o[i-1] {
				t.Fatalf("offsets %v do not ascend", o)
			}
		}
		again, err := store.ParseOffsets(o.Append(nil))
		if err != nil || !cmp.Equal(o, again) {
			t.Errorf("written again: %v, %v, want %v", again, err, o)
		}
	})
}
