// How the pinned kustomize is built from the Go module registry: the newest that Go 1.26 builds.
module kustomize-tools

go 1.26.0

require sigs.k8s.io/kustomize/kustomize/v5 v5.8.2
