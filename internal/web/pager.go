package web

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
)

// pager leads from page to page of a list. Pages are found by where the last
// one ended, so that the millionth row is as near as the first; there is no
// way back but to the beginning.
type pager struct {
	First, Next string // addresses; empty: there is none
}

// pagerOf makes one for the list at path, chosen by q, of which the page at
// cursor is shown and next is the next one.
func pagerOf(path string, q url.Values, cursor string, next *string) pager {
	var p pager
	if cursor != "" {
		p.First = path
		if len(q) > 0 {
			p.First += "?" + q.Encode()
		}
	}
	if next != nil {
		with := maps.Clone(q)
		with.Set("cursor", *next)
		p.Next = path + "?" + with.Encode()
	}
	return p
}

// chosen returns those of the parameters of an address that choose, without
// what is empty: forms send all their fields.
func chosen(all url.Values, names ...string) url.Values {
	q := url.Values{}
	for _, name := range names {
		for _, value := range slices.DeleteFunc(slices.Clone(all[name]), func(s string) bool { return s == "" }) {
			q.Add(name, value)
		}
	}
	return q
}

// withPage is q with the place and length of a page.
func withPage(q url.Values, cursor string, limit int) url.Values {
	with := maps.Clone(q)
	with.Set("limit", strconv.Itoa(limit))
	if cursor != "" {
		with.Set("cursor", cursor)
	}
	return with
}

// without is q without some parameters.
func without(q url.Values, names ...string) url.Values {
	rest := maps.Clone(q)
	for _, name := range names {
		rest.Del(name)
	}
	return rest
}
