// Command centrifuge is the Go peer: franz-go reads the topic, the centrifuge library pushes each record as it is to
// the channel named by its key, in its JSON protocol over WebSocket. Channels have no history, presence, join/leave or
// recovery, so nothing is done per update but the broadcast.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/centrifugal/centrifuge"

	"pulsewire/bench/peers"
)

func main() {
	log.SetFlags(0)
	brokers := flag.String("brokers", "127.0.0.1:9092", "Kafka brokers, separated by commas")
	topic := flag.String("topic", "bench-quotes", "topic")
	writeDelay := flag.Duration("write-delay", 0, "collect messages per connection this long before writing; 0 writes at once")
	flag.Parse()
	if err := run(*brokers, *topic, *writeDelay); err != nil {
		log.Fatal("centrifuge peer: ", err)
	}
}

func run(brokers, topic string, writeDelay time.Duration) error {
	ctx, stop := peers.UntilSignal()
	defer stop()
	peers.SettleOnSignal()

	node, err := newNode(writeDelay)
	if err != nil {
		return err
	}
	defer func() { _ = node.Shutdown(context.Background()) }()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: websocketHandler(node)}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()

	ready := func() { fmt.Printf("ready ws://%s/connection/websocket\n", listener.Addr()) }
	return peers.Consume(ctx, brokers, topic, ready, func(key, value []byte) {
		if _, err := node.Publish(string(key), value); err != nil {
			log.Print("publish: ", err)
		}
	})
}

func newNode(writeDelay time.Duration) (*centrifuge.Node, error) {
	node, err := centrifuge.New(centrifuge.Config{
		ClientChannelLimit: 10_000,
		// Room for bursts, so that the peer is not cut off where Pulsewire would conflate.
		ClientQueueMaxSize: 16 << 20,
	})
	if err != nil {
		return nil, err
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		reply := centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{}}
		if writeDelay > 0 {
			// The library's advice for high message rates within a connection: fewer system calls, unlimited frames so that
			// the delay does not cap throughput, and a timer instead of a goroutine per connection.
			reply.WriteDelay, reply.MaxMessagesInFrame, reply.WriteWithTimer = writeDelay, -1, true
		}
		return reply, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(_ centrifuge.SubscribeEvent, answer centrifuge.SubscribeCallback) {
			answer(centrifuge.SubscribeReply{}, nil)
		})
	})
	return node, node.Run()
}

// websocketHandler takes the options that the library documents for many connections: pooled write buffers, small read
// buffers, and commands off the read loop, which keeps the stacks of idle connections small.
func websocketHandler(node *centrifuge.Node) http.Handler {
	return centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		ReadBufferSize:             1024,
		UseWriteBufferPool:         true,
		ProcessCommandsOffReadLoop: true,
	})
}
