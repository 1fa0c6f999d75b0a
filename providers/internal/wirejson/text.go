package wirejson

import (
	"bytes"
	"encoding/json"
)

// Text returns a string, or a number as it is written. False: the value is not
// there or something else.
func Text(value []byte) (string, bool) {
	switch {
	case len(value) == 0:
		return "", false
	case value[0] == '"':
		s, err := unquote(value)
		return s, err == nil
	case value[0] == '-' || value[0] >= '0' && value[0] <= '9':
		return string(value), true
	default:
		return "", false
	}
}

// unquote returns what a string says.
func unquote(b []byte) (string, error) {
	if isPlain(b) {
		return string(b[1 : len(b)-1]), nil
	}
	var s string
	err := json.Unmarshal(b, &s)
	return s, err
}

// isPlain reports whether a string is what is between its quotes.
func isPlain(b []byte) bool { return len(b) >= 2 && bytes.IndexByte(b, '\\') < 0 }

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
