package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// platforms are those that an archive is made for.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// item is a file of an archive.
type item struct {
	name string
	mode fs.FileMode
	body []byte
}

// release makes an archive and a bill for each platform, and the sums of all.
func release(ctx context.Context, s settings, only []string) error {
	if only == nil {
		only = platforms
	}
	dir, err := os.MkdirTemp("", "ship-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it lies among temporary files
	common, err := s.papers(ctx, dir)
	if err != nil {
		return err
	}
	var made []string
	for _, platform := range only {
		files, err := s.archive(ctx, dir, platform, common)
		if err != nil {
			return err
		}
		made = append(made, files...)
	}
	return s.writeSums(made)
}

// papers are what goes into every archive: pages of the manual and completions,
// which the program writes itself.
func (s *settings) papers(ctx context.Context, dir string) ([]item, error) {
	var all []item
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md", ".env.example"} {
		body, err := os.ReadFile(filepath.Join(s.source, name)) //nolint:gosec // ours
		if err != nil {
			return nil, err
		}
		all = append(all, item{name, 0o644, body})
	}
	here, err := s.build(ctx, dir, runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	for shell, name := range map[string]string{"bash": "plateq.bash", "zsh": "_plateq", "fish": "plateq.fish", "powershell": "plateq.ps1"} {
		body, err := exec.CommandContext(ctx, here, "completion", shell).Output() //nolint:gosec // it was just made
		if err != nil {
			return nil, fmt.Errorf("make completions for %s: %w", shell, err)
		}
		all = append(all, item{"completions/" + name, 0o644, body})
	}
	pages := filepath.Join(dir, "man")
	if out, err := exec.CommandContext(ctx, here, "man", pages, s.at.Format(time.DateOnly)).CombinedOutput(); err != nil { //nolint:gosec // it was just made
		return nil, fmt.Errorf("make pages of the manual: %w: %s", err, out)
	}
	found, err := os.ReadDir(pages)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		body, err := os.ReadFile(filepath.Join(pages, f.Name())) //nolint:gosec // it was just made
		if err != nil {
			return nil, err
		}
		all = append(all, item{"man/man1/" + f.Name(), 0o644, body})
	}
	slices.SortFunc(all, func(a, b item) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// archive makes those of one platform, and returns their names.
func (s *settings) archive(ctx context.Context, dir, platform string, common []item) ([]string, error) {
	goos, goarch, _ := strings.Cut(platform, "/")
	path, err := s.build(ctx, dir, goos, goarch)
	if err != nil {
		return nil, err
	}
	body, err := os.ReadFile(path) //nolint:gosec // it was just made
	if err != nil {
		return nil, err
	}
	base := fmt.Sprintf("plateq_%s_%s_%s", strings.TrimPrefix(s.version, "v"), goos, goarch)
	if err := s.writeBill(path, base); err != nil {
		return nil, err
	}
	legal, err := s.licences(ctx, goos, goarch)
	if err != nil {
		return nil, err
	}
	program, suffix, pack := "plateq", ".tar.gz", packTar
	if goos == "windows" {
		program, suffix, pack = "plateq.exe", ".zip", packZip
	}
	var b bytes.Buffer
	if err := pack(&b, base, s.at, append([]item{{program, 0o755, body}, {licencesName, 0o644, legal}}, common...)); err != nil {
		return nil, fmt.Errorf("pack for %s: %w", platform, err)
	}
	if err := os.WriteFile(filepath.Join(s.out, base+suffix), b.Bytes(), 0o644); err != nil { //nolint:gosec // it is handed out
		return nil, err
	}
	fmt.Println(filepath.Join(s.out, base+suffix))
	return []string{base + suffix, base + ".cdx.json"}, nil
}

func packTar(to io.Writer, base string, at time.Time, files []item) error {
	packed, err := gzip.NewWriterLevel(to, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(packed)
	for _, f := range files {
		h := &tar.Header{Name: base + "/" + f.name, Mode: int64(f.mode), Size: int64(len(f.body)), ModTime: at, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := w.Write(f.body); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return packed.Close()
}

func packZip(to io.Writer, base string, at time.Time, files []item) error {
	w := zip.NewWriter(to)
	for _, f := range files {
		h := &zip.FileHeader{Name: base + "/" + f.name, Method: zip.Deflate, Modified: at}
		h.SetMode(f.mode)
		part, err := w.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := part.Write(f.body); err != nil {
			return err
		}
	}
	return w.Close()
}

// writeSums writes what sha256sum --check reads.
func (s *settings) writeSums(names []string) error {
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		body, err := os.ReadFile(filepath.Join(s.out, name)) //nolint:gosec // it was just made
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(body), name)
	}
	return os.WriteFile(filepath.Join(s.out, "checksums.txt"), []byte(b.String()), 0o644) //nolint:gosec // it is handed out
}
