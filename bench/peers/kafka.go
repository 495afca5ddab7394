// Package peers holds what the Go peers share: reading the topic, and settling memory on demand.
package peers

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Consume reads every partition of topic from its end and calls each for every record, in order within a partition,
// until ctx ends. No group: like Pulsewire's push node, a peer reads all there is.
//
// started is called once with the first poll under way, which is when records that are written from now on are seen.
func Consume(ctx context.Context, brokers, topic string, started func(), each func(key, value []byte)) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(brokers, ",")...),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Ping(ctx); err != nil {
		return fmt.Errorf("no Kafka broker of %s answers: %w", brokers, err)
	}
	started()
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err0(); err != nil {
			return err
		}
		fetches.EachRecord(func(record *kgo.Record) { each(record.Key, record.Value) })
	}
}

// UntilSignal returns a context that ends at SIGTERM or SIGINT.
func UntilSignal() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
}

// SettleOnSignal collects garbage and returns free memory to the system at each SIGUSR2, so that memory is compared
// without what merely waits to be collected. Node peers do the same through harness/settle-on-signal.mjs.
func SettleOnSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR2)
	go func() {
		for range signals {
			debug.FreeOSMemory()
		}
	}()
}
