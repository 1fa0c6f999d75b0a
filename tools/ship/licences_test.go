package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever is linked is named, with its words.
func TestEveryModuleInTheBinaryHasItsLicence(t *testing.T) {
	s := settings{source: "../.."}
	for _, goos := range []string{"linux", "windows"} {
		got, err := s.licences(t.Context(), goos, "arm64")
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./cmd/plateq")
		cmd.Dir, cmd.Env = s.source, append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH=arm64")
		listed, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, module := range append(strings.Split(strings.TrimSpace(string(listed)), "\n"), "the Go standard library") {
			if module != "" && !strings.Contains(string(got), "\n"+module+": ") {
				t.Errorf("%s: nothing about %s", goos, module)
			}
		}
		for _, words := range []string{"The Go Authors", "Kentaro Hibino"} {
			if !strings.Contains(string(got), words) {
				t.Errorf("%s: %q is nowhere", goos, words)
			}
		}
	}
}

func TestLicencesAreWrittenWhereThereIsNoGit(t *testing.T) {
	out := filepath.Join(t.TempDir(), "licenses")
	if err := run(t.Context(), []string{"licences", "-source=../..", "-out=" + out, "-platforms=linux/amd64"}); err != nil {
		t.Fatal(err)
	}
	for name, words := range map[string]string{"LICENSE": "Apache License", licencesName: "Kentaro Hibino"} {
		if text, err := os.ReadFile(filepath.Join(out, name)); err != nil || !strings.Contains(string(text), words) {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
	}
	if err := run(t.Context(), []string{"licences", "-source=../..", "-out=" + out}); err == nil {
		t.Error("they were written for no platform")
	}
}

func TestLicencesOfPackagesAreThoseAroundThem(t *testing.T) {
	top := t.TempDir()
	for name, text := range map[string]string{
		"LICENSE": "whole", "NOTICE.txt": "notice", "a/b/licence-mit": "part", "a/c/COPYING": "elsewhere", "a/license.go": "code", "README": "no",
	} {
		path := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]string{}
	if err := gather(got, top, filepath.Join(top, "a", "b")); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got["LICENSE"] != "whole" || got["NOTICE.txt"] != "notice" || got["a/b/licence-mit"] != "part" {
		t.Errorf("got %v", got)
	}
	if err := gather(got, filepath.Join(top, "a"), top); err == nil {
		t.Error("a package outside its module was read")
	}
}

func TestAModuleWithoutALicenceIsRefused(t *testing.T) {
	if text, err := written(map[string]map[string]string{"m v1": {}}); err == nil {
		t.Errorf("got %s", text)
	}
}
