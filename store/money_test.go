package store_test

import (
	"errors"
	"testing"

	"github.com/plateq/plateq/store"
)

func TestMoneyIsExact(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, out string
		want    store.Money
	}{
		{"0", "0.00", 0},
		{"5", "5.00", 5_000_000},
		{"0.1", "0.10", 100_000},
		{"0.07", "0.07", 70_000},
		{"12.505", "12.505", 12_505_000},
		{"0.000001", "0.000001", 1},
		{"999999999999.999999", "999999999999.999999", 999_999_999_999_999_999},
	} {
		got, err := store.ParseMoney(c.in)
		if err != nil || got != c.want || got.String() != c.out {
			t.Errorf("%s: got %d, %q, %v, want %d, %q", c.in, got, got, err, c.want, c.out)
		}
		again, err := store.ParseMoney(got.String())
		if err != nil || again != got {
			t.Errorf("%s read again: got %d, %v, want %d", got, again, err, got)
		}
	}
	if got := (-1_500_000 * store.Money(1)).String(); got != "-1.50" {
		t.Errorf("a debt: got %q, want -1.50", got)
	}
}

func TestMoneyRefusesWhatIsNoAmount(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "-1", "+1", "1.", ".5", "1,50", "1e3", "1.0000001", "1234567890123", " 1", "INR 5"} {
		if got, err := store.ParseMoney(text); err == nil {
			t.Errorf("%q: got %s, want an error", text, got)
		}
	}
}

func TestAPriceCountsAsksWhereThereIsNone(t *testing.T) {
	t.Parallel()
	inr := store.Price{Each: 70_000, Currency: "INR"}
	free := store.Price{Currency: "INR"}
	for _, c := range []struct {
		price store.Price
		n     int
		want  string
	}{
		{inr, 3, "0.21 INR"}, {inr, 10_000_000, "700000.00 INR"}, {free, 9, "0.00 INR"},
		{store.Price{}, 1, "1 question"}, {store.Price{}, 4706, "4706 questions"},
		{store.Price{Each: store.MaxPrice, Currency: "INR"}, 10_000_000, "1000000000000.00 INR"},
	} {
		if got := c.price.Write(c.price.Of(c.n)); got != c.want {
			t.Errorf("%d at %+v: got %s, want %s", c.n, c.price, got, c.want)
		}
	}
}

func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"12.50", "0.000001", "999999999999.999999", "1.", "-3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := store.ParseMoney(text)
		if err != nil {
			return
		}
		if again, err := store.ParseMoney(m.String()); err != nil || again != m || m < 0 {
			t.Errorf("%q: got %s, read again %s, %v", text, m, again, err)
		}
	})
}

func TestOneCurrency(t *testing.T) {
	t.Parallel()
	rupees, euros := store.Price{Each: 1, Currency: "INR"}, store.Price{Each: 1, Currency: "EUR"}
	for name, c := range map[string]struct {
		prices map[string]store.Price
		want   string
		mixed  string
	}{
		"no prices at all": {},
		"questions":        {prices: map[string]store.Price{"a": {}, "b": {}}},
		"all the same":     {prices: map[string]store.Price{"a": rupees, "b": rupees}, want: "INR"},
		"two":              {prices: map[string]store.Price{"b": euros, "a": rupees}, mixed: "a is paid in INR, b is paid in EUR"},
		"one without":      {prices: map[string]store.Price{"b": euros, "a": {}}, mixed: "a has no price, b is paid in EUR"},
	} {
		got, err := store.OneCurrency(c.prices)
		_, mixed := errors.AsType[*store.MixedError](err)
		if got != c.want || mixed != (c.mixed != "") || mixed && err.Error() != c.mixed {
			t.Errorf("%s: got %q, %v; want %q, %s", name, got, err, c.want, c.mixed)
		}
	}
}
