package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

const assetsPath = "/assets/"

// assets are style, script and pictures, each under a name that changes with
// what it holds, so that browsers need never ask for it again.
type assets struct {
	names map[string]string // by the name of the file: the path
	texts map[string][]byte // by path
}

func readAssets() (*assets, error) {
	a := &assets{names: map[string]string{}, texts: map[string][]byte{}}
	files, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		return nil, fmt.Errorf("read assets: %w", err)
	}
	for _, f := range files {
		text, err := assetFiles.ReadFile("assets/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("read assets: %w", err)
		}
		sum := sha256.Sum256(text)
		stem, ending := strings.TrimSuffix(f.Name(), path.Ext(f.Name())), path.Ext(f.Name())
		at := assetsPath + stem + "." + hex.EncodeToString(sum[:6]) + ending
		a.names[f.Name()], a.texts[at] = at, text
	}
	return a, nil
}

// path returns where an asset is served.
func (a *assets) path(name string) (string, error) {
	at, ok := a.names[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return at, nil
}

// ServeHTTP implements http.Handler.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, ok := a.texts[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(r.URL.Path)))
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(text) // a browser that left cannot be told so
}
