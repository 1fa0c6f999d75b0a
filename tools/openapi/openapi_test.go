package openapi_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestDocumentIsValidAndClientsAreGeneratedFromIt(t *testing.T) {
	dir := t.TempDir()
	base := serve(t, dir)
	text := fetch(t, base+"/openapi.json")
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if !doc.IsOpenAPI31OrLater() {
		t.Errorf("version %s", doc.OpenAPI)
	}

	file := filepath.Join(dir, "openapi.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	generated := filepath.Join(dir, "client.go")
	run(t, "go", "tool", "oapi-codegen", "-generate", "types,client", "-package", "main", "-o", generated, file)
	// What is generated is compiled as if it lay in its folder.
	place, err := filepath.Abs("generated/client.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{place: generated}})
	if err != nil {
		t.Fatal(err)
	}
	mapped := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(mapped, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Log(run(t, "go", "run", "-overlay", mapped, "-tags", "generated", "./generated", base))
}

// serve starts Plateq with stand-ins of its providers and returns where it
// listens.
func serve(t *testing.T, dir string) string {
	t.Helper()
	binary := filepath.Join(dir, "plateq")
	run(t, "go", "-C", "../..", "build", "-o", binary, "./cmd/plateq")
	cmd := exec.CommandContext(t.Context(), binary, "up", "--simulate")
	cmd.Env = append(os.Environ(), "PLATEQ_DATA_DIR="+filepath.Join(dir, "data"), "PLATEQ_LISTEN=127.0.0.1:0")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	talk, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(talk)
	for lines.Scan() {
		if base, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			go func() { _, _ = io.Copy(io.Discard, talk) }()
			return base
		}
	}
	t.Fatal("it does not listen")
	return ""
}

func fetch(t *testing.T, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, resp.Status, err)
	}
	return text
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
