package intake

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// numberStyle is how a style shows a number, as far as that tells what was
// typed.
type numberStyle struct {
	date     bool
	exponent bool // 12E05 was typed, and not 1200000
	zeros    int  // as many digits are shown at least; 0: that is not sure
}

// readStyles learns how styles show numbers.
func (b *book) readStyles(name string) error {
	var styles struct {
		Formats []struct {
			ID   int    `xml:"numFmtId,attr"`
			Code string `xml:"formatCode,attr"`
		} `xml:"numFmts>numFmt"`
		Cells []struct {
			Format int `xml:"numFmtId,attr"`
		} `xml:"cellXfs>xf"`
	}
	if err := b.parse(name, &styles); err != nil {
		return err
	}
	own := map[int]numberStyle{}
	for _, f := range styles.Formats {
		code := string(unescape([]byte(f.Code)))
		own[f.ID] = numberStyle{showsDate(code), showsExponent(code), zerosOf(code)}
	}
	for _, c := range styles.Cells {
		s, ok := own[c.Format]
		if !ok {
			s = builtIn(c.Format)
		}
		b.styles = append(b.styles, s)
	}
	return nil
}

// style returns the style of that number, the zero one where there is none.
func (b *book) style(number string) numberStyle {
	i, err := strconv.Atoi(number)
	if err != nil || i < 0 || i >= len(b.styles) {
		return numberStyle{}
	}
	return b.styles[i]
}

// builtIn is the format of that number among those that have only a number
// (ECMA-376 part 1, 18.8.30), the dates of East Asia among them.
func builtIn(id int) numberStyle {
	return numberStyle{
		date:     id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 || id >= 50 && id <= 58,
		exponent: id == 11 || id == 48,
	}
}

// showsDate reports whether a format code holds a part of a date: a letter of
// one.
func showsDate(code string) bool {
	return hasBare(code, func(rest string) bool { return strings.IndexByte("yYmMdDhHsS", rest[0]) >= 0 })
}

// showsExponent reports whether a format code, in any of its sections, holds
// an exponent: E+00.
func showsExponent(code string) bool {
	return hasBare(code, func(rest string) bool {
		return len(rest) > 1 && (rest[0] == 'E' || rest[0] == 'e') && (rest[1] == '+' || rest[1] == '-')
	})
}

// hasBare reports whether is holds for what a format code goes on with at one
// of its places outside of quotes, brackets and escapes.
func hasBare(code string, is func(rest string) bool) bool {
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '"', '[':
			end := strings.IndexByte(code[i+1:], map[byte]byte{'"': '"', '[': ']'}[code[i]])
			if end < 0 {
				return false
			}
			i += end + 1
		case '\\', '_', '*':
			i++
		default:
			if is(code[i:]) {
				return true
			}
		}
	}
	return false
}

// maxFormat is how long a format code can be in Excel.
const maxFormat = 255

// zerosOf returns how many digits a format code shows at least, where it shows
// a number that is whole, and not negative, as these digits and nothing else:
// 0000000, in a language that writes them as we do, and with a section of its
// own for other numbers, or for text, that cannot be meant instead. 0: there
// are other signs in the code, and what it shows is not sure.
func zerosOf(code string) int {
	if rest, ok := strings.CutPrefix(code, "[$-"); ok {
		language, rest, ok := strings.Cut(rest, "]")
		// Further digits choose other figures; those from F000 on are no language.
		if n, err := strconv.ParseUint(language, 16, 16); !ok || err != nil || n >= 0xF000 {
			return 0
		}
		code = rest
	}
	digits, other, _ := strings.Cut(code, ";")
	if len(digits) > maxFormat || strings.Trim(digits, "0") != "" || strings.ContainsAny(other, `;["\`) {
		return 0
	}
	return len(digits)
}

// date writes a number of days as the date that it stands for.
func (b base1904) date(days float64) string {
	from := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if b {
		from = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	const tooMany = 2958466 // the first day of the year 10000
	if days < 0 || days >= tooMany {
		return strconv.FormatFloat(days, 'f', -1, 64)
	}
	whole, part := math.Modf(days) // as a Duration holds less than 300 years
	return dateText(from.AddDate(0, 0, int(whole)).Add(time.Duration(part * 24 * float64(time.Hour))))
}

// isoDate writes what a cell of the kind "d" holds, a date of ISO 8601, as one
// that is a number of days. Anything else, as a time of another zone, stays as
// it is.
func isoDate(value string) string {
	text := strings.TrimSuffix(strings.TrimSpace(value), "Z")
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			return dateText(at)
		}
	}
	return value
}

// dateText leaves out the time of day where it is midnight.
func dateText(at time.Time) string {
	at = at.Round(time.Second)
	if at.Equal(at.Truncate(24 * time.Hour)) {
		return at.Format(time.DateOnly)
	}
	return at.Format(time.DateTime)
}
