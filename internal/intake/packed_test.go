package intake_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/plateq/plateq/internal/intake"
)

func zipped(name, text string) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		panic(err) // nothing of it can fail
	}
	return b.String()
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		panic(err) // nothing of it can fail
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func zstandard(t *testing.T, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

// rows reads a list to its end and returns the caller's columns and lines.
func rows(t *testing.T, in io.Reader, o intake.Options) (*intake.Reader, [][]string) {
	t.Helper()
	r, err := intake.Open(in, o)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for {
		row, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return r, all
		}
		if err != nil {
			t.Fatal(err)
		}
		if row.Problem != nil {
			t.Errorf("line %d: %s", row.Line, row.Problem.Message)
		}
		all = append(all, row.NewRow.Line)
	}
}

func TestPackedListsAreReadAsWhatIsInside(t *testing.T) {
	t.Parallel()
	const list = "plate;city\nDL01AA1000;Pune\nDL01AA1001;Delhi\n"
	for packing, in := range map[string]string{"gzip": gzipped(list), "zstd": zstandard(t, list), "": list} {
		r, got := rows(t, strings.NewReader(in), intake.Options{Spec: plates})
		if len(got) != 2 || got[1][1] != "Delhi" || r.Shape().Packing != packing {
			t.Errorf("%s: got %q, packed by %q", packing, got, r.Shape().Packing)
		}
	}
}

func TestAListThatSwellsIsRefused(t *testing.T) {
	t.Parallel()
	in := zstandard(t, "plate\n"+strings.Repeat(strings.Repeat(" ", 1000)+"\n", 100_000))
	err := readToEnd(t, strings.NewReader(in), intake.Options{Spec: plates})
	e, ok := errors.AsType[*intake.InputError](err)
	if !ok || e.Code != intake.CodePacked || !strings.Contains(e.Reason, "grows more than 200 times") {
		t.Errorf("%d bytes that become 100 MB: got %v, want a refusal", len(in), err)
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	want := [][]string{{"А123ВС77", "Москва"}, {"DL01AA1001", "ёж"}}
	for name, c := range map[string]struct {
		in string
		o  intake.Encoding
		is intake.Encoding
	}{
		"UTF-8":             {"plate;город\nА123ВС77;Москва\nDL01AA1001;ёж\n", "", intake.UTF8},
		"UTF-8 with a mark": {"\xef\xbb\xbfplate;город\nА123ВС77;Москва\nDL01AA1001;ёж\n", intake.UTF8, intake.UTF8},
		"windows-1251":      {"plate;\xe3\xee\xf0\xee\xe4\n\xc0123\xc2\xd177;\xcc\xee\xf1\xea\xe2\xe0\nDL01AA1001;\xb8\xe6\n", intake.Windows1251, intake.Windows1251},
		"koi8-r":            {"plate;\xc7\xcf\xd2\xcf\xc4\n\xe1123\xf7\xf377;\xed\xcf\xd3\xcb\xd7\xc1\nDL01AA1001;\xa3\xd6\n", intake.KOI8R, intake.KOI8R},
		"cp866":             {"plate;\xa3\xae\xe0\xae\xa4\n\x80123\x82\x9177;\x8c\xae\xe1\xaa\xa2\xa0\nDL01AA1001;\xf1\xa6\n", intake.CP866, intake.CP866},
		"UTF-16 LE":         {"\xff\xfe" + wide("plate;город\nА123ВС77;Москва\nDL01AA1001;ёж\n", 0), "", intake.UTF16LE},
		"UTF-16 BE":         {"\xfe\xff" + wide("plate;город\nА123ВС77;Москва\nDL01AA1001;ёж\n", 1), "", intake.UTF16BE},
		"UTF-16 by name":    {wide("plate;город\nА123ВС77;Москва\nDL01AA1001;ёж\n", 1), intake.UTF16BE, intake.UTF16BE},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, got := rows(t, strings.NewReader(c.in), intake.Options{Spec: plates, Encoding: c.o})
			if len(got) != 2 || got[0][0] != want[0][0] || got[0][1] != want[0][1] || got[1][1] != want[1][1] || r.Columns()[1] != "город" {
				t.Errorf("got %q under %q, want %q", got, r.Columns(), want)
			}
			if r.Shape().Encoding != c.is {
				t.Errorf("it is said to be %s, want %s", r.Shape().Encoding, c.is)
			}
		})
	}
}

