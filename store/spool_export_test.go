package store

// SpoolDisk and SpoolFile are what a spool asks of its file system.
type (
	SpoolDisk = spoolDisk
	SpoolFile = spoolFile
)

// SystemDisk is the one that spools use.
var SystemDisk = systemDisk

// OpenSpoolOn is OpenSpool on another disk.
var OpenSpoolOn = openSpool
