package wirejson

import (
	"encoding/json"

	"github.com/plateq/plateq/internal/jsonscan"
)

// Without returns a value that is part of a parsed body, less the members of
// objects at any depth whose key drop accepts. What holds none of them is
// returned as it came, byte for byte, what holds some without blanks.
func Without(v json.RawMessage, drop func(key string) bool) json.RawMessage {
	s := stripper{rest: jsonscan.Space(v), out: make([]byte, 0, len(v)), drop: drop}
	s.value()
	if !s.dropped {
		return v
	}
	return s.out
}

// stripper copies a valid value from rest to out in one pass.
type stripper struct {
	rest, out []byte
	drop      func(string) bool
	dropped   bool
}

func (s *stripper) value() {
	switch {
	case len(s.rest) == 0:
	case s.rest[0] == '{':
		s.members()
	case s.rest[0] == '[':
		s.elements()
	default:
		s.copy(jsonscan.Value(s.rest))
	}
}

func (s *stripper) members() {
	s.copy(1)
	for first := true; len(s.rest) > 0 && s.rest[0] != '}'; s.rest = jsonscan.Behind(s.rest) {
		key := s.rest[:jsonscan.String(s.rest)]
		s.rest = jsonscan.Space(jsonscan.Space(s.rest[len(key):])[1:]) // behind the colon
		if name, err := jsonscan.Unquote(key); err == nil && s.drop(name) {
			s.dropped = true
			s.rest = s.rest[jsonscan.Value(s.rest):]
			continue
		}
		if !first {
			s.out = append(s.out, ',')
		}
		first = false
		s.out = append(append(s.out, key...), ':')
		s.value()
	}
	s.copy(1)
}

func (s *stripper) elements() {
	s.copy(1)
	for first := true; len(s.rest) > 0 && s.rest[0] != ']'; s.rest = jsonscan.Behind(s.rest) {
		if !first {
			s.out = append(s.out, ',')
		}
		first = false
		s.value()
	}
	s.copy(1)
}

// copy takes n bytes over, and the blanks behind them away.
func (s *stripper) copy(n int) {
	s.out = append(s.out, s.rest[:n]...)
	s.rest = jsonscan.Space(s.rest[n:])
}
