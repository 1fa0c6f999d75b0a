package intake

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Bounds of a spreadsheet: packed, unpacked, how often the one goes into the
// other, and files in it. What a file says of its own size is checked while it
// is read.
const (
	maxBook        = 64 << 20
	maxUnpacked    = 200 << 20
	maxBookSwell   = 100
	maxBookEntries = 1000
)

// book is a spreadsheet (ECMA-376) whose sheets are read as streams.
//
// Excel's own streaming readers give cells as people see them, from which it
// cannot be told that a plate was made into a number or a date, and they take
// a damaged file for a short one. So it is read here.
type book struct {
	files   map[string]*zip.File
	sheets  []sheetEntry
	strings *sharedStrings
	styles  []numberStyle // of cells
	base1904
}

type base1904 bool

type sheetEntry struct {
	name   string
	file   *zip.File
	hidden bool
}

func isZIP(r *bufio.Reader) bool {
	head, err := r.Peek(4)
	return err == nil && bytes.Equal(head, []byte("PK\x03\x04"))
}

// openBook reads a spreadsheet but for its sheets.
func openBook(r io.Reader) (*book, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxBook+1))
	if err != nil {
		return nil, unread(err, 0)
	}
	if len(body) > maxBook {
		return nil, &InputError{Code: CodePacked, Reason: fmt.Sprintf("the spreadsheet is larger than %d MB", maxBook>>20), Hint: saveAsCSV}
	}
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, damagedBook(err)
	}
	if err := bounded(z, len(body)); err != nil {
		return nil, err
	}
	b := &book{files: make(map[string]*zip.File, len(z.File))}
	for _, f := range z.File {
		b.files[strings.TrimPrefix(f.Name, "/")] = f
	}
	return b, b.load()
}

func damagedBook(err error) error {
	if e, ok := errors.AsType[*InputError](err); ok {
		return e
	}
	return &InputError{Code: CodePacked, Reason: "the spreadsheet is damaged", Hint: "save it again, or as CSV in UTF-8", Err: err}
}

// bounded refuses what would unpack into more than a list can be.
func bounded(z *zip.Reader, packed int) error {
	sum := 0
	for _, f := range z.File {
		sum += int(min(f.UncompressedSize64, maxUnpacked+1))
	}
	if len(z.File) > maxBookEntries || sum > maxUnpacked || sum > maxBookSwell*packed {
		return &InputError{Code: CodePacked,
			Reason: fmt.Sprintf("the spreadsheet would unpack into more than %d MB, %d times its size, or %d files", maxUnpacked>>20, maxBookSwell, maxBookEntries),
			Hint:   saveAsCSV}
	}
	return nil
}

const mainPart = "xl/workbook.xml"

// load reads what is said of the sheets.
func (b *book) load() error {
	if b.files[mainPart] == nil {
		what := "it is a ZIP file that holds no spreadsheet of Excel"
		if b.files["mimetype"] != nil {
			what = "it is an OpenDocument file"
		}
		return &InputError{Code: CodeUnknownFormat, Reason: what, Hint: "save it as XLSX, or as CSV in UTF-8"}
	}
	var main struct {
		Properties struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name  string `xml:"name,attr"`
			State string `xml:"state,attr"`
			ID    string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
			// Of a workbook that is saved as Strict Open XML.
			StrictID string `xml:"http://purl.oclc.org/ooxml/officeDocument/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := b.parse(mainPart, &main); err != nil {
		return damagedBook(err)
	}
	linked, err := b.follow("xl/_rels/workbook.xml.rels")
	if err != nil {
		return damagedBook(err)
	}
	b.base1904 = base1904(main.Properties.Date1904 == "1" || main.Properties.Date1904 == "true")
	for i, s := range main.Sheets {
		to, ok := linked[cmp.Or(s.ID, s.StrictID)]
		if !ok || to.list && to.file == nil {
			return damagedBook(fmt.Errorf("sheet %d is missing", i+1))
		}
		if to.list {
			b.sheets = append(b.sheets, sheetEntry{name: string(unescape([]byte(s.Name))), file: to.file, hidden: s.State != "" && s.State != "visible"})
		}
	}
	return nil
}

// target is what a link of the workbook leads to.
type target struct {
	file *zip.File // nil: there is none
	list bool      // charts and macros are no lists
}

// follow reads the links of the workbook, and what those for all sheets lead
// to. It returns all by their names.
func (b *book) follow(name string) (map[string]target, error) {
	var links struct {
		All []struct {
			ID     string `xml:"Id,attr"`
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := b.parse(name, &links); err != nil {
		return nil, err
	}
	linked := make(map[string]target, len(links.All))
	for _, l := range links.All {
		kind, file := path.Base(l.Type), b.files[part(l.Target)]
		linked[l.ID] = target{file, kind == "worksheet"}
		var err error
		switch {
		case kind == "sharedStrings" && file != nil:
			b.strings, err = readSharedStrings(file)
		case kind == "styles" && file != nil:
			err = b.readStyles(part(l.Target))
		}
		if err != nil {
			return nil, err
		}
	}
	return linked, nil
}

// part is the name of the file that a link of the workbook leads to.
func part(target string) string {
	if rest, ok := strings.CutPrefix(target, "/"); ok {
		return rest
	}
	return path.Join("xl", target)
}

func (b *book) parse(name string, into any) error {
	f := b.files[name]
	if f == nil {
		return fmt.Errorf("%s is missing", name)
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	return xml.NewDecoder(r).Decode(into)
}

func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
