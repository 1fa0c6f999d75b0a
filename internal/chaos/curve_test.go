package chaos_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/chaos"
)

func TestCurves(t *testing.T) {
	t.Parallel()
	c, err := chaos.ReadCurves(strings.NewReader("seconds,flat,a<b\n0,4,1\n10,4,2\n20,4,3\n30,4,4\n40,4,5\n50,4,6\n60,4,7\n70,4,8\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Growth(0); got != 1 {
		t.Errorf("what is flat grows %v times", got)
	}
	if got := c.Growth(1); math.Abs(got-7.5/3.5) > 1e-9 {
		t.Errorf("what grows, grows %v times", got)
	}
	d := xml.NewDecoder(strings.NewReader(c.SVG()))
	lines := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "polyline" {
			lines++
		}
	}
	if lines != 2 {
		t.Errorf("%d curves are drawn, want 2", lines)
	}
}

func TestReadCurvesRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "seconds,a\n", "seconds\n1\n2\n", "seconds,a\n1,x\n2,3\n"} {
		if _, err := chaos.ReadCurves(strings.NewReader(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
