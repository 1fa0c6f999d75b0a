package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// component is a part in CycloneDX 1.6.
type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Purl    string `json:"purl"`
	Hashes  []hash `json:"hashes,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

// writeBill writes what is in a binary, as the binary itself says it, to
// NAME.cdx.json.
func (s *settings) writeBill(binary, name string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return fmt.Errorf("read what %s is made of: %w", binary, err)
	}
	body, err := os.ReadFile(binary) //nolint:gosec // it was just made
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(bill(info, s.version, s.at, sha256.Sum256(body)), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.out, name+".cdx.json"), append(text, '\n'), 0o644) //nolint:gosec // it is handed out
}

// bill lists the modules of a binary. Its serial number is made of the digest:
// the same binary has the same.
func bill(info *debug.BuildInfo, version string, at time.Time, sum [sha256.Size]byte) map[string]any {
	product := modulePart(info.Main.Path, version)
	product.Type, product.Hashes = "application", []hash{{"SHA-256", hex.EncodeToString(sum[:])}}
	standard := component{
		Type: "library", Ref: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go"), Name: "std",
		Version: strings.TrimPrefix(info.GoVersion, "go"), Purl: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go"),
	}
	parts, refs := []component{standard}, []string{standard.Ref}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		p := modulePart(m.Path, m.Version)
		parts, refs = append(parts, p), append(refs, p.Ref)
	}
	slices.Sort(refs)
	return map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
		"serialNumber": serial(sum),
		"metadata":     map[string]any{"timestamp": at.Format(time.RFC3339), "component": product},
		"components":   parts,
		"dependencies": []map[string]any{{"ref": product.Ref, "dependsOn": refs}},
	}
}

func modulePart(path, version string) component {
	purl := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	return component{Type: "library", Ref: purl, Name: path, Version: version, Purl: purl}
}

// serial is a UUID made of a digest.
func serial(sum [sha256.Size]byte) string {
	const version, variant = 0x80, 0x80 // 8: made in a way of one's own
	id := sum[:16]
	id[6], id[8] = id[6]&0x0f|version, id[8]&0x3f|variant
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
