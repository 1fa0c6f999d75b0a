package intake

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
)

// Format is how a list is written.
type Format string

// The formats that are read.
const (
	Auto  Format = "" // by the first bytes
	CSV   Format = "csv"
	JSONL Format = "jsonl"
	JSON  Format = "json" // one array of objects
	XLSX  Format = "xlsx"
)

// formats lists what can be read, by name and by the endings of file names.
var formats = []struct {
	format  Format
	endings []string
}{
	{CSV, []string{".csv", ".tsv", ".txt"}},
	{JSONL, []string{".jsonl", ".ndjson"}},
	{JSON, []string{".json"}},
	{XLSX, []string{".xlsx", ".xlsm"}},
}

// packings are the endings of compressed files: what is inside of them, the
// ending before tells.
var packings = []string{".gz", ".zst"}

// FormatOf returns the format of a list: the one that is named, else the one
// that the ending of path tells. A path without an ending, and "-", give Auto.
// Other names and endings are an *InputError that says which there are.
func FormatOf(path, name string) (Format, error) {
	name = strings.ToLower(name)
	ending := strings.ToLower(filepath.Ext(path))
	if slices.Contains(packings, ending) {
		ending = strings.ToLower(filepath.Ext(strings.TrimSuffix(strings.ToLower(path), ending)))
	}
	if name == "" && (path == "-" || ending == "") {
		return Auto, nil
	}
	var known []string
	for _, f := range formats {
		if name == string(f.format) {
			return f.format, nil
		}
		for _, e := range f.endings {
			if name == "" && e == ending {
				return f.format, nil
			}
		}
		known = append(known, string(f.format))
	}
	what := name
	if what == "" {
		what = ending
	}
	return Auto, &InputError{Code: CodeUnknownFormat, File: path, Reason: "lists are not read from " + what,
		Hint: "give one of " + strings.Join(known, ", ") + ", or name the format with --format"}
}

// foreign are beginnings of files that are no text, whatever they are called.
var foreign = []struct {
	head string
	code Code
	what string
	hint string
}{
	{"\xff\xfe\x00\x00", CodeEncoding, "it is UTF-32", saveAsUTF8},
	{"\x00\x00\xfe\xff", CodeEncoding, "it is UTF-32", saveAsUTF8},
	{"\xd0\xcf\x11\xe0", CodeUnknownFormat, "it is a spreadsheet of old Excel, or one with a password", "save it as XLSX without a password, or as CSV in UTF-8"},
	{"\x1f\x8b", CodeUnknownFormat, "it is compressed twice", "unpack it first"},
	{"\x28\xb5\x2f\xfd", CodeUnknownFormat, "it is compressed twice", "unpack it first"},
	{"BZh", CodeUnknownFormat, "it is compressed by bzip2", "unpack it first, or use gzip or zstd"},
	{"\xfd7zXZ", CodeUnknownFormat, "it is compressed by xz", "unpack it first, or use gzip or zstd"},
	{"PAR1", CodeUnknownFormat, "it is a Parquet file", saveAsCSV},
	{"%PDF-", CodeUnknownFormat, "it is a PDF file", saveAsCSV},
}

const (
	saveAsUTF8 = "save it as UTF-8"
	saveAsCSV  = "save it as CSV in UTF-8"
	bom        = "\xef\xbb\xbf"
)

// sniff judges the first bytes of a list: the format where want is Auto, or
// why it cannot be read. It knows nothing of rows.
func sniff(head []byte, want Format) (Format, *InputError) {
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.head)) {
			return Auto, &InputError{Code: f.code, Reason: f.what, Hint: f.hint}
		}
	}
	if looksLikeUTF16(head) {
		return Auto, &InputError{Code: CodeEncoding, Line: 1, Reason: "it looks like UTF-16, without the mark that tells",
			Hint: "if that is so, confirm it with --encoding utf-16le or utf-16be"}
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte(bom)), " \t\r\n")
	if len(text) == 0 {
		return want, nil
	}
	switch {
	case text[0] == '[' && want != CSV:
		return JSON, nil
	case want == JSON:
		return Auto, &InputError{Code: CodeUnknownFormat, Line: 1, Reason: "it is no JSON array", Hint: "name it jsonl if there is one object on each line"}
	case want != Auto:
		return want, nil
	case text[0] == '{':
		return JSONL, nil
	default:
		return CSV, nil
	}
}

// looksLikeUTF16 finds text in which every other byte is NUL, which plain
// letters and digits are in UTF-16.
func looksLikeUTF16(head []byte) bool {
	head = head[:min(len(head), 4096)]
	var nuls [2]int
	for i, b := range head {
		if b == 0 {
			nuls[i%2]++
		}
	}
	return len(head) >= 4 && max(nuls[0], nuls[1]) > len(head)/4
}
