// The modules that carry custom resource definitions; nothing is built from them.
module crd-sources

go 1.26.0

require (
	github.com/prometheus-operator/prometheus-operator v0.85.0
	istio.io/api v1.31.4
)
