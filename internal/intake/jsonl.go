package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// sampleLines and sampleBytes bound how much of a list of JSON Lines is read
// to learn the names of its members, before the first row is given out.
const (
	sampleLines = 1000
	sampleBytes = 1 << 20
)

// moreColumn holds what has no column: as a JSON object the members whose
// names first come up behind the sample, and lines that hold no object.
const moreColumn = "more"

// jsonlSource reads one object from each line. The columns are the names of
// the members in the sample, in the order in which they come up. What a member
// means its name says, in each object anew and wherever it comes up first. A line
// that holds anything else than an object is a record that cannot be asked.
type jsonlSource struct {
	line   func() ([]byte, int, error)
	queue  []numbered // of the sample, not given out yet
	names  []string
	at     map[string]int
	more   int // where moreColumn is, -1 where everything has a column
	spare  int
	parsed []member
	said   []said
	// means says what a member means, by its column, -1 where it has none, and
	// its name.
	means func(at int, name string) providers.Column
}

type numbered struct {
	text []byte
	n    int
}

// openJSONL reads the sample from line, which returns each line with its
// number and need not keep it.
func openJSONL(line func() ([]byte, int, error)) (*jsonlSource, error) {
	s := &jsonlSource{line: line, at: map[string]int{}, more: -1}
	whole := true
	for size := 0; ; {
		text, n, err := s.read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		s.queue = append(s.queue, numbered{bytes.Clone(text), n})
		whole = s.learn(text) && whole
		if size += len(text); len(s.queue) == sampleLines || size >= sampleBytes {
			whole = false
			break
		}
	}
	if !whole {
		s.addMore()
	}
	return s, nil
}

func (s *jsonlSource) addMore() {
	name := moreColumn
	for s.has(name) {
		name += "_"
	}
	s.more = len(s.names)
	s.names = append(s.names, name)
}

func (s *jsonlSource) has(name string) bool {
	_, ok := s.at[name]
	return ok
}

// read returns the next line that is not blank.
func (s *jsonlSource) read() ([]byte, int, error) {
	for {
		text, n, err := s.line()
		if err != nil || len(bytes.TrimSpace(text)) > 0 {
			return text, n, err
		}
	}
}

// learn makes columns of the members in text. It reports whether it could.
func (s *jsonlSource) learn(text []byte) bool {
	members, err := readMembers(text, s.parsed[:0])
	if err != nil {
		return false
	}
	for _, m := range members {
		if !s.has(m.name) {
			s.at[m.name] = len(s.names)
			s.names = append(s.names, m.name)
		}
	}
	s.parsed = members
	return true
}

func (s *jsonlSource) columns() []string { return s.names }

func (s *jsonlSource) next(rec *record) error {
	var text []byte
	var n int
	if len(s.queue) > 0 {
		text, n = s.queue[0].text, s.queue[0].n
		s.queue = s.queue[1:]
	} else {
		var err error
		if text, n, err = s.read(); err != nil {
			return err
		}
	}
	*rec = record{line: n, raw: text, cells: make([]string, len(s.names), len(s.names)+s.spare)}
	members, err := readMembers(text, s.parsed[:0])
	s.parsed = members
	if err != nil {
		rec.problem = lineFault(err)
		rec.cells[s.more] = string(text)
		return nil
	}
	s.fill(rec, members)
	return nil
}

func lineFault(err error) *store.Failure {
	switch {
	case errors.Is(err, errRepeated):
		return rowFault("json_repeated", err.Error())
	case errors.Is(err, errDepth):
		return rowFault("json_depth", err.Error())
	default:
		return rowFault("json_object", err.Error())
	}
}

func (s *jsonlSource) fill(rec *record, members []member) {
	var late map[string]json.RawMessage
	s.said = s.said[:0]
	for _, m := range members {
		cell, plain := m.cell()
		i, ok := s.at[m.name]
		if ok {
			rec.cells[i] = cell
		} else {
			i = -1
			if late == nil {
				late = map[string]json.RawMessage{}
			}
			late[m.name] = m.value
		}
		if c := s.means(i, m.name); c != "" && strings.TrimSpace(cell) != "" {
			say := said{column: c, name: m.name, text: cell}
			if !plain {
				say.odd = oddType
			}
			s.said = append(s.said, say)
		}
	}
	rec.said = s.said
	if late != nil {
		text, _ := json.Marshal(late) // of valid JSON
		rec.cells[s.more] = string(text)
	}
}
