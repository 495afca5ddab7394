package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// natsDialect speaks the NATS client protocol, a stream of lines that WebSocket messages cut anywhere.
type natsDialect struct {
	// pending is the end of the last message, which did not make a whole line or payload.
	pending []byte
	pongs   int
	wanted  int
}

var crlf = []byte("\r\n")

func (d *natsDialect) subprotocol() string { return "" }
func (d *natsDialect) ready() bool         { return d.pongs > 0 }

// The PING behind the subscriptions is answered once they are all in force.
func (d *natsDialect) answered() int {
	if d.pongs < 2 {
		return 0
	}
	return d.wanted
}

func (d *natsDialect) hello() []message {
	return []message{binaryOf([]byte(`CONNECT {"verbose":false,"pedantic":false,"protocol":1,"headers":false}` + "\r\nPING\r\n"))}
}

func (d *natsDialect) subscribe(symbols []string) []message {
	d.wanted = len(symbols)
	var messages []message
	sid := 1
	for batch := range slices.Chunk(symbols, 100) {
		var lines strings.Builder
		for _, symbol := range batch {
			fmt.Fprintf(&lines, "SUB quote.%s %d\r\n", symbol, sid)
			sid++
		}
		messages = append(messages, binaryOf([]byte(lines.String())))
	}
	return append(messages, binaryOf([]byte("PING\r\n")))
}

func (d *natsDialect) receive(payload []byte, t *tally) (replies []message, err error) {
	if len(d.pending) > 0 {
		payload = append(d.pending, payload...)
	}
	for {
		line, rest, found := bytes.Cut(payload, crlf)
		if !found {
			break
		}
		switch {
		case bytes.HasPrefix(line, []byte("MSG ")):
			size, err := strconv.Atoi(string(line[bytes.LastIndexByte(line, ' ')+1:]))
			if err != nil {
				return nil, fmt.Errorf("malformed %q", line)
			}
			if len(rest) < size+len(crlf) {
				d.pending = append([]byte(nil), payload...)
				return replies, nil
			}
			t.json(1, rest[:size])
			rest = rest[size+len(crlf):]
		case bytes.Equal(line, []byte("PING")):
			replies = append(replies, binaryOf([]byte("PONG\r\n")))
		case bytes.Equal(line, []byte("PONG")):
			d.pongs++
		case bytes.HasPrefix(line, []byte("-ERR")):
			return nil, fmt.Errorf("server answered %s", line)
		}
		payload = rest
	}
	d.pending = append(d.pending[:0:0], payload...)
	return replies, nil
}
