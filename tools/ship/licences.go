package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licencesName is the file with the words of others that have to go along with
// a binary.
const licencesName = "THIRD-PARTY-LICENSES.txt"

// legal are files in which the authors of a module say what may be done with it.
var legal = regexp.MustCompile(`(?i)^(un)?licen[cs]e|^(copying|copyright|notice|patents)([-.]|$)`)

// writeLicences writes what an image has in /licenses, for one platform.
func writeLicences(ctx context.Context, s settings, only []string) error {
	if len(only) != 1 {
		return errors.New("give one platform, such as -platforms=linux/amd64")
	}
	goos, goarch, _ := strings.Cut(only[0], "/")
	own, err := os.ReadFile(filepath.Join(s.source, "LICENSE"))
	if err != nil {
		return err
	}
	others, err := s.licences(ctx, goos, goarch)
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"LICENSE": own, licencesName: others} {
		if err := os.WriteFile(filepath.Join(s.out, name), text, 0o644); err != nil { //nolint:gosec // it is handed out
			return err
		}
	}
	return nil
}

// linked is a package of the binary, as go list tells.
type linked struct {
	Dir      string
	Standard bool
	Module   *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// licences returns what the authors of everything in the binary for a platform
// say of it: for each module what lies at its root, and beside or above those of
// its packages that are in the binary. A module without a word is an error.
func (s *settings) licences(ctx context.Context, goos, goarch string) ([]byte, error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("find the standard library: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Dir,Standard,Module", "./cmd/plateq")
	cmd.Dir, cmd.Stderr = s.source, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	listed, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list what is in the binary: %w", err)
	}
	words := map[string]map[string]string{} // by module, then by the name of the file
	for d := json.NewDecoder(bytes.NewReader(listed)); ; {
		var p linked
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return written(words)
		} else if err != nil {
			return nil, fmt.Errorf("list what is in the binary: %w", err)
		}
		name, top := "the Go standard library", strings.TrimSpace(string(root))
		switch {
		case p.Standard:
			p.Dir = top
		case p.Module == nil || p.Module.Main:
			continue
		default:
			name, top = p.Module.Path+" "+p.Module.Version, p.Module.Dir
		}
		if words[name] == nil {
			words[name] = map[string]string{}
		}
		if err := gather(words[name], top, p.Dir); err != nil {
			return nil, fmt.Errorf("read the licence of %s: %w", name, err)
		}
	}
}

// gather adds the legal files from dir up to the directory top.
func gather(to map[string]string, top, dir string) error {
	for ; ; dir = filepath.Dir(dir) {
		rel, err := filepath.Rel(top, dir)
		if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
			return fmt.Errorf("%s is not in %s", dir, top)
		}
		files, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, f := range files {
			if f.IsDir() || !legal.MatchString(f.Name()) || filepath.Ext(f.Name()) == ".go" {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, f.Name())) //nolint:gosec // of a module that was verified
			if err != nil {
				return err
			}
			to[filepath.ToSlash(filepath.Join(rel, f.Name()))] = string(text)
		}
		if rel == "." {
			return nil
		}
	}
}

func written(words map[string]map[string]string) ([]byte, error) {
	var b strings.Builder
	b.WriteString("plateq holds the software below. Its own licence is in the file LICENSE.\n")
	for _, module := range sortedNames(words) {
		if len(words[module]) == 0 {
			return nil, fmt.Errorf("%s says nothing of what may be done with it", module)
		}
		for _, file := range sortedNames(words[module]) {
			fmt.Fprintf(&b, "\n%s\n%s: %s\n\n%s\n", strings.Repeat("=", 80), module, file, strings.TrimSpace(words[module][file]))
		}
	}
	return []byte(b.String()), nil
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
