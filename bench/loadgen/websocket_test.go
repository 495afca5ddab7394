package main

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func frameBytes(kind opcode, final bool, payload []byte) []byte {
	first := byte(kind)
	if final {
		first |= 0x80
	}
	switch size := len(payload); {
	case size < 126:
		return append([]byte{first, byte(size)}, payload...)
	case size < 1<<16:
		return append(binary.BigEndian.AppendUint16([]byte{first, 126}, uint16(size)), payload...)
	default:
		return append(binary.BigEndian.AppendUint64([]byte{first, 127}, uint64(size)), payload...)
	}
}

// Messages must come out whole however the bytes are cut.
func TestMessagesSurviveAnyCut(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 70_000)
	middle := bytes.Repeat([]byte("y"), 300)
	var wire []byte
	wire = append(wire, frameBytes(opText, true, []byte("one"))...)
	wire = append(wire, frameBytes(opBinary, true, middle)...)
	wire = append(wire, frameBytes(opText, false, []byte("fr"))...)
	wire = append(wire, frameBytes(opPing, true, []byte("!"))...)
	wire = append(wire, frameBytes(opContinuation, true, []byte("agments"))...)
	wire = append(wire, frameBytes(opBinary, true, large)...)
	want := []string{"one", string(middle), "!", "fragments", string(large)}

	for _, step := range []int{1, 7, 4096, len(wire)} {
		ws := &websocket{buf: make([]byte, len(wire))}
		var got []string
		for at := 0; at < len(wire); at += step {
			ws.end += copy(ws.buf[ws.end:], wire[at:min(len(wire), at+step)])
			for {
				m, ok, err := ws.next()
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				got = append(got, string(m.payload))
			}
		}
		if len(got) != len(want) {
			t.Fatalf("cut every %d bytes: %d messages instead of %d", step, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("cut every %d bytes: message %d differs", step, i)
			}
		}
	}
}
