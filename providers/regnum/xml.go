package regnum

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/plateq/plateq/providers/internal/wirejson"
)

// xmlRoot is the outermost element of an answer.
const xmlRoot = "getktype"

// Bounds of an answer in XML. The document's has a depth of 4 and 43 elements
// with one car.
const (
	maxDepth    = 8
	maxElements = 20_000
)

// element is an element of an answer. Attributes are none of the document's
// and are left out.
type element struct {
	name string
	text []byte
	kids []element
}

// jsonOf writes an answer in XML as the service writes it in JSON: elements
// without others inside are text, datacar is a list. An element that comes
// twice becomes a key that does, and is refused as such.
func jsonOf(body []byte) ([]byte, error) {
	root, err := readXML(body)
	if err != nil {
		return nil, err
	}
	if root.name != xmlRoot {
		return nil, errors.New("read XML: another root")
	}
	var b bytes.Buffer
	root.write(&b)
	return b.Bytes(), nil
}

func (e element) write(b *bytes.Buffer) {
	if len(e.kids) == 0 {
		b.Write(e.leaf())
		return
	}
	b.WriteByte('{')
	var cars []element
	n := 0
	for _, kid := range e.kids {
		if e.name == memberData && kid.name == memberCars {
			cars = append(cars, kid)
			continue
		}
		key(b, &n, kid.name)
		kid.write(b)
	}
	if len(cars) > 0 {
		key(b, &n, memberCars)
		for i, car := range cars {
			b.WriteByte("[,"[min(i, 1)])
			car.write(b)
		}
		b.WriteByte(']')
	}
	b.WriteByte('}')
}

// key writes the name of the n-th member of an object.
func key(b *bytes.Buffer, n *int, name string) {
	if *n > 0 {
		b.WriteByte(',')
	}
	*n++
	b.Write(wirejson.AppendText(b.AvailableBuffer(), name))
	b.WriteByte(':')
}

// leaf is the value of an element without others inside. An empty one that
// would hold others holds none.
func (e element) leaf() json.RawMessage {
	if len(e.text) == 0 && (e.name == memberData || e.name == memberCars) {
		return json.RawMessage("{}")
	}
	return wirejson.AppendText(nil, string(e.text))
}

// readXML reads a body that is one XML document in UTF-8. Declarations of a
// document type are refused, and with them every entity but XML's own five.
func readXML(body []byte) (element, error) {
	if !utf8.Valid(body) {
		return element{}, errors.New("read XML: not in UTF-8")
	}
	d := xml.NewDecoder(bytes.NewReader(body)) // without a CharsetReader it refuses every other encoding
	open := []element{{}}                      // the document, then the elements around what is read
	for n := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return element{}, errors.New("read XML: not well-formed") // err quotes the answer
		}
		switch t := token.(type) {
		case xml.StartElement:
			if n++; n > maxElements || len(open) > maxDepth {
				return element{}, errors.New("read XML: too many elements")
			}
			open = append(open, element{name: t.Name.Local})
		case xml.CharData:
			around := &open[len(open)-1]
			around.text = append(around.text, t...)
		case xml.EndElement:
			done := open[len(open)-1]
			open = open[:len(open)-1]
			if err := done.close(); err != nil {
				return element{}, err
			}
			around := &open[len(open)-1]
			around.kids = append(around.kids, done)
		case xml.Directive:
			return element{}, errors.New("read XML: a document type")
		}
	}
	document := open[0]
	if err := document.close(); err != nil || len(document.kids) != 1 {
		return element{}, errors.New("read XML: not one document")
	}
	return document.kids[0], nil
}

// close ends an element: the blanks around its text are layout, and text
// between other elements is nothing that the document has.
func (e *element) close() error {
	e.text = bytes.TrimSpace(e.text)
	if len(e.text) > 0 && len(e.kids) > 0 {
		return errors.New("read XML: text between elements")
	}
	return nil
}