// wide writes letters of the first plane in UTF-16, the low byte first or
// second.
func wide(s string, low int) string {
	var b []byte
	for _, r := range s {
		pair := [2]byte{}
		pair[low], pair[1-low] = byte(r), byte(r>>8)
		b = append(b, pair[:]...)
	}
	return string(b)
}

func TestParseEncoding(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]intake.Encoding{
		"": "", "UTF8": intake.UTF8, "cp1251": intake.Windows1251, "Windows-1251": intake.Windows1251, "KOI8-R": intake.KOI8R,
		"ibm866": intake.CP866, "latin1": intake.Windows1252, "utf-16": intake.UTF16,
	} {
		if got, err := intake.ParseEncoding(name); got != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", name, got, err, want)
		}
	}
	_, err := intake.ParseEncoding("ebcdic")
	const want = `read list: there is no encoding "ebcdic"; give one of utf-8, utf-16, utf-16le, utf-16be, windows-1251, koi8-r, cp866, windows-1252`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAnArrayOfAnyLayout(t *testing.T) {
	t.Parallel()
	const in = "\n[{\"plate\":\"DL01AA1000\",\"note\":\"a ] } \\\" \\\\\"}, \n\n {\n \"plate\" : \"DL01AA1001\", \"tags\": [1, [2]]\n} ]\n"
	r, got := rows(t, strings.NewReader(in), intake.Options{Spec: plates})
	if r.Shape().Format != intake.JSON || len(got) != 2 || got[0][1] != `a ] } " \` || got[1][2] != "[1, [2]]" {
		t.Errorf("got %q, a list of %s", got, r.Shape())
	}
}

func FuzzArray(f *testing.F) {
	for _, s := range []string{`[]`, `[{"plate":"DL01AA1000"}]`, `[1,"x",null,{"plate":"A1"},]`, "[\xff]", `[{"a":"\"]"}`, `[[[[`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		r, err := intake.Open(strings.NewReader(in), intake.Options{Spec: plates, Format: intake.JSON})
		for n := 0; err == nil; n++ {
			if _, err = r.Next(t.Context()); n > len(in) {
				t.Fatalf("%q has more rows than bytes", in)
			}
		}
	})
}

// FuzzOpen: whatever bytes a list is made of, as they are or packed, in
// whatever encoding, it is read to its end or refused, and no row of it is
// both asked about and wrong.
func FuzzOpen(f *testing.F) {
	encodings := []intake.Encoding{"", intake.Windows1251, intake.UTF16LE, "koi8-r", "cp866", "windows-1252", "utf-16be"}
	for _, tt := range lists {
		f.Add([]byte(tt.in), uint8(0))
	}
	f.Add([]byte(gzipped("plate\nDL01AA1000\n")), uint8(0))
	f.Add([]byte("\x28\xb5\x2f\xfd\x04"), uint8(0))
	f.Add([]byte("\xe3\xee\xf1\xed\xee\xec\xe5\xf0;x\n\xc0123\xc2\xd177;\xcc\n"), uint8(1))
	f.Add([]byte(wide("plate\nDL01AA1000\n", 0)), uint8(2))
	f.Add([]byte("\xff\xfe"+wide("plate\nDL01AA1000\n", 0)), uint8(0))
	f.Fuzz(func(t *testing.T, in []byte, encoding uint8) {
		r, err := intake.Open(bytes.NewReader(in), intake.Options{Spec: plates, Encoding: encodings[int(encoding)%len(encodings)]})
		for n := 0; err == nil && n < 1000; n++ {
			var row intake.Row
			if row, err = r.Next(t.Context()); err == nil && (row.Problem == nil) != (len(row.Question.Subject) > 0) {
				t.Fatalf("row %d asks about %v and is wrong by %v", n+1, row.Question.Subject, row.Problem)
			}
		}
		if _, refused := errors.AsType[*intake.InputError](err); err != nil && !refused && !errors.Is(err, io.EOF) {
			t.Fatalf("got %v, want a reason to refuse the list", err)
		}
	})
}
