package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/spiffe/go-spiffe/v2/spiffegrpc/grpccredentials"
	"github.com/spiffe/go-spiffe/v2/spiffetls"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc"

	"ephemos/interop/echov1"
)

const maxMessage = 1 << 20

// answer notes that a handler ran, and for whom: the suite checks that none ran for a refused peer.
func answer(protocol, message, caller string) reply {
	say(map[string]string{"event": "request", "protocol": protocol, "caller": caller})
	return reply{Message: message, Caller: caller}
}

func serve(ctx context.Context, source *workloadapi.X509Source, authorize tlsconfig.Authorizer) error {
	httpListener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	grpcListener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	tlsListener, err := spiffetls.ListenWithMode(ctx, "tcp", "127.0.0.1:0", spiffetls.MTLSServerWithSource(authorize, source))
	if err != nil {
		return err
	}

	httpServer := &http.Server{
		Handler:   http.HandlerFunc(echoHTTP),
		TLSConfig: tlsconfig.MTLSServerConfig(source, source, authorize),
		ErrorLog:  log.New(os.Stderr, "http: ", 0),
	}
	grpcServer := grpc.NewServer(grpc.Creds(grpccredentials.MTLSServerCredentials(source, source, authorize)))
	echov1.RegisterEchoServer(grpcServer, echoServer{})

	ended := make(chan error, 3)
	go func() { ended <- httpServer.ServeTLS(httpListener, "", "") }()
	go func() { ended <- grpcServer.Serve(grpcListener) }()
	go func() { ended <- acceptTLS(tlsListener) }()

	say(map[string]string{
		"event": "listening",
		"http":  httpListener.Addr().String(),
		"tls":   tlsListener.Addr().String(),
		"grpc":  grpcListener.Addr().String(),
	})
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		_ = httpServer.Close()
		grpcServer.Stop()
		_ = tlsListener.Close()
		return nil
	}
}

func echoHTTP(w http.ResponseWriter, r *http.Request) {
	caller, err := spiffetls.PeerIDFromConnectionState(*r.TLS)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(w).Encode(answer("http", string(body), caller.String()))
}

// acceptTLS answers one line with one line on each connection.
func acceptTLS(listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			if err := echoLine(conn); err != nil && !errors.Is(err, io.EOF) {
				fmt.Fprintf(os.Stderr, "tls: %v\n", err)
			}
		}()
	}
}

func echoLine(conn net.Conn) error {
	caller, err := spiffetls.PeerIDFromConn(conn)
	if err != nil {
		return err
	}
	line, err := bufio.NewReader(io.LimitReader(conn, maxMessage)).ReadString('\n')
	if err != nil {
		return err
	}
	return json.NewEncoder(conn).Encode(answer("tls", strings.TrimSuffix(line, "\n"), caller.String()))
}

type echoServer struct {
	echov1.UnimplementedEchoServer
}

func (echoServer) Echo(ctx context.Context, request *echov1.EchoRequest) (*echov1.EchoReply, error) {
	caller, ok := grpccredentials.PeerIDFromContext(ctx)
	if !ok {
		return nil, errors.New("the call has no SPIFFE ID")
	}
	made := answer("grpc", request.GetMessage(), caller.String())
	return &echov1.EchoReply{Message: made.Message, Caller: made.Caller}, nil
}
