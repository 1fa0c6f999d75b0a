package api

import (
	"net/http"

	"github.com/plateq/plateq/internal/openapi"
	"github.com/plateq/plateq/store"
)

func (s *server) webhookRoutes() []route {
	return []route{
		{openapi.Operation{
			Method: "POST", Path: "/v1/hooks", ID: "addHook", Tag: tagWebhooks, Summary: "Have a receiver told of events",
			About: "It is told of what happens from then on, as Standard Webhooks describe it: signed, at least once, in no order. " +
				"The answer holds its secret, this once. " +
				"What comes again under one Idempotency-Key within 48 hours is answered with the receiver that it made, less the secret: give it a new one.",
			Params:  []openapi.Param{onceParam()},
			Body:    openapi.JSON(webhookRequest{}),
			Answers: []openapi.Answer{{Status: http.StatusCreated, About: "The receiver.", Content: []openapi.Content{{Media: typeJSON, Type: webhookView{}}}}},
		}, s.addWebhook},
		{openapi.Operation{
			Method: "GET", Path: "/v1/hooks", ID: "listHooks", Tag: tagWebhooks, Summary: "List receivers, oldest first",
			Answers: openapi.OK("The receivers, callbacks of batches among them.", items[webhookView]{}),
		}, s.listWebhooks},
		{openapi.Operation{
			Method: "DELETE", Path: "/v1/hooks/{id}", ID: "removeHook", Tag: tagWebhooks, Summary: "Tell a receiver nothing more",
			About: "What it has still to get is forgotten.", Answers: openapi.OK("The receiver.", webhookView{}),
		}, s.removeWebhook},
		{openapi.Operation{
			Method: "POST", Path: "/v1/hooks/{id}/rotate", ID: "rotateHook", Tag: tagWebhooks, Summary: "Give a receiver a new secret",
			About: "The old one signs beside it for a while. The id \"callbacks\" names the secret of all callback URLs, which is made by this.",
			Body:  openapi.JSON(rotation{}), Answers: openapi.OK("The new secret.", rotated{}),
		}, s.rotateWebhook},
		{openapi.Operation{
			Method: "GET", Path: "/v1/deliveries", ID: "listDeliveries", Tag: tagWebhooks, Summary: "List deliveries, newest first",
			About: "They are kept for 30 days after they ended.",
			Params: []openapi.Param{
				openapi.Text("hook", "Only those to this receiver."), batchParam(),
				openapi.Choice("event", "Only those of such events.", names(store.EventKinds())...),
				openapi.Choice("state", "Only those that stand so.", "pending", "delivered", "failed"), limitParam, cursorParam,
			},
			Answers: openapi.OK("A page of deliveries.", deliveryPage{}),
		}, s.listDeliveries},
		{openapi.Operation{
			Method: "POST", Path: "/v1/deliveries/{id}/replay", ID: "replayDelivery", Tag: tagWebhooks, Summary: "Make a delivery again",
			About:   "One that is pending is due at once; of one that has ended there is a new one, of the same event and under the same webhook-id.",
			Answers: openapi.OK("The delivery that will be made.", deliveryView{}),
		}, s.replayDelivery},
	}
}
