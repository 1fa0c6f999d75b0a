package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func example() settings {
	return settings{version: "v1.2.3+x", commit: "0123456789abcdef", at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
}

// unpack reads a tar by the names of its files.
func unpack(t *testing.T, r io.Reader) (map[string][]byte, map[string]*tar.Header) {
	t.Helper()
	files, heads := map[string][]byte{}, map[string]*tar.Header{}
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files, heads
		}
		if err != nil {
			t.Fatal(err)
		}
		if heads[h.Name] != nil {
			t.Errorf("%s is there twice", h.Name)
		}
		heads[h.Name] = h
		if files[h.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
}

func made(t *testing.T) []byte {
	t.Helper()
	var all []image
	for _, arch := range []string{"amd64", "arm64"} {
		i, err := newImage(arch, example(), contents{[]byte("binary for " + arch), []byte("authorities"), []byte("ours"), []byte("theirs")})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, i)
	}
	var b bytes.Buffer
	if err := writeImages(&b, "plateq:v1.2.3-x", example().at, all); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnImageIsTheSameTwice(t *testing.T) {
	if !bytes.Equal(made(t), made(t)) {
		t.Error("two images of the same parts differ")
	}
}

func TestAnImageIsWhole(t *testing.T) {
	files, _ := unpack(t, bytes.NewReader(made(t)))
	for name, body := range files {
		if digest, ok := strings.CutPrefix(name, "blobs/sha256/"); ok && fmt.Sprintf("%x", sha256.Sum256(body)) != digest {
			t.Errorf("%s does not hold what its name says", name)
		}
	}
	var index struct{ Manifests []descriptor }
	read(t, files["index.json"], &index)
	if len(index.Manifests) != 2 {
		t.Fatalf("%d images, want 2", len(index.Manifests))
	}
	for _, m := range index.Manifests {
		checkImage(t, files, m)
	}
	var docker []struct {
		Config           string
		RepoTags, Layers []string
	}
	read(t, files["manifest.json"], &docker)
	if len(docker) != 1 || files[docker[0].Config] == nil || files[docker[0].Layers[0]] == nil || docker[0].RepoTags[0] != "plateq:v1.2.3-x" {
		t.Errorf("for docker load there is %+v", docker)
	}
}

func at(d descriptor) string { return "blobs/sha256/" + strings.TrimPrefix(d.Digest, "sha256:") }

func checkImage(t *testing.T, files map[string][]byte, of descriptor) {
	t.Helper()
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	read(t, files[at(of)], &manifest)
	var config struct {
		Architecture string
		Config       struct {
			User        string
			Entrypoint  []string
			Labels      map[string]string
			Healthcheck struct{ Test []string }
		}
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	read(t, files[at(manifest.Config)], &config)
	c := config.Config
	if config.Architecture != of.Platform.Architecture || c.User != "65532:65532" || c.Entrypoint[0] != "/plateq" ||
		c.Labels["org.opencontainers.image.version"] != "v1.2.3+x" || strings.Join(c.Healthcheck.Test, " ") != "CMD /plateq doctor --health" {
		t.Errorf("for %s the configuration is %+v", of.Platform.Architecture, config)
	}
	packed, err := gzip.NewReader(bytes.NewReader(files[at(manifest.Layers[0])]))
	if err != nil {
		t.Fatal(err)
	}
	layer, err := io.ReadAll(packed)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("sha256:%x", sha256.Sum256(layer)); config.RootFS.DiffIDs[0] != want {
		t.Errorf("the layer is %s, want %s", config.RootFS.DiffIDs[0], want)
	}
	inside, heads := unpack(t, bytes.NewReader(layer))
	if string(inside["plateq"]) != "binary for "+config.Architecture || string(inside["etc/ssl/certs/ca-certificates.crt"]) != "authorities" ||
		string(inside["licenses/LICENSE"]) != "ours" || string(inside["licenses/THIRD-PARTY-LICENSES.txt"]) != "theirs" {
		t.Errorf("in the layer is %v", heads)
	}
	for name, h := range heads {
		if h.Mode&0o022 != 0 || h.Mode&0o6000 != 0 || h.Uid != 0 && name != "data/" {
			t.Errorf("%s has mode %o and owner %d", name, h.Mode, h.Uid)
		}
	}
	if heads["data/"].Uid != owner {
		t.Errorf("/data belongs to %d", heads["data/"].Uid)
	}
}

func read(t *testing.T, body []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatal(err)
	}
}

func TestArchivesAreTheSameTwiceAndKeepModes(t *testing.T) {
	files := []item{{"plateq", 0o755, []byte("binary")}, {"man/man1/plateq.1", 0o644, []byte("page")}}
	for name, pack := range map[string]func(io.Writer, string, time.Time, []item) error{"tar": packTar, "zip": packZip} {
		var once, again bytes.Buffer
		if err := errors.Join(pack(&once, "plateq_1", example().at, files), pack(&again, "plateq_1", example().at, files)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(once.Bytes(), again.Bytes()) {
			t.Errorf("two %s archives of the same files differ", name)
		}
		if name == "zip" {
			r, err := zip.NewReader(bytes.NewReader(once.Bytes()), int64(once.Len()))
			if err != nil || len(r.File) != 2 || r.File[0].Name != "plateq_1/plateq" || r.File[0].Mode() != 0o755 {
				t.Errorf("the zip holds %v, %v", r, err)
			}
			continue
		}
		r, err := gzip.NewReader(&once)
		if err != nil {
			t.Fatal(err)
		}
		got, heads := unpack(t, r)
		if string(got["plateq_1/man/man1/plateq.1"]) != "page" || heads["plateq_1/plateq"].Mode != 0o755 {
			t.Errorf("the tar holds %v", heads)
		}
	}
}

func TestABillListsWhatABinarySays(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(bill(info, "v1.2.3+x", example().at, sha256.Sum256([]byte("x"))))
	if err != nil {
		t.Fatal(err)
	}
	var b struct {
		BOMFormat, SpecVersion, SerialNumber string
		Metadata                             struct{ Component component }
		Components                           []component
	}
	read(t, text, &b)
	if b.BOMFormat != "CycloneDX" || b.SpecVersion != "1.6" || len(b.SerialNumber) != len("urn:uuid:00000000-0000-0000-0000-000000000000") ||
		!strings.HasSuffix(b.Metadata.Component.Purl, "@v1.2.3%2Bx") || b.Components[0].Name != "std" || len(b.Components) != 1+len(info.Deps) {
		t.Errorf("the bill is %s", text)
	}
}
