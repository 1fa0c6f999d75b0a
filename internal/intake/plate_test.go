package intake_test

import (
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/store"
)

func TestPlate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, raw, want, code string
	}{
		{"canonical", "DL01AA1000", "DL01AA1000", ""},
		{"lower case", "dl01aa1000", "DL01AA1000", ""},
		{"spaces", "  DL 01  AA 1000 ", "DL01AA1000", ""},
		{"hyphens", "DL-01-AA-1000", "DL01AA1000", ""},
		{"all dashes", "D‐L‑0‒1–A—A―1−0⁃0﹣0－", "DL01AA1000", ""},
		{"all spaces", "D\u00a0L\u20020\u20091\u202fA\u205fA\u30001\t000", "DL01AA1000", ""},
		{"dots and slashes", "DL.01/AA·10•0\\0", "DL01AA1000", ""},
		{"underscores", "DL_01_AA‿1000", "DL01AA1000", ""},
		{"zero width", "DL\u200b01\u200dAA\ufeff1000", "DL01AA1000", ""},
		{"soft hyphen", "DL01\u00adAA1000", "DL01AA1000", ""},
		{"direction marks", "\u202eDL01AA1000\u202c\u200f", "DL01AA1000", ""},
		{"full width", "ＤＬ０１ａａ１０００", "DL01AA1000", ""},
		{"all look-alikes", "АВЕКМНОРСТУХ", "ABEKMHOPCTYX", ""},
		{"small look-alikes", "а123вс77", "A123BC77", ""},
		{"mixed alphabets", "A123ВC77", "A123BC77", ""},
		{"circled digit", "①2", "12", ""},
		{"shortest", "A1", "A1", ""},
		{"longest", strings.Repeat("A", 17), strings.Repeat("A", 17), ""},
		{"O and 0 stay apart", "O0", "O0", ""},
		{"line end behind", "DL01AA1000\r\n", "DL01AA1000", ""},

		{"nothing", "", "", "plate_empty"},
		{"separators only", " -./_\u200b ", "", "plate_empty"},
		{"too short", "A", "", "plate_length"},
		{"too long", strings.Repeat("A", 18), "", "plate_length"},
		{"other Cyrillic", "Б123ВС77", "", "plate_characters"},
		{"accent", "Á123", "", "plate_characters"},
		{"combining accent", "A\u0301123", "", "plate_characters"},
		{"Devanagari digit", "DL०1", "", "plate_characters"},
		{"NUL", "DL01\x00AA1000", "", "plate_characters"},
		{"two plates in a cell", "A123\nB456", "", "plate_characters"},
		{"two plates with a comma", "A123,B456", "", "plate_characters"},
		{"formula", "=A1", "", "plate_characters"},
		{"number sign", "№A123BC77", "", "plate_characters"},
		{"Roman numeral", "ⅫA1", "", "plate_characters"},
		{"a half", "½A1", "", "plate_characters"},
		{"emoji", "🚗A1", "", "plate_characters"},
		{"no UTF-8", "A1\xff", "", "plate_characters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, fault := intake.Plate(tt.raw)
			code := ""
			if fault != nil {
				code = fault.Code
			}
			if got != tt.want || code != tt.code {
				t.Errorf("Plate(%q) = %q, %q, want %q, %q", tt.raw, got, code, tt.want, tt.code)
			}
			if fault != nil && len(tt.raw) > 4 && strings.Contains(fault.Message, strings.TrimSpace(tt.raw)) {
				t.Errorf("the message %q shows the whole value", fault.Message)
			}
		})
	}
}

func TestVINAndBody(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		canonical func(string) (string, string)
		raw, want string
	}{
		{"VIN", vin, "1m8gdm9axkp042788", "1M8GDM9AXKP042788"},
		{"VIN in groups", vin, "1M8 GDM9AX KP042788", "1M8GDM9AXKP042788"},
		{"VIN with look-alikes", vin, "1М8GDМ9АХКР042788", "1M8GDM9AXKP042788"},
		{"VIN with an O", vin, "1M8GDM9AXKPO42788", "vin_characters"},
		{"VIN too short", vin, "1M8GDM9AXKP04278", "vin_length"},
		{"no VIN", vin, " - ", "vin_empty"},
		{"body", body, "gx100–6012345", "GX100-6012345"},
		{"body in groups", body, "GX 100-6012345", "GX100-6012345"},
		{"body too long", body, strings.Repeat("A", 33), "body_length"},
		{"body of another alphabet", body, "ЖX100", "body_characters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, code := tt.canonical(tt.raw); got+code != tt.want {
				t.Errorf("of %q got %q, %q, want %q", tt.raw, got, code, tt.want)
			}
		})
	}
}

func vin(s string) (string, string) {
	v, fault := intake.VIN(s)
	if fault != nil {
		return v, fault.Code
	}
	return v, ""
}

func body(s string) (string, string) {
	v, fault := intake.Body(s)
	if fault != nil {
		return v, fault.Code
	}
	return v, ""
}

// TestWhatIsTakenInCanBeErased: nothing identifies a vehicle that an erasure
// would not know it by.
func TestWhatIsTakenInCanBeErased(t *testing.T) {
	t.Parallel()
	s, err := store.NewSealer(store.NewKeys())
	if err != nil {
		t.Fatal(err)
	}
	for name, canonical := range map[string]func(string) (string, *store.Failure){"plate": intake.Plate, "vin": intake.VIN, "body": intake.Body} {
		taken := 0
		for n := range 40 {
			v, fault := canonical(strings.Repeat("7", n))
			if fault != nil {
				continue
			}
			taken++
			if _, err := s.PersonKey(store.ByPlate, v); err != nil {
				t.Errorf("a %s of %d characters is taken in: %v", name, n, err)
			}
		}
		if taken == 0 {
			t.Errorf("no %s is taken in", name)
		}
	}
}

// FuzzPlate: what comes out is 2 to 17 characters of the alphabet and its own
// one form, or there is a reason; and separators never matter.
func FuzzPlate(f *testing.F) {
	for _, s := range []string{"DL01AA1000", "а123вс77", " ① ", "№1", "A\u0301", "\xff", "ſſ", "ıi", "A\nB", "𝟘𝟙"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, fault := intake.Plate(raw)
		if (got == "") != (fault != nil) {
			t.Fatalf("Plate(%q) = %q, %v: want a plate or a reason", raw, got, fault)
		}
		if fault != nil {
			return
		}
		if len(got) < 2 || len(got) > 17 || strings.Trim(got, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			t.Errorf("Plate(%q) = %q, outside of length or alphabet", raw, got)
		}
		for _, same := range []string{got, strings.ToLower(got), " " + got + "-\u200b", got[:1] + " " + got[1:]} {
			if again, fault := intake.Plate(same); again != got || fault != nil {
				t.Errorf("Plate(%q) = %q, %v, want %q", same, again, fault, got)
			}
		}
	})
}

func BenchmarkPlate(b *testing.B) {
	for name, raw := range map[string]string{"canonical": "DL01AA1000", "spaced": "dl 01 aa 1000", "cyrillic": "А123ВС777"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				intake.Plate(raw)
			}
		})
	}
}
