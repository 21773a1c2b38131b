package main

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"wiretax/analyze"
	"wiretax/report/metrics"
)

// exporter answers Prometheus.
type exporter struct {
	meter *meter
	ctx   context.Context // of the count

	lock   sync.Mutex
	latest *analyze.Result
	taken  time.Time
}

// fresh is how old the figures of an answer may be: whoever asks more often than that does not hold up the counting.
const fresh = 500 * time.Millisecond

func (e *exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/metrics" {
		http.Error(w, "wiretax watch: metrics are at /metrics", http.StatusNotFound)
		return
	}
	result := e.result()
	if result == nil {
		http.Error(w, "wiretax watch: has ended", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", metrics.ContentType)
	metrics.Write(w, result, version)
}

func (e *exporter) result() *analyze.Result {
	e.lock.Lock()
	defer e.lock.Unlock()
	if now := time.Now(); e.latest == nil || now.Sub(e.taken) > fresh {
		e.meter.ask(e.ctx, func() { e.latest, e.taken = e.meter.grouped(now, 0), now })
	}
	return e.latest
}

func newExporter(ctx context.Context, m *meter) *exporter { return &exporter{meter: m, ctx: ctx} }

// mostAsking is how many connections there are at a time; further ones wait in the kernel. Each takes 20 kB, and anybody on
// the network can open thousands.
const mostAsking = 64

// serve answers until the context ends. Nobody can keep a connection without asking.
func (e *exporter) serve(on net.Listener) {
	server := &http.Server{Handler: e, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: log.New(io.Discard, "", 0)}
	defer context.AfterFunc(e.ctx, func() { server.Close() })()
	server.Serve(netutil.LimitListener(on, mostAsking)) // ends with the listener
}
