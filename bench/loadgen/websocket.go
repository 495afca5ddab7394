package main

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"
)

// The smallest WebSocket client that RFC 6455 allows: no extensions, whole messages only. Once connected, a socket
// belongs to the loop, so nothing here locks.

type opcode byte

const (
	opContinuation opcode = 0x0
	opText         opcode = 0x1
	opBinary       opcode = 0x2
	opClose        opcode = 0x8
	opPing         opcode = 0x9
	opPong         opcode = 0xA
)

type message struct {
	kind    opcode
	payload []byte
}

func text(payload string) message     { return message{opText, []byte(payload)} }
func binaryOf(payload []byte) message { return message{opBinary, payload} }

const (
	handshakeTimeout = 30 * time.Second
	readBufferMin    = 4 << 10
	readBufferMax    = 64 << 10
	messageBytesMax  = 64 << 20
)

type websocket struct {
	// file keeps fd open, which does not block.
	file *os.File
	fd   int
	// buf[start:end] has been read and not yet been taken as frames.
	buf        []byte
	start, end int
	// fragments collects a message that comes in several frames.
	fragments []byte
	out       []byte
}

// dial connects and upgrades. subprotocol may be empty.
func dial(address, subprotocol string) (*websocket, error) {
	target, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	conn, err := net.DialTimeout("tcp", target.Host, handshakeTimeout)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ws := &websocket{buf: make([]byte, readBufferMin)}
	if err := ws.upgrade(conn, target, subprotocol); err != nil {
		return nil, err
	}
	return ws, ws.adopt(conn.(*net.TCPConn))
}

// adopt takes the socket away from Go's own poller.
func (ws *websocket) adopt(conn *net.TCPConn) error {
	file, err := conn.File()
	if err != nil {
		return err
	}
	ws.file, ws.fd = file, int(file.Fd())
	return syscall.SetNonblock(ws.fd, true)
}

func (ws *websocket) close() { _ = ws.file.Close() }

func (ws *websocket) upgrade(conn net.Conn, target *url.URL, subprotocol string) error {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:])
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
		target.RequestURI(), target.Host, base64.StdEncoding.EncodeToString(nonce[:]))
	if subprotocol != "" {
		request += "Sec-WebSocket-Protocol: " + subprotocol + "\r\n"
	}
	_ = conn.SetDeadline(time.Now().Add(handshakeTimeout))
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return err
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("upgrade refused: %s", response.Status)
	}
	// A server may speak at once: keep what came behind the response.
	early, _ := reader.Peek(reader.Buffered())
	ws.end = copy(ws.buf, early)
	return nil
}

// read takes what has come and returns how many bytes that was. The buffer grows as long as reads fill it.
func (ws *websocket) read() (int, error) {
	if ws.start > 0 {
		ws.end = copy(ws.buf, ws.buf[ws.start:ws.end])
		ws.start = 0
	}
	if ws.end == len(ws.buf) {
		ws.grow(2 * len(ws.buf))
	}
	n, err := syscall.Read(ws.fd, ws.buf[ws.end:])
	ws.end += max(n, 0)
	if ws.end == len(ws.buf) && len(ws.buf) < readBufferMax {
		ws.grow(2 * len(ws.buf))
	}
	return max(n, 0), err
}

func (ws *websocket) grow(size int) {
	larger := make([]byte, size)
	ws.end = copy(larger, ws.buf[:ws.end])
	ws.buf = larger
}

var errFrame = errors.New("malformed frame")

// next takes one whole message out of what was read; ok is false when more bytes are needed. The payload is valid
// until the next read.
func (ws *websocket) next() (m message, ok bool, err error) {
	for {
		kind, final, payload, ok, err := ws.nextFrame()
		if err != nil || !ok {
			return message{}, false, err
		}
		switch {
		case kind >= opClose:
			return message{kind, payload}, true, nil
		case final && ws.fragments == nil:
			return message{kind, payload}, true, nil
		}
		if len(ws.fragments)+len(payload) > messageBytesMax {
			return message{}, false, errFrame
		}
		ws.fragments = append(ws.fragments, payload...)
		if final {
			whole := ws.fragments
			ws.fragments = nil
			return message{opBinary, whole}, true, nil
		}
	}
}

func (ws *websocket) nextFrame() (kind opcode, final bool, payload []byte, ok bool, err error) {
	available := ws.buf[ws.start:ws.end]
	if len(available) < 2 {
		return 0, false, nil, false, nil
	}
	if available[0]&0x70 != 0 || available[1]&0x80 != 0 {
		return 0, false, nil, false, errFrame
	}
	size, header := uint64(available[1]), 2
	switch {
	case size == 126 && len(available) >= 4:
		size, header = uint64(binary.BigEndian.Uint16(available[2:])), 4
	case size == 127 && len(available) >= 10:
		size, header = binary.BigEndian.Uint64(available[2:]), 10
	case size >= 126:
		return 0, false, nil, false, nil
	}
	if size > messageBytesMax {
		return 0, false, nil, false, errFrame
	}
	if uint64(len(available)-header) < size {
		return 0, false, nil, false, nil
	}
	ws.start += header + int(size)
	return opcode(available[0] & 0x0f), available[0]&0x80 != 0, available[header : header+int(size)], true, nil
}

// write sends messages in one system call; none is fine. The mask is zero: it is there to protect proxies, and masking by zero
// leaves the bytes as they are, which keeps the load generator light.
func (ws *websocket) write(messages ...message) error {
	if len(messages) == 0 {
		return nil
	}
	ws.out = ws.out[:0]
	for _, m := range messages {
		ws.out = append(ws.out, 0x80|byte(m.kind))
		switch size := len(m.payload); {
		case size < 126:
			ws.out = append(ws.out, 0x80|byte(size))
		case size < 1<<16:
			ws.out = binary.BigEndian.AppendUint16(append(ws.out, 0x80|126), uint16(size))
		default:
			ws.out = binary.BigEndian.AppendUint64(append(ws.out, 0x80|127), uint64(size))
		}
		ws.out = append(append(ws.out, 0, 0, 0, 0), m.payload...)
	}
	// What a client sends is small: a socket buffer that cannot take it has not been read for a long time.
	n, err := syscall.Write(ws.fd, ws.out)
	if err == nil && n < len(ws.out) {
		err = io.ErrShortWrite
	}
	return err
}
