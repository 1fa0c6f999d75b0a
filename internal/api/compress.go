package api

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// compressed are the media types that become much smaller. Problems are short,
// spreadsheets are packed already, and events must not wait.
var compressed = []string{typeJSON, typeNDJSON, typeCSV, typeHTML, typeCSS}

// worthIt is the length of an answer from which on it is compressed. One that
// does not say how long it is may be long.
const worthIt = 1 << 10

var gzips = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // it is a level
	return z
}}

// compressor compresses an answer for a client that takes it so.
type compressor struct {
	http.ResponseWriter
	takes bool
	begun bool
	zip   *gzip.Writer // nil: it goes as it is
}

func newCompressor(w http.ResponseWriter, r *http.Request) *compressor {
	return &compressor{ResponseWriter: w, takes: r.Method != http.MethodHead && takesGzip(r.Header.Values("Accept-Encoding"))}
}

func takesGzip(accept []string) bool {
	for one := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		coding, params, _ := strings.Cut(one, ";")
		if strings.TrimSpace(coding) != "gzip" {
			continue
		}
		weight, given := strings.CutPrefix(strings.TrimSpace(params), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !given || err == nil && q > 0
	}
	return false
}

// WriteHeader implements http.ResponseWriter.
func (c *compressor) WriteHeader(status int) {
	if !c.begun {
		c.begun = true
		c.choose(status)
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *compressor) choose(status int) {
	h := c.Header()
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || !slices.Contains(compressed, media) || status == http.StatusNoContent || status == http.StatusNotModified {
		return
	}
	h.Add("Vary", "Accept-Encoding")
	if n, err := strconv.Atoi(h.Get("Content-Length")); !c.takes || err == nil && n < worthIt {
		return
	}
	h.Set("Content-Encoding", "gzip")
	h.Del("Content-Length")
	c.zip = gzips.Get().(*gzip.Writer)
	c.zip.Reset(c.ResponseWriter)
}

// Write implements http.ResponseWriter.
func (c *compressor) Write(b []byte) (int, error) {
	if !c.begun {
		c.WriteHeader(http.StatusOK)
	}
	if c.zip != nil {
		return c.zip.Write(b)
	}
	return c.ResponseWriter.Write(b)
}

// FlushError sends what was written, as http.ResponseController asks for it.
func (c *compressor) FlushError() error {
	if c.zip != nil {
		if err := c.zip.Flush(); err != nil {
			return fmt.Errorf("flush answer: %w", err)
		}
	}
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController find deadlines.
func (c *compressor) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// end ends the answer. One that breaks off is not ended, so that nobody takes
// it for whole.
func (c *compressor) end() {
	if c.zip == nil {
		return
	}
	_ = c.zip.Close() // a client that left cannot be told so
	c.zip.Reset(nil)
	gzips.Put(c.zip)
	c.zip = nil
}
