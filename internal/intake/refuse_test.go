package intake_test

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
)

// refused are lists that are refused as a whole, with the error in full: it
// is what people read.
var refused = []struct {
	name, in string
	o        intake.Options
	code     intake.Code
	want     string
}{
	{"empty", "", intake.Options{}, intake.CodeEmptyList, "read f: there is no row in it"},
	{"blank lines", "\n \r\n\n", intake.Options{}, intake.CodeEmptyList, "read f: there is no row in it"},
	{"BOM only", "\xef\xbb\xbf", intake.Options{}, intake.CodeEmptyList, "read f: there is no row in it"},
	{"header only", "plate,city\n,\n\n", intake.Options{}, intake.CodeEmptyList, "read f: there is no row in it"},
	{"empty JSON Lines", "\n", intake.Options{Format: intake.JSONL}, intake.CodeEmptyList, "read f: there is no row in it"},
	{"no plate column", "number,city\nx,y\n", intake.Options{}, intake.CodeMissingColumn,
		`read f: there is no column plate; there is "number", "city"; name the right one with --column NAME`},
	{"no plate member", `{"number":"x"}`, intake.Options{}, intake.CodeMissingColumn,
		`read f: there is no column plate; there is "number"; name the right one with --column NAME`},
	{"no header", "DL01AA1000\nDL01AA1001\n", intake.Options{}, intake.CodeMissingColumn,
		"read f: there is no column plate; the first line looks like a row; put a line with the names of the columns before it, such as plate"},
	{"nothing that could be asked about", "city\nPune\n", intake.Options{Spec: reports}, intake.CodeMissingColumn,
		`read f: there is no column plate; there is "city"; name the right one with --column NAME`},
	{"no way to name the owner", "vin,last_name,birth\nx,y,z\n", intake.Options{Spec: owners}, intake.CodeMissingColumn,
		`read f: there is no column that names the owner (fio_birth_hash, or last_name with first_name and birth, or passport, or inn); ` +
			`there is "vin", "last_name", "birth"; name the right one with --column fio_birth_hash=NAME`},
	{"no way to name the vehicle, no header", "DL01AA1000\n", intake.Options{Spec: owners}, intake.CodeMissingColumn,
		"read f: there is no column that names the vehicle (plate, or vin); the first line looks like a row; " +
			"put a line with the names of the columns before it, such as plate"},
	{"two plate columns", "reg;city;Plate\nx;y;z\n", intake.Options{}, intake.CodeRepeatedColumn,
		`read f: columns 1 ("reg") and 3 ("Plate") could both be the plate; say which one with --column plate=NAME, or rename the other`},
	{"column of that name is not there", "reg,city\nx,y\n", intake.Options{Columns: cols(providers.Plate, "number")}, intake.CodeUnknownColumn,
		`read f: there is no column "number"; there is "reg", "city"; correct --column`},
	{"column of that name is there twice", "a,a\nx,y\n", intake.Options{Columns: cols(providers.Plate, "A")}, intake.CodeRepeatedColumn,
		`read f: columns 1 and 2 are both called "A"; rename one of them`},
	{"column for nothing", "reg,city\nx,y\n", intake.Options{Columns: cols("town", "city")}, intake.CodeUnknownSubject, ""},
	{"missing parameter", "plate\n" + pad, intake.Options{Spec: tolls}, intake.CodeMissingParam,
		"read f: aopay needs the parameter operator; pass --set operator=VALUE or add a column of that name"},
	{"windows-1251", "plate;\xe3\xee\xf0\xee\xe4\n\xc0123\xc2\xd177;\xcc\n", intake.Options{}, intake.CodeEncoding,
		"read f: line 1: byte 7 is not UTF-8; the file looks like windows-1251; if that is so, confirm it with --encoding windows-1251"},
	{"koi8-r", "plate;\xc7\xcf\xd2\xcf\xc4\nx;\xed\xcf\xd3\xcb\xd7\xc1\n", intake.Options{}, intake.CodeEncoding,
		"read f: line 1: byte 7 is not UTF-8; the file looks like koi8-r; if that is so, confirm it with --encoding koi8-r"},
	{"cp866", "plate;\xa3\xae\xe0\xae\xa4\n", intake.Options{}, intake.CodeEncoding,
		"read f: line 1: byte 7 is not UTF-8; the file looks like cp866; if that is so, confirm it with --encoding cp866"},
	{"windows-1252", "plate;num\xe9ro;mod\xe8le\n", intake.Options{}, intake.CodeEncoding,
		"read f: line 1: byte 10 is not UTF-8; the file looks like windows-1252; if that is so, confirm it with --encoding windows-1252"},
	{"UTF-16 that is named otherwise", "\xff\xfep\x00", intake.Options{Encoding: intake.Windows1251}, intake.CodeEncoding,
		"read f: line 1: it is marked as utf-16le, not windows-1251; leave --encoding away"},
	{"bad byte later", "plate\n" + pad + pad + "DL01\x81AA\n", intake.Options{}, intake.CodeEncoding,
		"read f: line 4: byte 5 is not UTF-8; save it as UTF-8"},
	{"bad byte in JSON Lines", "{\"plate\":\"A1\"}\n{\"plate\":\"\xe9\x41\"}\n", intake.Options{}, intake.CodeEncoding,
		"read f: line 2: byte 11 is not UTF-8; the file looks like windows-1251; if that is so, confirm it with --encoding windows-1251"},
	{"UTF-32", "\xff\xfe\x00\x00p\x00\x00\x00", intake.Options{}, intake.CodeEncoding, "read f: it is UTF-32; save it as UTF-8"},
	{"UTF-16 LE without BOM", "p\x00l\x00a\x00t\x00e\x00\n\x00", intake.Options{}, intake.CodeEncoding,
		"read f: line 1: it looks like UTF-16, without the mark that tells; if that is so, confirm it with --encoding utf-16le or utf-16be"},
	{"UTF-16 BE without BOM", "\x00p\x00l\x00a\x00t\x00e\x00\n", intake.Options{}, intake.CodeEncoding,
		"read f: line 1: it looks like UTF-16, without the mark that tells; if that is so, confirm it with --encoding utf-16le or utf-16be"},
	{"NUL in the header", "plate,no\x00te\nx,y\n", intake.Options{}, intake.CodeEncoding,
		"read f: line 1: it holds NUL bytes and is no text; save it as CSV in UTF-8"},
	{"ZIP", zipped("list.csv", "plate\nDL01AA1000\n"), intake.Options{Format: intake.CSV}, intake.CodeUnknownFormat,
		"read f: it is a ZIP file that holds no spreadsheet of Excel; save it as XLSX, or as CSV in UTF-8"},
	{"ODS", zipped("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), intake.Options{}, intake.CodeUnknownFormat,
		"read f: it is an OpenDocument file; save it as XLSX, or as CSV in UTF-8"},
	{"half a ZIP", zipped("xl/workbook.xml", "<workbook/>")[:60], intake.Options{}, intake.CodePacked,
		"read f: the spreadsheet is damaged; save it again, or as CSV in UTF-8"},
	{"XLS", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", intake.Options{}, intake.CodeUnknownFormat,
		"read f: it is a spreadsheet of old Excel, or one with a password; save it as XLSX without a password, or as CSV in UTF-8"},
	{"CSV that is called XLSX", "plate\n" + pad, intake.Options{Format: intake.XLSX}, intake.CodeUnknownFormat,
		"read f: it is no XLSX file; name the format that it has with --format"},
	{"half a gzip", "\x1f\x8b\x08", intake.Options{}, intake.CodePacked, "read f: it cannot be unpacked (gzip); pack it again, or give it unpacked"},
	{"gzip that ends too soon", gzipped("plate\n" + pad)[:30], intake.Options{}, intake.CodePacked,
		"read f: line 1: it cannot be unpacked (gzip); pack it again, or give it unpacked"},
	{"gzip in gzip", gzipped(gzipped("plate\n" + pad)), intake.Options{}, intake.CodeUnknownFormat, "read f: it is compressed twice; unpack it first"},
	{"bzip2", "BZh91AY", intake.Options{}, intake.CodeUnknownFormat, "read f: it is compressed by bzip2; unpack it first, or use gzip or zstd"},
	{"empty array", " [ ] ", intake.Options{}, intake.CodeEmptyList, "read f: there is no row in it"},
	{"array that is not closed", "[{\"plate\":\"DL01AA1000\"},\n{\"plate\":", intake.Options{}, intake.CodeJSON,
		"read f: line 2: it is no JSON array: the array is not closed; write [, one object for each row with commas between, and ]"},
	{"array without a comma", "[{\"plate\":\"DL01AA1000\"}\n{\"plate\":\"x\"}]", intake.Options{}, intake.CodeJSON,
		"read f: line 2: it is no JSON array: there is no comma between two entries; write [, one object for each row with commas between, and ]"},
	{"array with a comma too many", "[{\"plate\":\"DL01AA1000\"},,]", intake.Options{}, intake.CodeJSON,
		"read f: line 1: it is no JSON array: there is a comma too many; write [, one object for each row with commas between, and ]"},
	{"something behind an array", "[{\"plate\":\"DL01AA1000\"}]\n[]", intake.Options{}, intake.CodeJSON,
		"read f: line 2: it is no JSON array: something follows the array; write [, one object for each row with commas between, and ]"},
	{"object that is called an array", "{\"plate\":\"DL01AA1000\"}", intake.Options{Format: intake.JSON}, intake.CodeUnknownFormat,
		"read f: line 1: it is no JSON array; name it jsonl if there is one object on each line"},
	{"long entry of an array", `[{"plate":"` + strings.Repeat("A", intake.MaxLine) + `"}]`, intake.Options{}, intake.CodeLineTooLong,
		"read f: line 1: it is longer than 64 KB; a row is one line: look for a missing line end or quote before it"},
	{"quote never closed", "plate,note\n" + "DL01AA1000,\"open\nDL01AA1001,x\n", intake.Options{}, intake.CodeQuotes,
		`read f: line 2: a quote that is opened here is not closed; put the whole cell in quotes and write a quote inside of it as ""`},
	{"quote never closed in a long list", "plate,note\n\"" + strings.Repeat(pad, 1<<14), intake.Options{}, intake.CodeQuotes,
		`read f: line 2: a quote that is opened here is not closed; put the whole cell in quotes and write a quote inside of it as ""`},
	{"text behind a quote", "plate\n" + pad + "\"DL01\" AA\n", intake.Options{}, intake.CodeQuotes,
		`read f: line 3: text stands behind a closing quote (the row begins on line 3); put the whole cell in quotes and write a quote inside of it as ""`},
	{"quote in the header", "plate,5\"\nx,y\n", intake.Options{}, intake.CodeQuotes,
		`read f: line 1: the header has a quote inside of a name; put the whole cell in quotes and write a quote inside of it as ""`},
	{"long line", "plate\n" + pad + strings.Repeat("A", intake.MaxLine+1) + "\n", intake.Options{}, intake.CodeLineTooLong,
		"read f: line 3: it is longer than 64 KB; a row is one line: look for a missing line end or quote before it"},
	{"long line of JSON", `{"plate":"` + strings.Repeat("A", intake.MaxLine) + `"}`, intake.Options{}, intake.CodeLineTooLong,
		"read f: line 1: it is longer than 64 KB; a row is one line: look for a missing line end or quote before it"},
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := tt.o
			o.Name = "f"
			if o.Spec.Name == "" {
				o.Spec = plates
			}
			err := readToEnd(t, strings.NewReader(tt.in), o)
			e, ok := errors.AsType[*intake.InputError](err)
			if !ok || e.Code != tt.code {
				t.Fatalf("got %v, want an error with code %s", err, tt.code)
			}
			if tt.want != "" && err.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
			if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "DL01") {
				t.Errorf("the error shows a row or has several lines: %q", err)
			}
			if (e.Code == intake.CodeEmptyList) != errors.Is(err, intake.ErrEmptyList) {
				t.Errorf("errors.Is(err, ErrEmptyList) is %v", !errors.Is(err, intake.ErrEmptyList))
			}
		})
	}
}

