package store_test

import (
	"errors"
	"testing"

	"github.com/plateq/plateq/store"
)

func TestPersonKeysDoNotDependOnTheWriting(t *testing.T) {
	t.Parallel()
	s, err := store.NewSealer(store.NewKeys())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		kind store.PersonKind
		a, b string
		same bool
	}{
		{store.ByPlate, "DL01AA1000", "dl-01 aa 1000", true},
		{store.ByPlate, "A123BC77", "а123вс77", true},
		{store.ByPlate, "DL01AA1000", "DL01AA1001", false},
		{store.ByPlate, "GX1006012345ABCDEFGHIJKLMNOPQ-32", "gx100 6012345 abcdefghijklmnopq 32", true},
		{store.ByMobile, "+91 94339 52003", "09433952003", true},
		{store.ByMobile, "8 (912) 345-67-89", "+7 912 345 67 89", true},
		{store.ByMobile, "9433952003", "9433952004", false},
		{store.ByName, "Ivanov Ivan", "ИВАН", false},
		{store.ByName, "Ivanov Ivan", " ivan  IVANOV", true},
		{store.ByHash, "0F3A0f3a0f3a0f3a", "0f3a0f3a0f3a0f3a", true},
	} {
		a, errA := s.PersonKey(tt.kind, tt.a)
		b, errB := s.PersonKey(tt.kind, tt.b)
		if errA != nil || errB != nil || (a == b) != tt.same {
			t.Errorf("%s: %q and %q are the same: %v, want %v (%v, %v)", tt.kind, tt.a, tt.b, a == b, tt.same, errA, errB)
		}
		if again, err := store.ParsePersonKey(a.String()); err != nil || again != a {
			t.Errorf("%s is read as %s, %v", a, again, err)
		}
	}
}

func TestPersonValuesThatFindNobody(t *testing.T) {
	t.Parallel()
	s, err := store.NewSealer(store.NewKeys())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct {
		kind  store.PersonKind
		value string
	}{
		{store.ByPlate, ""}, {store.ByPlate, "-"}, {store.ByPlate, "123456789012345678901234567890123"}, {store.ByMobile, "12345"}, {store.ByMobile, "Ivan"},
		{store.ByName, "A"}, {store.ByName, "R2D2"}, {store.ByHash, "0f3a"}, {"colour", "red"},
	} {
		if _, err := s.PersonKey(p.kind, p.value); !errors.As(err, new(*store.PersonValueError)) {
			t.Errorf("%s %q: got %v", p.kind, p.value, err)
		}
	}
}

func FuzzParsePersonKey(f *testing.F) {
	f.Add("plate:000102030405060708090a0b0c0d0e0f")
	f.Add("plate:00")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := store.ParsePersonKey(text)
		if err != nil {
			return
		}
		if again, err := store.ParsePersonKey(k.String()); err != nil || again != k {
			t.Errorf("%q is read as %v, and that as %v, %v", text, k, again, err)
		}
	})
}
