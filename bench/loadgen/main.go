// Command loadgen opens many clients to one peer, subscribes each to its share of the symbols, and measures what
// arrives. It obeys lines on stdin: "begin" and "end" bracket a measured window, "quit" (or end of input) stops it.
// What it has to say goes to stdout, one JSON object per line.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"pulsewire/bench/quotes"
)

type options struct {
	url, dialect                  string
	clients, perClient, symbols   int
	seed                          uint64
	sampleEvery, dialers, repeats int
	timeout                       time.Duration
	subscribe                     subscribeOptions
}

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.url, "url", "", "WebSocket address of the peer")
	flag.StringVar(&o.dialect, "dialect", "", "centrifuge, plain, nats, pulsewire.bin.v1 or pulsewire.json.v1")
	flag.IntVar(&o.clients, "clients", 500, "connections")
	flag.IntVar(&o.perClient, "per-client", 50, "symbols per connection, drawn without repetition")
	flag.IntVar(&o.symbols, "symbols", 1000, "symbols there are")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the choice of symbols")
	flag.IntVar(&o.sampleEvery, "sample-every", 4, "time all updates of one connection in this many")
	flag.IntVar(&o.dialers, "dialers", 32, "connections being opened at the same time")
	flag.IntVar(&o.repeats, "repeats", 0, "instead: this many times, one client subscribes and waits for every answer")
	flag.DurationVar(&o.timeout, "timeout", 60*time.Second, "for connecting and subscribing")
	flag.Float64Var(&o.subscribe.maxRate, "max-rate", 0, "updates per second and symbol at most, where the peer can (0: all)")
	flag.BoolVar(&o.subscribe.every, "every", false, "delivery 'every', where the peer can")
	flag.Parse()
	var err error
	if o.repeats > 0 {
		err = subscribeRepeatedly(o)
	} else {
		err = run(o)
	}
	if err != nil {
		log.Fatal("loadgen: ", err)
	}
}

// fleet is all clients, and how they fare.
type fleet struct {
	options
	all        []*client
	loop       *loop
	subscribed atomic.Int64
	lost       atomic.Int64
	firstLoss  atomic.Pointer[error]
	complete   chan struct{}
}

func run(o options) error {
	f := &fleet{options: o, all: make([]*client, o.clients), complete: make(chan struct{})}
	var err error
	f.loop, err = newLoop(func(_ *client, reason error) {
		f.lost.Add(1)
		f.firstLoss.CompareAndSwap(nil, &reason)
	})
	if err != nil {
		return err
	}
	started := time.Now()
	if err := f.connect(); err != nil {
		return err
	}
	select {
	case <-f.complete:
	case <-time.After(o.timeout):
		return fmt.Errorf("%d of %d clients subscribed within %v; first loss: %v", f.subscribed.Load(), o.clients, o.timeout, f.loss())
	}
	if err := report(map[string]any{"event": "subscribed", "clients": o.clients, "seconds": time.Since(started).Seconds()}); err != nil {
		return err
	}
	return f.obey()
}

// connect opens all clients, some at a time.
func (f *fleet) connect() error {
	var dialing sync.WaitGroup
	var failure atomic.Pointer[error]
	next := make(chan int)
	for range f.dialers {
		dialing.Go(func() {
			for i := range next {
				if err := f.open(i); err != nil {
					failure.Store(&err)
				}
			}
		})
	}
	for i := range f.all {
		next <- i
	}
	close(next)
	dialing.Wait()
	if err := failure.Load(); err != nil {
		return *err
	}
	return nil
}

func (f *fleet) open(i int) error {
	c, err := newClient(f.options, i)
	if err != nil {
		return err
	}
	c.onSubscribed = func() {
		if f.subscribed.Add(1) == int64(len(f.all)) {
			close(f.complete)
		}
	}
	f.all[i] = c
	if err := c.start(); err != nil {
		return err
	}
	return f.loop.add(c)
}

// newClient draws the symbols of the i-th client by seed, the same for every peer, and connects.
func newClient(o options, i int) (*client, error) {
	dialect, err := newDialect(o.dialect, o.subscribe)
	if err != nil {
		return nil, err
	}
	universe := quotes.Symbols(o.symbols)
	random := rand.New(rand.NewPCG(o.seed, uint64(i)))
	random.Shuffle(len(universe), func(a, b int) { universe[a], universe[b] = universe[b], universe[a] })
	socket, err := dial(o.url, dialect.subprotocol())
	if err != nil {
		return nil, fmt.Errorf("client %d: %w", i, err)
	}
	c := &client{socket: socket, dialect: dialect, symbols: universe[:min(o.perClient, o.symbols)]}
	c.tally.sampling = i%o.sampleEvery == 0
	return c, nil
}

// obey measures windows as told, until told to quit.
func (f *fleet) obey() error {
	var before counts
	var begun time.Time
	var cpu float64
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		switch input.Text() {
		case "begin":
			before, begun, cpu = f.mark(true), time.Now(), ownCPUSeconds()
		case "end":
			window := f.mark(false).minus(before)
			if err := report(f.result(window, time.Since(begun).Seconds(), ownCPUSeconds()-cpu)); err != nil {
				return err
			}
		case "quit":
			return nil
		}
	}
	return nil
}

// mark sums all counts up and switches the timing of updates.
func (f *fleet) mark(measuring bool) (sum counts) {
	for _, c := range f.all {
		c.tally.Lock()
		sum.add(c.tally.counts)
		c.tally.measuring = measuring
		c.tally.Unlock()
	}
	return sum
}

func (f *fleet) result(window counts, seconds, cpuSeconds float64) map[string]any {
	var micros []int32
	for _, c := range f.all {
		c.tally.Lock()
		micros = append(micros, c.tally.latenciesMicros...)
		c.tally.latenciesMicros = nil
		c.tally.Unlock()
	}
	return map[string]any{
		"event": "measured", "seconds": seconds, "updates": window.updates, "records": window.records,
		"bytes": window.bytes, "messages": window.messages, "stale": window.stale, "latency": summarise(micros), "cpuSeconds": cpuSeconds,
		"lost": f.lost.Load(), "firstLoss": f.loss(),
	}
}

func (f *fleet) loss() string {
	if err := f.firstLoss.Load(); err != nil {
		return (*err).Error()
	}
	return ""
}

// subscribeRepeatedly measures, one connection after another, from asking for all symbols to having every answer.
func subscribeRepeatedly(o options) error {
	ended := make(chan error, 1)
	loop, err := newLoop(func(_ *client, reason error) { ended <- reason })
	if err != nil {
		return err
	}
	var millis []float64
	for i := range o.repeats {
		c, err := newClient(o, i)
		if err != nil {
			return err
		}
		done := make(chan struct{})
		c.onSubscribed = func() { close(done) }
		if err := c.start(); err != nil {
			return err
		}
		if err := loop.add(c); err != nil {
			return err
		}
		select {
		case <-done:
		case err := <-ended:
			return err
		case <-time.After(o.timeout):
			return fmt.Errorf("%d symbols were not answered within %v", len(c.symbols), o.timeout)
		}
		millis = append(millis, float64(c.subscribedAt.Sub(c.askedAt).Microseconds())/1000)
		// Both ends forget it before the next one comes.
		_ = syscall.Shutdown(c.socket.fd, syscall.SHUT_RDWR)
		<-ended
	}
	return report(map[string]any{"event": "answered", "millis": millis})
}

func report(event map[string]any) error { return json.NewEncoder(os.Stdout).Encode(event) }
