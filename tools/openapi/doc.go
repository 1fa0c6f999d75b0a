// Package openapi shows that others can build on the document of Plateq's HTTP
// API: that it is valid, and that a client which oapi-codegen generates from it
// works. It is a module of its own, so that the product needs no generator.
package openapi
