package wirejson

import "encoding/json"

// Without returns a value that is part of a parsed body, less the members of
// objects at any depth whose key drop accepts. What holds none of them is
// returned as it came, byte for byte, what holds some without blanks.
func Without(v json.RawMessage, drop func(key string) bool) json.RawMessage {
	s := stripper{rest: space(v), out: make([]byte, 0, len(v)), drop: drop}
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
		s.copy(value(s.rest))
	}
}

func (s *stripper) members() {
	s.copy(1)
	for first := true; len(s.rest) > 0 && s.rest[0] != '}'; s.rest = next(s.rest) {
		key := s.rest[:quoted(s.rest)]
		s.rest = space(space(s.rest[len(key):])[1:]) // behind the colon
		if name, err := unquote(key); err == nil && s.drop(name) {
			s.dropped = true
			s.rest = s.rest[value(s.rest):]
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
	for first := true; len(s.rest) > 0 && s.rest[0] != ']'; s.rest = next(s.rest) {
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
	s.rest = space(s.rest[n:])
}
