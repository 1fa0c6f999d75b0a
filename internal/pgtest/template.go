package pgtest

import (
	"crypto/rand"
	"strings"
	"sync"
	"testing"
)

// Template is a database of the shared cluster that tests get copies of, where
// to fill one anew for each would take longer than the tests.
type Template struct {
	fill func(url string) error
	once sync.Once
	name string
	err  error
}

// NewTemplate returns a template that fill will have filled, once. Its
// connections are closed when it returns.
func NewTemplate(fill func(url string) error) *Template { return &Template{fill: fill} }

// Copy returns the URL of a copy that is dropped with the test.
func (p *Template) Copy(t testing.TB) string {
	t.Helper()
	need(t)
	s, err := shared()
	if err != nil {
		t.Fatalf("start a cluster: %v", err)
	}
	p.once.Do(func() { p.make(t, s) })
	if p.err != nil {
		t.Fatalf("fill a template: %v", p.err)
	}
	name := newName()
	s.exec(t, "CREATE DATABASE "+name+" TEMPLATE "+p.name+byFiles())
	t.Cleanup(func() {
		if s.Alive() {
			s.exec(t, "DROP DATABASE "+name+" WITH (FORCE)")
		}
	})
	return s.database(name)
}

func (p *Template) make(t testing.TB, s *Server) {
	t.Helper()
	p.name = newName()
	s.exec(t, "CREATE DATABASE "+p.name)
	p.err = p.fill(s.database(p.name))
}

// byFiles asks for a copy without its pages passing through the log, which is
// as a server before 15 does it anyway.
func byFiles() string {
	if _, version := newest(); version < 15 {
		return ""
	}
	return " STRATEGY FILE_COPY"
}

func newName() string { return "test_" + strings.ToLower(rand.Text()[:12]) }
