package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/plateq/plateq/store"
)

// tagOf is the entity tag of what was made of the parts. It is a weak one: the
// answer may be compressed, or not.
func tagOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return `W/"` + hex.EncodeToString(sum[:12]) + `"`
}

// unchanged names the answer by its tag. True: the client has it already, and
// was told so.
func unchanged(w http.ResponseWriter, r *http.Request, tag string) bool {
	w.Header().Set("ETag", tag)
	for known := range strings.SplitSeq(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		known = strings.TrimSpace(known)
		if known == "*" || strings.TrimPrefix(known, "W/") == strings.TrimPrefix(tag, "W/") {
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	return false
}

// sameRows answers who asks again for rows that he has. Only those of a batch
// that is finished are the same as long as it is, and while nobody is erased.
func (s *server) sameRows(w http.ResponseWriter, r *http.Request, b store.Batch, media string) (bool, error) {
	if !b.State.Finished() {
		return false, nil
	}
	gates, err := s.Store.Gates(r.Context())
	if err != nil {
		return false, err
	}
	v, err := s.show(r.Context(), b, gates) // rows that failed otherwise were asked again, so that it was done again
	if err != nil {
		return false, err
	}
	now, err := sightOf(v)
	if err != nil {
		return false, err
	}
	erased, under, err := s.erased(r.Context())
	if err != nil || under {
		return false, err
	}
	if b.Destroyed {
		erased += " destroyed"
	}
	pii := ""
	if seesPII(r.Context()) {
		pii = "pii"
	}
	return unchanged(w, r, tagOf(now.id, r.URL.RawQuery, media, pii, erased)), nil
}

// erased names the last erasure, and says whether one is under way: rows of
// lists that are finished change by it, and nothing else of these does.
func (s *server) erased(ctx context.Context) (last string, under bool, err error) {
	all, err := s.Store.Erasures(ctx)
	for _, e := range all {
		last, under = fmt.Sprintln(e.ID, e.Ended.UnixMilli()), under || e.Ended.IsZero()
	}
	return last, under, err
}
