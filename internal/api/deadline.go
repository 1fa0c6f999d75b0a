package api

import (
	"io"
	"net/http"
	"os"
	"time"
)

// slowest is how many bytes a second the other side has to take or give, on
// average, once a start of readTimeout or writeTimeout is used up.
const slowest = 16 << 10

// upload is a body that may take as long as bytes keep coming. Only time spent
// waiting for them counts, not what was done with them in between.
type upload struct {
	body   io.Reader
	ctl    *http.ResponseController
	waited time.Duration
	n      int64
}

func newUpload(w http.ResponseWriter, body io.Reader) *upload {
	return &upload{body: body, ctl: http.NewResponseController(w)}
}

// Read implements io.Reader. A body that is too slow is os.ErrDeadlineExceeded.
func (u *upload) Read(p []byte) (int, error) {
	left := readTimeout + time.Duration(u.n/slowest)*time.Second - u.waited
	if left <= 0 {
		return 0, os.ErrDeadlineExceeded
	}
	start := time.Now()
	_ = u.ctl.SetReadDeadline(start.Add(left)) // without a connection there is no deadline
	n, err := u.body.Read(p)
	u.waited += time.Since(start)
	u.n += int64(n)
	return n, err
}

// over says that the body was read and something is waited for. A deadline
// for more of it would end the request.
func (u *upload) over() { _ = u.ctl.SetReadDeadline(time.Time{}) }

// answerable gives the answer its whole time, however long the body took.
func (u *upload) answerable() {
	_ = u.ctl.SetWriteDeadline(time.Now().Add(writeTimeout))
}

// download is an answer that may take as long as bytes keep going.
type download struct {
	w   http.ResponseWriter
	ctl *http.ResponseController
	n   int64
}

// stretch is how much is written under one deadline.
const stretch = 1 << 20

func newDownload(w http.ResponseWriter) *download {
	return &download{w: w, ctl: http.NewResponseController(w), n: stretch}
}

// Write implements io.Writer.
func (d *download) Write(p []byte) (int, error) {
	if d.n >= stretch {
		_ = d.ctl.SetWriteDeadline(time.Now().Add(writeTimeout + stretch/slowest*time.Second))
		d.n = 0
	}
	n, err := d.w.Write(p)
	d.n += int64(n)
	return n, err
}
