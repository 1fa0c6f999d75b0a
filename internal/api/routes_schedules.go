package api

import (
	"net/http"

	"github.com/plateq/plateq/internal/openapi"
)

func (s *server) scheduleRoutes() []route {
	return []route{
		{openapi.Operation{
			Method: "POST", Path: "/v1/schedules", ID: "addSchedule", Tag: tagSchedules, Summary: "Repeat a list at times",
			About: "At each of the times a new batch is made of the rows of a batch that is there. " +
				"What comes again under one Idempotency-Key within 48 hours is answered with the schedule that it made; another request under it is refused.",
			Params: []openapi.Param{onceParam()},
			Body:   openapi.JSON(scheduleRequest{}),
			Answers: []openapi.Answer{{Status: http.StatusCreated, About: "The schedule.", Content: []openapi.Content{
				{Media: typeJSON, Type: scheduleView{}},
			}}},
		}, s.addSchedule},
		{openapi.Operation{
			Method: "GET", Path: "/v1/schedules", ID: "listSchedules", Tag: tagSchedules, Summary: "List schedules, oldest first",
			About: "Each with its last run.", Answers: openapi.OK("All of them.", items[scheduleView]{}),
		}, s.listSchedules},
		{openapi.Operation{
			Method: "GET", Path: "/v1/schedules/{id}", ID: "getSchedule", Tag: tagSchedules, Summary: "Show a schedule and its last runs",
			Answers: openapi.OK("The schedule.", scheduleView{}),
		}, s.schedule},
		{openapi.Operation{
			Method: "POST", Path: "/v1/schedules/{id}/pause", ID: "pauseSchedule", Tag: tagSchedules, Summary: "Stop a schedule",
			About: "A run that has begun goes on.", Answers: openapi.OK("The schedule.", scheduleView{}),
		}, s.pauseSchedule},
		{openapi.Operation{
			Method: "POST", Path: "/v1/schedules/{id}/resume", ID: "resumeSchedule", Tag: tagSchedules, Summary: "Go on with a schedule at its next time",
			Answers: openapi.OK("The schedule.", scheduleView{}),
		}, s.resumeSchedule},
		{openapi.Operation{
			Method: "POST", Path: "/v1/schedules/{id}/run", ID: "runSchedule", Tag: tagSchedules, Summary: "Have a schedule run now, once",
			About:  "Even where it is paused. Its times stay as they are. What comes again under one Idempotency-Key within 48 hours has it run no second time.",
			Params: []openapi.Param{onceParam()}, Answers: openapi.OK("The schedule.", scheduleView{}),
		}, s.runSchedule},
		{openapi.Operation{
			Method: "DELETE", Path: "/v1/schedules/{id}", ID: "removeSchedule", Tag: tagSchedules, Summary: "Forget a schedule",
			About: "The batches that were made of it stay.", Answers: openapi.OK("The schedule as it was.", scheduleView{}),
		}, s.removeSchedule},
	}
}
