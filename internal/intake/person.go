package intake

import (
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// birthForm is how a date of birth is written, "31.01.2000".
const birthForm = "02.01.2006"

// birth returns a date of birth as birthForm has it. It is given so, or as
// 2000-01-31. Codes: birth_format, and birth_date for a day that no calendar
// has or that nobody alive was born on.
func birth(raw string) (string, *store.Failure) {
	const oldest, newest = 1900, 2100
	s := strings.TrimSpace(norm.NFKC.String(raw))
	if s == "" {
		return "", nil
	}
	layout := birthForm
	if strings.Contains(s, "-") {
		layout = time.DateOnly
	}
	if !shaped(s, layout) {
		return "", fault(providers.Birth, "format", "must be written DD.MM.YYYY or YYYY-MM-DD")
	}
	day, err := time.Parse(layout, s)
	if err != nil || day.Year() < oldest || day.Year() >= newest {
		return "", fault(providers.Birth, "date", "is no date on which somebody can be born")
	}
	return day.Format(birthForm), nil
}

// shaped reports whether s has digits where layout has them, and the same
// signs between them.
func shaped(s, layout string) bool {
	if len(s) != len(layout) {
		return false
	}
	for i := range len(s) {
		if isDigit(s[i]) != isDigit(layout[i]) || !isDigit(s[i]) && s[i] != layout[i] {
			return false
		}
	}
	return true
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// digestSize is how many digits an MD5 has in hex.
const digestSize = 32

// digest returns an MD5 in lower case. The code is COLUMN_format.
func digest(c providers.Column, raw string) (string, *store.Failure) {
	s := strings.ToLower(strings.TrimSpace(raw))
	if s == "" {
		return "", nil
	}
	if len(s) != digestSize || strings.Trim(s, "0123456789abcdef") != "" {
		return "", fault(c, "format", "must be an MD5 of %d hexadecimal digits", digestSize)
	}
	return s, nil
}

// isEmpty reports whether what is wrong with a column is that nothing is in
// it but signs between nothing.
func isEmpty(wrong *store.Failure, c providers.Column) bool {
	return wrong != nil && wrong.Code == string(c)+"_empty"
}
