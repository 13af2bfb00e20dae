package main

import (
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// metrics serves the run's sums in the text format of Prometheus.
type metrics struct {
	sums   atomic.Pointer[record.Counters]
	server http.Server
	served chan struct{} // closed when it does so no longer
}

func (m *metrics) set(c record.Counters) { m.sums.Store(&c) }

// serveMetrics listens on addr until close; it does not for an empty one.
func serveMetrics(addr string) (*metrics, error) {
	m := &metrics{served: make(chan struct{})}
	m.set(record.Counters{})
	if addr == "" {
		close(m.served)
		return m, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("serve metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", m.write)
	m.server.Handler, m.server.ReadHeaderTimeout, m.server.WriteTimeout = mux, 5*time.Second, 5*time.Second
	go func() {
		defer close(m.served)
		m.server.Serve(l)
	}()
	return m, nil
}

func (m *metrics) close() {
	m.server.Close()
	<-m.served
}

func (m *metrics) write(w http.ResponseWriter, _ *http.Request) {
	c := m.sums.Load()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	for _, x := range []struct {
		name, help string
		n          uint64
	}{
		{"events_total", "Events sent by the kernel programs.", c.Events},
		{"connects_total", "Connects recorded.", c.Connects},
		{"sessions_total", "SMTP sessions that ended.", c.Sessions},
		{"identities_forgotten_total", "Processes forgotten to make room.", c.Identity.Forgotten},
		{"lineages_forgotten_total", "Processes whose beginning was not kept.", c.Identity.LineagesForgotten},
		{"hash_errors_total", "Binaries that could not be read to the end.", c.Identity.HashErrors},
		{"stalled_total", "Times that a file system did not answer.", c.Identity.Stalled},
		{"lost_total", "What is missing from the records, of every kind.", c.Lost.Total()},
	} {
		fmt.Fprintf(w, "# HELP smtptrace_%s %s\n# TYPE smtptrace_%s counter\nsmtptrace_%s %d\n", x.name, x.help, x.name, x.name, x.n)
	}
}
