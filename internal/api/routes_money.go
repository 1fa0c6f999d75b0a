package api

import (
	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/openapi"
	"github.com/plateq/plateq/store"
)

func ledgerParams() []openapi.Param {
	return []openapi.Param{
		providerParam(), batchParam(),
		openapi.Text("from", "A day in UTC, 2026-11-21, or a time with its zone."),
		openapi.Text("to", "The same; what is at that time is out."),
	}
}

func (s *server) moneyRoutes() []route {
	return []route{
		{openapi.Operation{
			Method: "GET", Path: "/v1/ledger", ID: "listCalls", Tag: tagMoney, Summary: "List calls and what they cost, newest first",
			Params: append(ledgerParams(), limitParam, cursorParam), Answers: openapi.OK("A page of calls.", ledgerPage{}),
		}, s.ledger},
		{openapi.Operation{
			Method: "GET", Path: "/v1/ledger/totals", ID: "sumCalls", Tag: tagMoney, Summary: "Sum calls up",
			About:   "Currencies are never summed up.",
			Params:  append(ledgerParams(), openapi.Choice("by", "What makes a group; \"currency\" where it is not said.", names(store.LedgerGroups())...)),
			Answers: openapi.OK("A sum for each group.", items[client.LedgerTotal]{}),
		}, s.ledgerTotals},
		{openapi.Operation{
			Method: "GET", Path: "/v1/budgets", ID: "listBudgets", Tag: tagMoney, Summary: "Show how budgets stand",
			Params:  []openapi.Param{openapi.Text("batch", "Only what bounds this batch.")},
			Answers: openapi.OK("All but those of batches that are finished.", items[budgetView]{}),
		}, s.listBudgets},
		{openapi.Operation{
			Method: "PUT", Path: "/v1/budgets/{scope}", ID: "setBudget", Tag: tagMoney, Summary: "Set the budget of a scope",
			About: "The scope is batch:ID, tenant:NAME:day, tenant:NAME:month, provider:NAME:day or provider:NAME:month.",
			Body:  openapi.JSON(budgetRequest{}), Answers: openapi.OK("What bounds it now, and which batches go on.", budgetChange{}),
		}, s.setBudget},
		{openapi.Operation{
			Method: "DELETE", Path: "/v1/budgets/{scope}", ID: "unsetBudget", Tag: tagMoney, Summary: "Take a budget back that was set",
			About:   "That of configuration, if there is one, counts again.",
			Answers: openapi.OK("What bounds it now, and which batches go on.", budgetChange{}),
		}, s.unsetBudget},
	}
}
