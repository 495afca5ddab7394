// Command producer writes quote records into a Kafka topic at an even rate (or a given number as fast as it can), and
// creates the topic first when asked to. It obeys lines on stdin: "begin" and "end" bracket a measured window, "quit"
// (or end of input) stops it. What it has to say goes to stdout, one JSON object per line.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"pulsewire/bench/quotes"
)

type options struct {
	brokers, topic string
	partitions     int
	rate, fill     int
	symbols        int
	seed           uint64
}

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.brokers, "brokers", "127.0.0.1:9092", "Kafka brokers, separated by commas")
	flag.StringVar(&o.topic, "topic", "bench-quotes", "topic")
	flag.IntVar(&o.partitions, "create", 0, "create the topic with this many partitions (0: it exists)")
	flag.IntVar(&o.rate, "rate", 0, "records per second until told to quit")
	flag.IntVar(&o.fill, "fill", 0, "write this many records as fast as possible instead, then end")
	flag.IntVar(&o.symbols, "symbols", 1000, "number of symbols")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the random walk")
	flag.Parse()
	if err := run(o); err != nil {
		log.Fatal("producer: ", err)
	}
}

func run(o options) error {
	// The linger is what a feed handler that cares for latency would choose; it is part of every peer's latency alike.
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(o.brokers, ",")...),
		kgo.DefaultProduceTopic(o.topic),
		kgo.ProducerLinger(2*time.Millisecond),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.MaxBufferedRecords(100_000),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	if o.partitions > 0 {
		if err := createTopic(client, o.topic, o.partitions); err != nil {
			return err
		}
	}
	market := newMarket(o.symbols, o.seed)
	switch {
	case o.fill > 0:
		return fill(client, market, o.fill)
	case o.rate > 0:
		return pace(client, market, o.rate)
	}
	return report(map[string]any{"event": "created"})
}

// market is the random walk over all symbols. Which symbol moves next is drawn evenly.
type market struct {
	random *rand.Rand
	quotes []*quotes.Quote
}

func newMarket(symbols int, seed uint64) *market {
	m := &market{random: rand.New(rand.NewPCG(seed, seed))}
	for _, symbol := range quotes.Symbols(symbols) {
		m.quotes = append(m.quotes, quotes.NewQuote(symbol, m.random))
	}
	return m
}

func (m *market) record(quote *quotes.Quote) *kgo.Record {
	quote.Step(m.random)
	return &kgo.Record{Key: []byte(quote.Symbol), Value: quote.AppendJSON(make([]byte, 0, 192), time.Now().UnixMicro())}
}

func (m *market) next() *kgo.Record { return m.record(m.quotes[m.random.IntN(len(m.quotes))]) }

// fill writes each symbol once, so that every image exists, and then whatever is left in random order.
func fill(client *kgo.Client, m *market, count int) error {
	var failed atomic.Pointer[error]
	for i := range count {
		next := m.next
		if i < len(m.quotes) {
			next = func() *kgo.Record { return m.record(m.quotes[i]) }
		}
		client.Produce(context.Background(), next(), func(_ *kgo.Record, err error) {
			if err != nil {
				failed.Store(&err)
			}
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		return err
	}
	if err := failed.Load(); err != nil {
		return *err
	}
	return report(map[string]any{"event": "filled", "records": count})
}

// pace writes at an even rate: what is due by the clock, each millisecond. A stall is made up for in one burst, as a
// real feed would.
func pace(client *kgo.Client, m *market, rate int) error {
	commands := make(chan string)
	go readLines(commands)
	var failures atomic.Int64
	var produced, atBegin int64
	start := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	if err := report(map[string]any{"event": "producing"}); err != nil {
		return err
	}
	for {
		select {
		case <-tick.C:
			for due := int64(time.Since(start).Seconds() * float64(rate)); produced < due; produced++ {
				client.Produce(context.Background(), m.next(), func(_ *kgo.Record, err error) {
					if err != nil {
						failures.Add(1)
					}
				})
			}
		case command, open := <-commands:
			switch {
			case !open || command == "quit":
				return client.Flush(context.Background())
			case command == "begin":
				atBegin = produced
			case command == "end":
				if err := report(map[string]any{"event": "produced", "records": produced - atBegin, "failed": failures.Load()}); err != nil {
					return err
				}
			}
		}
	}
}

func readLines(lines chan<- string) {
	defer close(lines)
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		lines <- input.Text()
	}
}

func createTopic(client *kgo.Client, topic string, partitions int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	request := kmsg.NewCreateTopicsRequest()
	wanted := kmsg.NewCreateTopicsRequestTopic()
	wanted.Topic, wanted.NumPartitions, wanted.ReplicationFactor = topic, int32(partitions), 1
	request.Topics = append(request.Topics, wanted)
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	if err := kerr.ErrorForCode(response.Topics[0].ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	return nil
}

func report(event map[string]any) error { return json.NewEncoder(os.Stdout).Encode(event) }
