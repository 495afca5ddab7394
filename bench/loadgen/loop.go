package main

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// loop reads from all clients on one thread. With a goroutine per connection, most of the load generator's CPU would
// go into waking them: here each readable socket costs one read, and the servers get the rest of the machine.
type loop struct {
	epoll int
	// onEnd is told why a connection ended.
	onEnd func(c *client, reason error)
	added chan *client
	known map[int32]*client
}

var errEnd = errors.New("the server ended the connection")

func newLoop(onEnd func(*client, error)) (*loop, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	l := &loop{epoll: epoll, onEnd: onEnd, added: make(chan *client, 64), known: map[int32]*client{}}
	go l.run()
	return l, nil
}

// add hands a client over to the loop; nobody else may use its socket from then on.
func (l *loop) add(c *client) error {
	l.added <- c
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP, Fd: int32(c.socket.fd)}
	return syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, c.socket.fd, &event)
}

func (l *loop) run() {
	events := make([]syscall.EpollEvent, 512)
	for {
		n, err := syscall.EpollWait(l.epoll, events, -1)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			panic(err) // our own bug: the descriptor is ours and open
		}
		for _, event := range events[:max(n, 0)] {
			l.read(event.Fd)
		}
	}
}

func (l *loop) read(fd int32) {
	c := l.find(fd)
	n, err := c.socket.read()
	now := time.Now()
	if errors.Is(err, syscall.EAGAIN) {
		return
	}
	if err == nil && n == 0 {
		err = errEnd
	}
	if err == nil {
		err = c.handle(n, now)
	}
	if err != nil {
		// Out of the set before it is closed, since its number may be given to the next connection.
		_ = syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_DEL, int(fd), nil)
		delete(l.known, fd)
		c.socket.close()
		l.onEnd(c, err)
	}
}

// find takes new clients in first: one was handed over before its socket could become readable.
func (l *loop) find(fd int32) *client {
	for {
		if c := l.known[fd]; c != nil {
			return c
		}
		c := <-l.added
		l.known[int32(c.socket.fd)] = c
	}
}
