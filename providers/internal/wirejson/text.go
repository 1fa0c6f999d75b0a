package wirejson

import (
	"bytes"
	"encoding/json"

	"github.com/plateq/plateq/internal/jsonscan"
)

// Text returns a string, or a number as it is written. False: the value is not
// there or something else.
func Text(value []byte) (string, bool) {
	switch {
	case len(value) == 0:
		return "", false
	case value[0] == '"':
		s, err := jsonscan.Unquote(value)
		return s, err == nil
	case value[0] == '-' || value[0] >= '0' && value[0] <= '9':
		return string(value), true
	default:
		return "", false
	}
}

// AppendText writes s behind b as a JSON string, with <, > and & as they are.
func AppendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(b, encoded(s)...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// encoded writes a text that may need escapes.
func encoded(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // text can always be written
	return bytes.TrimSpace(b.Bytes())
}