func readToEnd(t *testing.T, in io.Reader, o intake.Options) error {
	t.Helper()
	r, err := intake.Open(in, o)
	for err == nil {
		_, err = r.Next(t.Context())
	}
	return err
}

func TestLongestLine(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\n", "\r\n", "\r"} {
		in := "plate,note" + end + "DL01AA1000," + strings.Repeat("x", intake.MaxLine-11) + end + "DL01AA1001," + end
		if err := readToEnd(t, strings.NewReader(in), intake.Options{Spec: plates}); !errors.Is(err, io.EOF) {
			t.Errorf("lines of MaxLine bytes that end in %q: got %v, want %v", end, err, io.EOF)
		}
	}
}

// endless is a line that goes on and on, and counts what was read of it.
type endless struct {
	head io.Reader
	size int64
}

func (e *endless) Read(p []byte) (int, error) {
	if n, err := e.head.Read(p); n > 0 || !errors.Is(err, io.EOF) {
		return n, err
	}
	if e.size >= 1<<30 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = 'A'
	}
	e.size += int64(len(p))
	return len(p), nil
}

// TestEndlessLine: of a line of 1 GB no more is read than it takes to see
// that it is too long, wherever it comes.
func TestEndlessLine(t *testing.T) {
	for name, head := range map[string]string{
		"first line": "", "later line": "plate\n" + pad, "inside of quotes": "plate\n" + pad + "\"",
		"JSON": `{"plate":"`, "JSON later": `{"plate":"A1"}` + "\n" + `{"plate":"`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		in := &endless{head: strings.NewReader(head)}
		err := readToEnd(t, in, intake.Options{Spec: plates})
		runtime.ReadMemStats(&after)
		if e, ok := errors.AsType[*intake.InputError](err); !ok || e.Code != intake.CodeLineTooLong {
			t.Errorf("%s: got %v, want %s", name, err, intake.CodeLineTooLong)
		}
		if in.size > 4*intake.MaxLine {
			t.Errorf("%s: read %d bytes of the line, want to stop at about %d", name, in.size, intake.MaxLine)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
			t.Errorf("%s: allocated %d bytes", name, got)
		}
	}
}

func TestReadFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for _, head := range []string{"", "plate\n" + pad, "{\"plate\":\"A1\"}\n", "plate\n\"A1"} {
		in := io.MultiReader(strings.NewReader(head), iotest.ErrReader(broken))
		if err := readToEnd(t, in, intake.Options{Spec: plates}); !errors.Is(err, broken) {
			t.Errorf("behind %q: got %v, want %v", head, err, broken)
		}
	}
}

func TestFormatOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, name string
		want       intake.Format
		ok         bool
	}{
		{"fleet.csv", "", intake.CSV, true},
		{"FLEET.TSV", "", intake.CSV, true},
		{"fleet.ndjson", "", intake.JSONL, true},
		{"-", "", intake.Auto, true},
		{"fleet", "", intake.Auto, true},
		{"fleet.dat", "JSONL", intake.JSONL, true},
		{"fleet.ods", "", intake.Auto, false},
		{"fleet.csv", "parquet", intake.Auto, false},
	} {
		got, err := intake.FormatOf(tt.path, tt.name)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("FormatOf(%q, %q) = %q, %v, want %q", tt.path, tt.name, got, err, tt.want)
		}
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	if m, err := intake.ParseColumns([]string{"Reg No", "vin=Chassis=No"}); err != nil || m[providers.Plate] != "Reg No" || m[providers.VIN] != "Chassis=No" {
		t.Errorf("ParseColumns = %v, %v", m, err)
	}
	if m, err := intake.ParseSet([]string{"operator=311", "note=a=b"}); err != nil || m["operator"] != "311" || m["note"] != "a=b" {
		t.Errorf("ParseSet = %v, %v", m, err)
	}
	for _, args := range [][]string{{"a", "b"}, {"vin="}, {"=x"}} {
		if _, err := intake.ParseColumns(args); err == nil {
			t.Errorf("ParseColumns(%q): no error", args)
		}
	}
	for _, args := range [][]string{{"a"}, {"=b"}, {"a=1", "a=2"}} {
		if _, err := intake.ParseSet(args); err == nil {
			t.Errorf("ParseSet(%q): no error", args)
		}
	}
}
