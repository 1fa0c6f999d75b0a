package store

import "testing"

// A piece that is taken for new ones in vain costs a second try.
func TestAPieceIsTakenForNewOnesWhereNearlyAllWas(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		rows   int
		shared Shared
		want   bool
	}{
		{"the first", 0, Shared{}, false},
		{"after nothing but new ones", 10_000, Shared{}, true},
		{"after a list that is known", 10_000, Shared{Known: 10_000}, false},
		{"after a double in ten thousand", 10_000, Shared{Duplicates: 1}, false},
		{"after a double in a hundred thousand", 100_000, Shared{Duplicates: 1}, true},
		{"after some that others wait for", 100_000, Shared{Joined: 10}, false},
	} {
		if got := LikelyNew(tc.rows, tc.shared, 10_000); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}
