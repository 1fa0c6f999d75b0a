package web

import (
	"net/http"
	"slices"
)

// routes are all pages.
func (s *site) routes() []route {
	return slices.Concat(s.loginRoutes(), s.overviewRoutes(), s.listRoutes(), s.batchRoutes(), s.steerRoutes(), s.newRoutes(), s.lookupRoutes(), s.unknownRoutes(),
		s.providerRoutes(), s.queueRoutes(), s.webhookRoutes(), s.keyRoutes(), []route{
			{pattern: "/", open: true, serve: nothingHere},
		})
}

// nothingHere answers whatever has no page.
func nothingHere(v *visit) error {
	if !v.open && v.session.key == "" {
		return errLogIn // whoever is not known is not told what there is
	}
	return &refusal{
		status: http.StatusNotFound, title: "There is nothing here",
		Detail: "The address leads to no page. The list of batches is at /batches, and everything else is in the menu.",
	}
}
