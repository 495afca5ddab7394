// Command nats is the bridge of the NATS peer: franz-go reads the topic and publishes each record as it is to the
// subject "quote.SYMBOL" of a nats-server, whose clients subscribe over its WebSocket.
package main

import (
	"flag"
	"fmt"
	"log"

	"github.com/nats-io/nats.go"

	"pulsewire/bench/peers"
)

func main() {
	log.SetFlags(0)
	brokers := flag.String("brokers", "127.0.0.1:9092", "Kafka brokers, separated by commas")
	topic := flag.String("topic", "bench-quotes", "topic")
	server := flag.String("server", "nats://127.0.0.1:4222", "address of the nats-server")
	flag.Parse()
	if err := run(*brokers, *topic, *server); err != nil {
		log.Fatal("nats bridge: ", err)
	}
}

func run(brokers, topic, server string) error {
	ctx, stop := peers.UntilSignal()
	defer stop()
	peers.SettleOnSignal()
	connection, err := nats.Connect(server)
	if err != nil {
		return err
	}
	defer connection.Close()
	ready := func() { fmt.Println("ready") }
	return peers.Consume(ctx, brokers, topic, ready, func(key, value []byte) {
		if err := connection.Publish("quote."+string(key), value); err != nil {
			log.Print("publish: ", err)
		}
	})
}
