package regnum

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/plateq/plateq/providers/internal/wirejson"
)

// seed adds the answers of testdata, and some that are none.
func seed(f *testing.F) {
	f.Helper()
	for _, form := range []string{"json", "xml", "html"} {
		files, err := filepath.Glob("testdata/*." + form)
		if err != nil || len(files) == 0 {
			f.Fatalf("got %v, %v, want answers in testdata", files, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Add([]byte("\ufeff{}"))
	f.Add([]byte(`{"status":"\ud800","statusText":""}`))
	f.Add([]byte("<getktype><status>200</status><data><datacar><ktype>1</ktype></datacar></data></getktype>"))
}

// FuzzDecode wants of whatever is believed that it says one thing.
func FuzzDecode(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		got, ok := decode(body)
		if !ok {
			return
		}
		if !isStatus(got.status) {
			t.Errorf("got status %q", got.status)
		}
		if len(got.cars) > 0 && got.status != statusDone {
			t.Errorf("got %d cars with status %s", len(got.cars), got.status)
		}
		var result struct {
			Cars []map[string]json.RawMessage `json:"datacar"`
		}
		if err := json.Unmarshal(got.result(), &result); err != nil || len(result.Cars) != len(got.cars) {
			t.Fatalf("got result %s, %v, want %d cars", got.result(), err, len(got.cars))
		}
		for _, car := range result.Cars {
			if len(car) != len(carFields) {
				t.Errorf("got %d fields, want %d", len(car), len(carFields))
			}
		}
		decoded := false
		for _, r := range got.readings() {
			decoded = decoded || r.Name == "decoded"
		}
		if decoded != (len(got.cars) > 0) {
			t.Errorf("got decoded %v with %d cars", decoded, len(got.cars))
		}
	})
}

// FuzzXML wants JSON of all that is read.
func FuzzXML(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := jsonOf(body)
		if err != nil {
			return
		}
		if !json.Valid(got) {
			t.Fatalf("got %q, want JSON", got)
		}
		if bytes.Contains(bytes.ToUpper(body), []byte("<!DOCTYPE")) && !bytes.Contains(body, []byte("<!--")) && !bytes.Contains(body, []byte("<![CDATA[")) &&
			!bytes.Contains(body, []byte("<?")) {
			t.Errorf("%q was read with a document type", body)
		}
	})
}

// FuzzForms writes a car in both forms and wants one record of it.
func FuzzForms(f *testing.F) {
	f.Add("4550", "KMHVA31JPPU******", `3/5 "portes" <&> é`)
	f.Add("", " ", "0129")
	f.Fuzz(func(t *testing.T, ktype, vin, colour string) {
		car, err := json.Marshal(map[string]string{"ktype": ktype, "vin": vin, "colour": colour})
		if err != nil {
			t.Skip()
		}
		fromJSON, ok := decode([]byte(`{"status":200,"data":{"datacar":[` + string(car) + `]}}`))
		if !ok {
			t.Fatalf("%s was not read", car)
		}
		fields, err := wirejson.Parse(car)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		b.WriteString("<getktype><status>200</status><data><datacar>")
		for _, name := range []string{"ktype", "vin", "colour"} {
			text, _ := fields.Text(name)
			b.WriteString("<" + name + ">" + escapeXML(text) + "</" + name + ">")
		}
		b.WriteString("</datacar></data></getktype>")
		if bytes.ContainsRune(b.Bytes(), utf8.RuneError) {
			t.Skip() // what XML cannot hold
		}
		fromXML, ok := decode(b.Bytes())
		if !ok {
			t.Fatalf("%s was not read", b.Bytes())
		}
		if got, want := fromXML.result(), fromJSON.result(); !bytes.Equal(got, want) {
			t.Errorf("got %s out of XML, want %s", got, want)
		}
	})
}

func escapeXML(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes everything
	return b.String()
}

// TestXMLIsBounded: what is too deep or too much is refused, and what takes
// many pieces to say little is read in one go.
func TestXMLIsBounded(t *testing.T) {
	t.Parallel()
	in := func(text string) []byte { return []byte("<getktype><status>404</status>" + text + "</getktype>") }
	for name, body := range map[string][]byte{
		"depth":           in("<data>" + strings.Repeat("<a>", 1_000_000)),
		"many elements":   in("<data>" + strings.Repeat("<a/>", maxElements) + "</data>"),
		"entities":        []byte(`<!DOCTYPE a [<!ENTITY b "` + strings.Repeat("b", 1000) + `">]><getktype><status>404</status><statusText>&b;</statusText></getktype>`),
		"document type":   []byte(`<!DOCTYPE getktype SYSTEM "http://127.0.0.1/x"><getktype><status>404</status><statusText/></getktype>`),
		"other encoding":  append([]byte(`<?xml version="1.0" encoding="windows-1251"?>`), in("<statusText>x</statusText>")...),
		"not UTF-8":       in("<statusText>\xe9</statusText>"),
		"UTF-16, no mark": []byte("<\x00g\x00/\x00>\x00"),
	} {
		if _, err := jsonOf(body); err == nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
	pieces := in("<statusText>" + strings.Repeat("a<!-- -->", maxAnswer/9) + "</statusText>")
	if got, ok := decode(pieces); !ok || len(got.text) != maxAnswer/9 {
		t.Errorf("pieces: got %d bytes of text, %v, want them all", len(got.text), ok)
	}
}
