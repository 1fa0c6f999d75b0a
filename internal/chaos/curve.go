package chaos

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Curves are figures that were taken over time, each under a name.
type Curves struct {
	Names   []string
	Seconds []float64
	Values  [][]float64 // by name, as long as Seconds
}

// ReadCurves reads a CSV file whose first column is seconds, and whose first
// line has the names of the others.
func ReadCurves(r io.Reader) (c Curves, err error) {
	lines, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return c, fmt.Errorf("read curves: %w", err)
	}
	if len(lines) < 3 || len(lines[0]) < 2 {
		return c, fmt.Errorf("read curves: %d lines are none", len(lines))
	}
	c.Names = lines[0][1:]
	c.Values = make([][]float64, len(c.Names))
	for _, line := range lines[1:] {
		for i, field := range line {
			v, err := strconv.ParseFloat(field, 64)
			if err != nil {
				return c, fmt.Errorf("read curves: %w", err)
			}
			if i == 0 {
				c.Seconds = append(c.Seconds, v)
			} else {
				c.Values[i-1] = append(c.Values[i-1], v)
			}
		}
	}
	return c, nil
}

// Growth compares the mean of the last quarter with that of the second: 1.1 is
// a tenth more. The first quarter is left out, in which caches fill.
func (c Curves) Growth(i int) float64 {
	n := len(c.Values[i]) / 4
	early, late := mean(c.Values[i][n:2*n]), mean(c.Values[i][3*n:])
	if early == 0 {
		return 1
	}
	return late / early
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(max(1, len(v)))
}

// The size of one curve in a picture, and the room beside it.
const (
	curveWidth, curveHeight = 640, 90
	curveLeft, curveTop     = 90, 26
	curveStep               = curveHeight + curveTop + 24
)

// SVG draws the curves, one below the other, each from zero up.
func (c Curves) SVG() string {
	var b strings.Builder
	end := c.Seconds[len(c.Seconds)-1]
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n",
		curveLeft+curveWidth+20, curveStep*len(c.Names)+10)
	b.WriteString(`<rect width="100%" height="100%" fill="white"/>` + "\n")
	for i, name := range c.Names {
		top, most := curveTop+i*curveStep, 0.0
		for _, v := range c.Values[i] {
			most = max(most, v)
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" font-weight="bold">%s</text>`+"\n", curveLeft, top-8, escaped(name))
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text><text x="%d" y="%d" text-anchor="end">0</text>`+"\n",
			curveLeft-6, top+10, strconv.FormatFloat(most, 'g', 4, 64), curveLeft-6, top+curveHeight)
		fmt.Fprintf(&b, `<path d="M%d %dV%dH%d" fill="none" stroke="#999"/>`+"\n", curveLeft, top, top+curveHeight, curveLeft+curveWidth)
		var points []string
		for j, v := range c.Values[i] {
			x := curveLeft + c.Seconds[j]/max(1, end)*curveWidth
			y := float64(top) + curveHeight - v/max(1e-9, most)*curveHeight
			points = append(points, fmt.Sprintf("%.1f,%.1f", x, y))
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="#1a5fb4" stroke-width="1.5"/>`+"\n", strings.Join(points, " "))
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%.0f min</text>`+"\n", curveLeft+curveWidth, top+curveHeight+14, end/60)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
