package api

import (
	"net/http"

	"github.com/plateq/plateq/internal/openapi"
)

func (s *server) keyRoutes() []route {
	return []route{
		{openapi.Operation{
			Method: "POST", Path: "/v1/keys", ID: "createKey", Tag: tagKeys, Summary: "Make a key",
			About: "The answer holds it, this once: only a hash of it is kept. From the first key on, nobody is answered without one. " +
				"What comes again under one Idempotency-Key within 48 hours is answered with the key that it made, less what its holder shows: revoke that and make another.",
			Params:  []openapi.Param{onceParam()},
			Body:    openapi.JSON(keyRequest{}),
			Answers: []openapi.Answer{{Status: http.StatusCreated, About: "The key.", Content: []openapi.Content{{Media: typeJSON, Type: keyView{}}}}},
		}, s.createKey},
		{openapi.Operation{
			Method: "GET", Path: "/v1/keys", ID: "listKeys", Tag: tagKeys, Summary: "List keys, oldest first",
			About: "Those that were revoked or are over too.", Answers: openapi.OK("The keys.", items[keyView]{}),
		}, s.listKeys},
		{openapi.Operation{
			Method: "DELETE", Path: "/v1/keys/{id}", ID: "revokeKey", Tag: tagKeys, Summary: "Take a key back, at once and for good",
			Answers: openapi.OK("The key.", keyView{}),
		}, s.revokeKey},
	}
}
