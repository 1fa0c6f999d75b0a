package api

import "github.com/plateq/plateq/internal/openapi"

func (s *server) unknownRoutes() []route {
	return []route{
		{openapi.Operation{
			Method: "GET", Path: "/v1/unknown", ID: "listUnknown", Tag: tagUnknown, Summary: "List calls of which nobody knows, oldest first",
			Params: []openapi.Param{
				providerParam(), batchParam(), openapi.Count("call", "Only this one.", 0),
				openapi.Flag("resent", "Those too whose rows were all asked again."),
				openapi.Flag("decisions", "Add the last hundred decisions."), limitParam, cursorParam,
			},
			Answers: openapi.OK("A page of calls.", unknownPage{}),
		}, s.listUnknown},
		{openapi.Operation{
			Method: "POST", Path: "/v1/unknown/resend", ID: "resendUnknown", Tag: tagUnknown, Summary: "Ask again what is unknown, and perhaps pay twice",
			About: "It is about one call, the calls of a batch, or all of a provider. The reason is kept. " +
				"What comes again under one Idempotency-Key within 48 hours takes up calls that were unknown when the first came and that it left; another request under it is refused.",
			Params: []openapi.Param{onceParam()},
			Body:   openapi.JSON(decisionRequest{}), Answers: openapi.OK("What that comes to.", resent{}),
		}, s.resend},
		{openapi.Operation{
			Method: "POST", Path: "/v1/unknown/give-up", ID: "giveUpUnknown", Tag: tagUnknown, Summary: "Fail what is unknown",
			About: "An answer that comes later counts.",
			Body:  openapi.JSON(decisionRequest{}), Answers: openapi.OK("What that comes to.", settledUnknown{}),
		}, s.giveUp},
		{openapi.Operation{
			Method: "POST", Path: "/v1/unknown/adopt", ID: "adoptTicket", Tag: tagUnknown,
			Summary: "Have an unknown call wait on a ticket that the provider shows",
			About: "Where a ticket of the provider answers one row, and several questions of the call are unknown, the row is named: " +
				"what it asks waits on the ticket, and the others stay unknown. Without a row such a ticket is refused.",
			Body: openapi.JSON(adoptRequest{}), Answers: openapi.OK("What that comes to.", settledUnknown{}),
		}, s.adopt},
	}
}
