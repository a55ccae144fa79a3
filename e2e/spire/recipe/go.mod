// How the pinned SPIRE is built from the Go module registry: `go install pkg@version` refuses a module with replace directives,
// so a module of our own requires it. The replaced SDK (one upstream authority that nothing here uses) has no v1.1.0 in every registry.
module spire-tools

go 1.26.4

require github.com/spiffe/spire v1.15.2

replace github.com/Keyfactor/ejbca-go-client-sdk => github.com/Keyfactor/ejbca-go-client-sdk v1.0.2
