package main

import (
	"context"
	"io"
	"net"
	"testing"
	"time"
)

func TestMetricsAnswerSoManyConnections(t *testing.T) {
	t.Parallel()
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer on.Close()
	go newExporter(context.Background(), nil).serve(on)
	for i := range mostAsking + 1 {
		c, err := net.Dial("tcp", on.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		wait := 10 * time.Second
		if i == mostAsking {
			wait = 300 * time.Millisecond
		}
		c.SetDeadline(time.Now().Add(wait))
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, err := c.Read(make([]byte, 1)); (err == nil) != (i < mostAsking) {
			t.Fatalf("connection %d of at most %d: %v", i+1, mostAsking, err)
		}
	}
}
