package api

import (
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// drip gives n bytes after each pause.
type drip struct {
	n     int
	pause time.Duration
}

func (d drip) Read(p []byte) (int, error) {
	time.Sleep(d.pause)
	return min(d.n, len(p)), nil
}

func TestUploadThatDripsIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := io.Copy(io.Discard, newUpload(httptest.NewRecorder(), drip{n: 1, pause: time.Second}))
		if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took != readTimeout {
			t.Errorf("left after %v with %v, want after %v", took, err, readTimeout)
		}
	})
}

func TestUploadThatComesMayTakeItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up := newUpload(httptest.NewRecorder(), drip{n: slowest / 4, pause: time.Second / 4})
		if _, err := io.CopyN(io.Discard, up, 600*slowest); err != nil {
			t.Errorf("left after %d bytes: %v", up.n, err)
		}
		time.Sleep(time.Hour) // what is done with the bytes does not count
		if _, err := up.Read(make([]byte, 1)); err != nil {
			t.Errorf("left after a pause of ours: %v", err)
		}
	})
}
