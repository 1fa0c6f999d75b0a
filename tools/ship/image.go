package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// owner runs the process in the image, and owns /data: a number, so that
// Kubernetes can see that it is not root.
const owner = 65532

// Media types of the OCI image format.
const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// images makes one archive with an image for each platform, and a list of what
// is in each. docker load takes the first of them, everything that reads the
// OCI layout takes all.
func images(ctx context.Context, s settings, only []string) error {
	if only == nil {
		only = []string{"linux/amd64", "linux/arm64"}
	}
	cas, err := os.ReadFile(s.cas)
	if err != nil {
		return fmt.Errorf("read the authorities that the image trusts: %w: name their file by -cas", err)
	}
	own, err := os.ReadFile(filepath.Join(s.source, "LICENSE"))
	if err != nil {
		return err
	}
	built, err := os.MkdirTemp("", "ship-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(built) //nolint:errcheck // it lies among temporary files
	var all []image
	for _, platform := range only {
		goos, goarch, _ := strings.Cut(platform, "/")
		if goos != "linux" {
			return fmt.Errorf("%s: images are for linux", platform)
		}
		path, err := s.build(ctx, built, goos, goarch)
		if err != nil {
			return err
		}
		binary, err := os.ReadFile(path) //nolint:gosec // it was just made
		if err != nil {
			return err
		}
		if err := s.writeBill(path, "plateq-image-linux-"+goarch); err != nil {
			return err
		}
		legal, err := s.licences(ctx, goos, goarch)
		if err != nil {
			return err
		}
		made, err := newImage(goarch, s, contents{binary: binary, cas: cas, licence: own, licences: legal})
		if err != nil {
			return err
		}
		all = append(all, made)
	}
	name := filepath.Join(s.out, "plateq-image.tar")
	f, err := os.Create(name) //nolint:gosec // ours
	if err != nil {
		return err
	}
	if err := writeImages(f, "plateq:"+strings.ReplaceAll(s.version, "+", "-"), s.at, all); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	fmt.Println(name)
	return nil
}

// blob is a part of an image, named by its digest.
type blob struct {
	kind string
	body []byte
}

func (b blob) digest() string {
	sum := sha256.Sum256(b.body)
	return hex.EncodeToString(sum[:])
}

func (b blob) path() string { return "blobs/sha256/" + b.digest() }

// descriptor is how one blob names another.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

func (b blob) descriptor() descriptor {
	return descriptor{MediaType: b.kind, Digest: "sha256:" + b.digest(), Size: len(b.body)}
}

// image is what is made for one platform.
type image struct {
	arch                    string
	layer, config, manifest blob
}

// contents are the files of an image.
type contents struct{ binary, cas, licence, licences []byte }

func newImage(arch string, s settings, c contents) (image, error) {
	files, err := layer(s.at, c)
	if err != nil {
		return image{}, err
	}
	packed := bytes.Buffer{}
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return image{}, err
	}
	if _, err := zip.Write(files); err != nil {
		return image{}, err
	}
	if err := zip.Close(); err != nil {
		return image{}, err
	}
	i := image{arch: arch, layer: blob{typeLayer, packed.Bytes()}}
	if i.config, err = jsonBlob(typeConfig, configuration(arch, s, blob{body: files}.digest())); err != nil {
		return image{}, err
	}
	i.manifest, err = jsonBlob(typeManifest, map[string]any{
		"schemaVersion": 2, "mediaType": typeManifest,
		"config": i.config.descriptor(), "layers": []descriptor{i.layer.descriptor()}, "annotations": labels(s),
	})
	return i, err
}

func jsonBlob(kind string, v any) (blob, error) {
	body, err := json.Marshal(v)
	return blob{kind, body}, err
}

// layer is the only one: the binary, the authorities that TLS is checked
// against, licences, and an empty place to write to.
func layer(at time.Time, c contents) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		name string
		mode int64
		uid  int
		body []byte
	}{
		{"data/", 0o700, owner, nil},
		{"etc/", 0o755, 0, nil},
		{"etc/ssl/", 0o755, 0, nil},
		{"etc/ssl/certs/", 0o755, 0, nil},
		{"etc/ssl/certs/ca-certificates.crt", 0o644, 0, c.cas},
		{"licenses/", 0o755, 0, nil},
		{"licenses/LICENSE", 0o644, 0, c.licence},
		{"licenses/" + licencesName, 0o644, 0, c.licences},
		{"plateq", 0o755, 0, c.binary},
	} {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Uid: f.uid, Gid: f.uid, Size: int64(len(f.body)), ModTime: at, Format: tar.FormatUSTAR}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.body); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// labels name what is in an image, as org.opencontainers.image does.
func labels(s settings) map[string]string {
	const prefix = "org.opencontainers.image."
	return map[string]string{
		prefix + "title":       "plateq",
		prefix + "description": "Looks up large lists of vehicle plates at paid provider APIs",
		prefix + "licenses":    "Apache-2.0",
		prefix + "source":      "https://github.com/plateq/plateq",
		prefix + "version":     s.version,
		prefix + "revision":    s.commit,
		prefix + "created":     s.at.Format(time.RFC3339),
	}
}

// configuration is what the process in the container gets. Healthcheck is
// Docker's word; others leave it.
func configuration(arch string, s settings, diff string) map[string]any {
	const second = 1_000_000_000
	return map[string]any{
		"architecture": arch, "os": "linux", "created": s.at.Format(time.RFC3339),
		"config": map[string]any{
			"User": fmt.Sprintf("%d:%d", owner, owner), "WorkingDir": "/data", "Env": []string{"PLATEQ_DATA_DIR=/data"},
			"Entrypoint": []string{"/plateq"}, "Volumes": map[string]any{"/data": struct{}{}}, "Labels": labels(s),
			"Healthcheck": map[string]any{
				"Test": []string{"CMD", "/plateq", "doctor", "--health"}, "Interval": 10 * second, "Timeout": 6 * second, "StartPeriod": 20 * second, "Retries": 3,
			},
		},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + diff}},
		"history": []map[string]string{{"created": s.at.Format(time.RFC3339), "created_by": "make image"}},
	}
}

// writeImages writes an OCI layout that is a docker archive at the same time.
func writeImages(to io.Writer, tag string, at time.Time, all []image) error {
	index := map[string]any{"schemaVersion": 2, "mediaType": typeIndex}
	blobs := map[string][]byte{}
	var listed []descriptor
	for _, i := range all {
		for _, b := range []blob{i.layer, i.config, i.manifest} {
			blobs[b.path()] = b.body
		}
		d := i.manifest.descriptor()
		d.Platform, d.Annotations = &platform{i.arch, "linux"}, map[string]string{"org.opencontainers.image.ref.name": tag}
		listed = append(listed, d)
	}
	index["manifests"] = listed
	docker := []map[string]any{{"Config": all[0].config.path(), "RepoTags": []string{tag}, "Layers": []string{all[0].layer.path()}}}
	for name, v := range map[string]any{"oci-layout": map[string]string{"imageLayoutVersion": "1.0.0"}, "index.json": index, "manifest.json": docker} {
		body, err := json.Marshal(v)
		if err != nil {
			return err
		}
		blobs[name] = body
	}
	names := make([]string, 0, len(blobs))
	for name := range blobs {
		names = append(names, name)
	}
	slices.Sort(names)
	w := tar.NewWriter(to)
	for _, name := range names {
		h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(blobs[name])), ModTime: at, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := w.Write(blobs[name]); err != nil {
			return err
		}
	}
	return w.Close()
}
