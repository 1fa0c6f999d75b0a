package api

// How many webhooks are taken.
const (
	FloodRate  = floodRate
	FloodBurst = floodBurst
	FloodWidth = floodWidth
)
