package pgtest

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/plateq/plateq/internal/certtest"
)

// StartTLS is Start for a server that lets nobody in without TLS. It shows a
// certificate of that authority, for 127.0.0.1 and no name.
func StartTLS(t testing.TB, by *certtest.Authority) *Server {
	t.Helper()
	need(t)
	pair := by.Issue("127.0.0.1")
	return run(t, &Server{
		args: []string{"-c", "ssl=on"}, query: "sslmode=verify-full&sslrootcert=" + url.QueryEscape(by.File),
		prepare: func(s *Server) error { return s.secure(pair) },
	})
}

// secure puts the pair where the server looks for it, and closes every way in
// but that by TLS.
func (s *Server) secure(pair certtest.Pair) error {
	for name, from := range map[string]string{"server.crt": pair.Cert, "server.key": pair.Key} {
		body, err := os.ReadFile(from) //nolint:gosec // a file of the test
		if err != nil {
			return err
		}
		if err := s.put(name, body); err != nil {
			return err
		}
	}
	return s.put("pg_hba.conf", []byte("hostssl all all 127.0.0.1/32 trust\n"))
}

// put writes a file of the cluster as its owner.
func (s *Server) put(name string, body []byte) error {
	path := filepath.Join(s.data(), name)
	if err := os.WriteFile(path, body, 0o600); err != nil { //nolint:gosec // names of files are those above
		return err
	}
	if owner := credential(); owner != nil {
		return os.Chown(path, int(owner.Uid), int(owner.Gid))
	}
	return nil
}
