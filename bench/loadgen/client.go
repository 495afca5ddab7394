package main

import (
	"encoding/binary"
	"fmt"
	"time"
)

// client is one connection with its subscriptions. After start, all its calls come from the loop.
type client struct {
	socket  *websocket
	dialect dialect
	symbols []string
	tally   tally
	// onSubscribed is called once, when the server has answered for every symbol.
	onSubscribed func()
	subscribedAt time.Time
	askedAt      time.Time
}

// start says hello and takes what came with the upgrade.
func (c *client) start() error {
	if err := c.socket.write(c.dialect.hello()...); err != nil {
		return err
	}
	if err := c.proceed(); err != nil {
		return err
	}
	return c.handle(0, time.Now())
}

// handle counts n new bytes and every message that they complete.
func (c *client) handle(n int, now time.Time) error {
	c.tally.Lock()
	defer c.tally.Unlock()
	c.tally.bytes += int64(n)
	c.tally.nowMs = float64(now.UnixMicro()) / 1000
	for {
		m, ok, err := c.socket.next()
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		if err := c.take(m); err != nil {
			return err
		}
	}
}

func (c *client) take(m message) error {
	switch m.kind {
	case opPing:
		return c.socket.write(message{opPong, m.payload})
	case opPong:
		return nil
	case opClose:
		if len(m.payload) >= 2 {
			return fmt.Errorf("closed by the server: %d %s", binary.BigEndian.Uint16(m.payload), m.payload[2:])
		}
		return fmt.Errorf("closed by the server")
	}
	c.tally.messages++
	replies, err := c.dialect.receive(m.payload, &c.tally)
	if err != nil {
		return err
	}
	if err := c.socket.write(replies...); err != nil {
		return err
	}
	return c.proceed()
}

// proceed takes the next step of connecting when the last one has been answered.
func (c *client) proceed() error {
	switch {
	case !c.subscribedAt.IsZero():
		return nil
	case c.askedAt.IsZero() && c.dialect.ready():
		c.askedAt = time.Now()
		return c.socket.write(c.dialect.subscribe(c.symbols)...)
	case !c.askedAt.IsZero() && c.dialect.answered() >= len(c.symbols):
		c.subscribedAt = time.Now()
		c.onSubscribed()
	}
	return nil
}
