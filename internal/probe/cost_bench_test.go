package probe

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/smtptrace/smtptrace/internal/live"
)

// effort is how often things are measured, and how many operations a round has.
type effort struct{ pairs, rounds, sends, visits, visitors int }

// With -short it is as little as is enough where time is counted in instructions (scripts/vm/run --icount).
var efforts = map[bool]effort{
	false: {pairs: 60, rounds: 15, sends: 2000, visits: 100, visitors: 20},
	true:  {pairs: 4, rounds: 2, sends: 600, visits: 50, visitors: 3},
}

// row is a line of the table: what a family costs on one kind of socket. Nanoseconds; NaN: never ran.
type row struct {
	send, packet, connect, newConnect float64
	sends, bulk, visits               ratio
}

// kinds are the sockets that are measured, in the order of the table.
var kinds = []string{judged, unwatched, bothEnds, elsewhere}

const legend = `
judged     opened while watched, and found not to be mail      unwatched  opened before: without state
both-ends  judged, and its accepting end is watched too        elsewhere  of a cgroup that is not watched
empty      both-ends, under empty programs at the same hooks: what the kernel takes to call them

send, packet             ns of the programs' bodies: a tcp_sendmsg, a packet out or in
connect, new process     ns of the connect and state programs: a connection, of a known or a new process
sends, connections       throughput with the programs by that without, ± its 95 % confidence,
                         and the ns that the programs add to an operation / that it takes without them
An operation is done by one thread that has both ends: a send and its receipt; a connection with a request and
an answer. The aim is at most 60 ns a send, and a throughput of at least 0.970.
`

// BenchmarkCost prints what the kernel programs of every hook family cost on connections that are not
// mail: the time of their bodies, and the throughput of a load of the loopback with and without them.
func BenchmarkCost(b *testing.B) {
	e := efforts[testing.Short()]
	var table, detail strings.Builder
	for _, f := range Families[1:] {
		b.Run(string(f), func(b *testing.B) {
			var none *NoHookError
			err := e.family(b, f, &table, &detail)
			if errors.As(err, &none) {
				refused := none.Refused[len(none.Refused)-1]
				fmt.Fprintf(&table, "%s\trefused: %s: %s\n", f, refused.Name, refused.Reason)
				b.Skip(err)
			}
			if err != nil {
				b.Fatal(err)
			}
		})
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "hooks\tsocket\tsend\tpacket\tconnect\tnew process\t32 B sends\t16 KiB sends\tconnections")
	fmt.Fprint(w, table.String())
	w.Flush()
	fmt.Print(legend)
	if testing.Verbose() {
		fmt.Print(detail.String())
	}
}

// family measures one family, and adds its rows to the table.
func (e effort) family(b *testing.B, f Family, table, detail *strings.Builder) error {
	cell := live.NewCell(b)
	here, there := startLoad(b, cell, true), startLoad(b, cell, false)
	here.do("open", unwatched, 1)
	p, err := Open(Options{Family: f, MailPorts: []uint16{25}, Cgroup: cell.Cgroup})
	if err != nil {
		return err
	}
	defer p.Close()
	loads := map[string]*load{judged: here, unwatched: here, bothEnds: here, elsewhere: there}
	rows := map[string]*row{}
	for _, kind := range kinds {
		rows[kind] = &row{}
		if kind != unwatched {
			loads[kind].do("open", kind, 1)
		}
	}
	for _, h := range p.Hooks() {
		fmt.Fprintf(detail, "%s: %s: %s\n", f, h.Question, h.Name)
	}
	all := newTwins(b, p)
	defer all.close()
	e.bodies(b, all, loads, rows, detail)
	empty := e.ratios(b, p, all, loads, rows)
	name := string(f)
	for _, kind := range kinds {
		rows[kind].print(table, name, kind)
		name = ""
	}
	empty.print(table, name, "empty")
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rows[judged].packet, "packet-ns")
	b.ReportMetric(rows[judged].sends.median, "sends-ratio")
	return nil
}

// bodies fills in the costs of the programs' bodies.
func (e effort) bodies(
	b *testing.B, all twins, loads map[string]*load, rows map[string]*row, detail *strings.Builder,
) {
	defer all.measure(b)()
	for _, kind := range kinds {
		measure := func(verb string, rounds, n int) func(each bool, names ...any) float64 {
			list := medianBody(b, all, rounds, n, func() { loads[kind].do(verb, kind, n) })
			for i, t := range all {
				fmt.Fprintf(detail, "%s %s %s: %.1f ns × %.2f\n", kind, verb, t.name, list[i].ns, list[i].runs)
			}
			return func(each bool, names ...any) float64 { return cost(all, list, each, names...) }
		}
		r := rows[kind]
		sends := measure("sends", e.rounds, e.sends)
		r.send = sends(true, Send)
		r.packet = measure("answers", e.rounds, e.sends)(true, Wire) // both sides have spoken
		r.connect, r.newConnect = math.NaN(), math.NaN()
		if kind == judged || kind == elsewhere {
			r.connect = measure("visits", e.rounds, e.visits)(false, Connect, State)
			r.newConnect = measure("visitors", max(2, e.rounds/3), e.visitors)(false, Connect, State)
		}
	}
}

// cost adds up the programs of some questions or names: nanoseconds a run each, or an operation.
func cost(all twins, list []body, each bool, names ...any) float64 {
	sum, ran := 0.0, false
	for i, t := range all {
		if !slices.Contains(names, any(t.question)) && !slices.Contains(names, any(t.name)) ||
			list[i].runs < 0.5 {
			continue
		}
		ran = true
		if each {
			sum += list[i].ns
		} else {
			sum += list[i].ns * list[i].runs
		}
	}
	if !ran {
		return math.NaN()
	}
	return sum
}

func (r *row) print(table *strings.Builder, family, kind string) {
	fmt.Fprintf(table, "%s\t%s", family, kind)
	for _, ns := range []float64{r.send, r.packet, r.connect, r.newConnect} {
		if math.IsNaN(ns) {
			table.WriteString("\t-")
		} else {
			fmt.Fprintf(table, "\t%.0f", ns)
		}
	}
	fmt.Fprintf(table, "\t%s\t%s\t%s\n", r.sends, r.bulk, r.visits)
}
