// Package chart tests the Helm chart in deploy/helm: it is rendered as Helm
// does, and what comes out is read by Kubernetes' own types. It is a module of
// its own so that neither is a dependency of Plateq.
package chart
