package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/spiffe/go-spiffe/v2/spiffegrpc/grpccredentials"
	"github.com/spiffe/go-spiffe/v2/spiffetls"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc"

	"ephemos/interop/echov1"
)

func call(ctx context.Context, protocol, server, message string, source *workloadapi.X509Source, authorize tlsconfig.Authorizer) (reply, error) {
	switch protocol {
	case "http":
		return callHTTP(ctx, server, message, source, authorize)
	case "tls":
		return callTLS(ctx, server, message, source, authorize)
	case "grpc":
		return callGRPC(ctx, server, message, source, authorize)
	default:
		return reply{}, fmt.Errorf("-protocol %q: http, tls or grpc?", protocol)
	}
}

func callHTTP(ctx context.Context, server, message string, source *workloadapi.X509Source, authorize tlsconfig.Authorizer) (reply, error) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: tlsconfig.MTLSClientConfig(source, source, authorize)}}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+server+"/echo", strings.NewReader(message))
	if err != nil {
		return reply{}, err
	}
	request.Header.Set("content-type", "text/plain; charset=utf-8")
	response, err := client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return reply{}, fmt.Errorf("status %s", response.Status)
	}
	var answer reply
	err = json.NewDecoder(response.Body).Decode(&answer)
	return answer, err
}

func callTLS(ctx context.Context, server, message string, source *workloadapi.X509Source, authorize tlsconfig.Authorizer) (reply, error) {
	conn, err := spiffetls.DialWithMode(ctx, "tcp", server, spiffetls.MTLSClientWithSource(authorize, source))
	if err != nil {
		return reply{}, err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if _, err := fmt.Fprintf(conn, "%s\n", message); err != nil {
		return reply{}, err
	}
	// In TLS 1.3 a server that refuses us says so only now.
	line, err := bufio.NewReader(conn).ReadBytes('\n')
	if err != nil {
		return reply{}, err
	}
	var answer reply
	err = json.Unmarshal(line, &answer)
	return answer, err
}

func callGRPC(ctx context.Context, server, message string, source *workloadapi.X509Source, authorize tlsconfig.Authorizer) (reply, error) {
	conn, err := grpc.NewClient("passthrough:///"+server,
		grpc.WithTransportCredentials(grpccredentials.MTLSClientCredentials(source, source, authorize)))
	if err != nil {
		return reply{}, err
	}
	defer conn.Close()
	answer, err := echov1.NewEchoClient(conn).Echo(ctx, &echov1.EchoRequest{Message: message})
	if err != nil {
		return reply{}, err
	}
	return reply{Message: answer.GetMessage(), Caller: answer.GetCaller()}, nil
}
