package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A dialect speaks one peer's subprotocol on one connection.
type dialect interface {
	// subprotocol is offered in the upgrade; may be empty.
	subprotocol() string
	// hello is sent first; may be nothing.
	hello() []message
	// subscribe asks for symbols. Called once, when ready.
	subscribe(symbols []string) []message
	// receive handles one message and returns what to answer. The payload must not be kept.
	receive(payload []byte, t *tally) ([]message, error)
	// ready: the server accepted the hello.
	ready() bool
	// answered: how many symbols the server has confirmed (and, where it has images, delivered the image of).
	answered() int
}

// subscribeOptions are wishes that only some peers can fulfil.
type subscribeOptions struct {
	// maxRate limits updates per second and symbol; 0 asks for every update.
	maxRate float64
	// every asks for delivery 'every' (Pulsewire) instead of the feed's default.
	every bool
}

func newDialect(name string, options subscribeOptions) (dialect, error) {
	switch name {
	case "centrifuge":
		return &centrifugeDialect{}, nil
	case "plain":
		return &plainDialect{}, nil
	case "nats":
		return &natsDialect{}, nil
	case "pulsewire.bin.v1":
		return newPulsewireBinary(options), nil
	case "pulsewire.json.v1":
		return newPulsewireJSON(options), nil
	}
	return nil, fmt.Errorf("unknown dialect %q", name)
}

// ---- centrifuge: newline-separated JSON, several commands or pushes in one message.

type centrifugeDialect struct {
	welcome   bool
	confirmed int
}

var (
	centrifugePush  = []byte(`{"push":`)
	centrifugeError = []byte(`"error":`)
)

func (d *centrifugeDialect) subprotocol() string { return "" }
func (d *centrifugeDialect) ready() bool         { return d.welcome }
func (d *centrifugeDialect) answered() int       { return d.confirmed }
func (d *centrifugeDialect) hello() []message    { return []message{text(`{"id":1,"connect":{}}`)} }

// subscribe batches commands as the official clients do, below the server's 64 KB per message.
func (d *centrifugeDialect) subscribe(symbols []string) []message {
	var messages []message
	id := 2
	for batch := range slices.Chunk(symbols, 250) {
		var commands []string
		for _, symbol := range batch {
			commands = append(commands, fmt.Sprintf(`{"id":%d,"subscribe":{"channel":%q}}`, id, symbol))
			id++
		}
		messages = append(messages, text(strings.Join(commands, "\n")))
	}
	return messages
}

func (d *centrifugeDialect) receive(payload []byte, t *tally) (replies []message, err error) {
	for len(payload) > 0 {
		line, rest, _ := bytes.Cut(payload, []byte{'\n'})
		payload = rest
		switch {
		case bytes.HasPrefix(line, centrifugePush):
			t.json(1, line)
		case len(line) == 2: // {} is a ping, answered by the same
			replies = append(replies, text("{}"))
		case len(line) == 0:
		case bytes.Contains(line, centrifugeError):
			return nil, fmt.Errorf("server answered %s", line)
		case !d.welcome:
			d.welcome = true
		default:
			d.confirmed++
		}
	}
	return replies, nil
}

// ---- plain: the kafkajs + ws peer's own few words; every other message is a record.

type plainDialect struct{ confirmed int }

var plainSubscribed = []byte(`{"subscribed":`)

func (d *plainDialect) subprotocol() string { return "" }
func (d *plainDialect) ready() bool         { return true }
func (d *plainDialect) answered() int       { return d.confirmed }
func (d *plainDialect) hello() []message    { return nil }

func (d *plainDialect) subscribe(symbols []string) []message {
	body, _ := json.Marshal(map[string][]string{"subscribe": symbols})
	return []message{{opText, body}}
}

func (d *plainDialect) receive(payload []byte, t *tally) ([]message, error) {
	if !bytes.HasPrefix(payload, plainSubscribed) {
		t.json(1, payload)
		return nil, nil
	}
	var answer struct{ Subscribed int }
	err := json.Unmarshal(payload, &answer)
	d.confirmed += answer.Subscribed
	return nil, err
}
