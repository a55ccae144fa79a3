// The go-spiffe peer of the interoperability suite: `peer serve` offers HTTP, raw TLS and gRPC to one SPIFFE ID,
// `peer call` sends one message to a server of one SPIFFE ID. Every line of output is one JSON object.
package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

const (
	exitFailed  = 1
	exitUsage   = 2
	exitRefused = 4
	callTimeout = 10 * time.Second
)

// reply is what a server answers, over every protocol.
type reply struct {
	Message string `json:"message"`
	Caller  string `json:"caller"`
}

func main() {
	if len(os.Args) < 2 {
		fail(exitUsage, fmt.Errorf("serve or call?"))
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	peer := flags.String("peer", "", "the SPIFFE ID of the other side")
	protocol := flags.String("protocol", "", "call: http, tls or grpc")
	server := flags.String("server", "", "call: host:port")
	message := flags.String("message", "", "call: what to send")
	_ = flags.Parse(os.Args[2:])

	id, err := spiffeid.FromString(*peer)
	if err != nil {
		fail(exitUsage, fmt.Errorf("-peer: %w", err))
	}
	authorize := noteRefusals(tlsconfig.AuthorizeID(id))

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	opening, cancel := context.WithTimeout(ctx, 30*time.Second)
	source, err := workloadapi.NewX509Source(opening)
	cancel()
	if err != nil {
		fail(exitRefused, err)
	}
	defer source.Close()

	switch os.Args[1] {
	case "serve":
		if err := serve(ctx, source, authorize); err != nil {
			fail(exitFailed, err)
		}
	case "call":
		calling, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		answer, err := call(calling, *protocol, *server, *message, source, authorize)
		if err != nil {
			fail(exitRefused, err)
		}
		say(answer)
	default:
		fail(exitUsage, fmt.Errorf("%s: serve or call?", os.Args[1]))
	}
}

// noteRefusals tells the suite whom this side turned away, and why.
func noteRefusals(authorize tlsconfig.Authorizer) tlsconfig.Authorizer {
	return func(id spiffeid.ID, chains [][]*x509.Certificate) error {
		err := authorize(id, chains)
		if err != nil {
			say(map[string]string{"event": "refused", "peer": id.String(), "reason": err.Error()})
		}
		return err
	}
}

var saying sync.Mutex

func say(value any) {
	saying.Lock()
	defer saying.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(value)
}

func fail(code int, err error) {
	fmt.Fprintf(os.Stderr, "error: %v\n", err)
	os.Exit(code)
}
