package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// pulsewireJSON speaks pulsewire.json.v1. Updates are recognised by a scan instead of a full parse, so that the load
// generator stays light; all other frames are parsed.
type pulsewireJSON struct{ pulsewireSession }

func newPulsewireJSON(options subscribeOptions) *pulsewireJSON {
	return &pulsewireJSON{newPulsewireSession(options)}
}

func (d *pulsewireJSON) subprotocol() string { return "pulsewire.json.v1" }

func (d *pulsewireJSON) hello() []message { return jsonMessages([]map[string]any{d.helloFrame()}) }

func (d *pulsewireJSON) subscribe(symbols []string) []message {
	return jsonMessages(d.subscribeFrames(symbols))
}

func jsonMessages(frames []map[string]any) []message {
	var messages []message
	for _, frame := range frames {
		body, _ := json.Marshal(frame)
		messages = append(messages, message{opText, body})
	}
	return messages
}

func (d *pulsewireJSON) receive(payload []byte, t *tally) ([]message, error) {
	var replies []map[string]any
	var pulse uint64
	err := eachFrame(payload, func(text []byte) error {
		if bytes.Contains(text[:min(len(text), 24)], []byte(`"t":"update"`)) {
			return d.takeUpdate(text, t)
		}
		var f frame
		if err := json.Unmarshal(text, &f); err != nil {
			return err
		}
		if f.T == "pulse" {
			pulse = max(pulse, f.Pulse)
			return nil
		}
		more, err := d.take(&f, t)
		replies = append(replies, more...)
		return err
	})
	if pulse > 0 {
		replies = append(replies, map[string]any{"t": "ack", "pulse": pulse, "count": len(d.rows), "digest": d.digest})
	}
	return jsonMessages(replies), err
}

func (d *pulsewireJSON) takeUpdate(text []byte, t *tally) error {
	// The envelope's members come before the values, where the same names could stand for something else.
	envelope, _, _ := bytes.Cut(text, []byte(`"values":`))
	records, found := number(envelope, `"n":`)
	if !found {
		records = 1
	}
	ref, _ := number(envelope, `"ref":`)
	snapshot := bytes.Contains(envelope, []byte(`"snapshot":true`))
	if _, err := d.update(uint64(ref), records, snapshot, t); err != nil {
		return err
	}
	if !snapshot && t.timed() {
		t.time(timestampOf(text[len(envelope):]))
	}
	return nil
}

func number(text []byte, member string) (int64, bool) {
	at := bytes.Index(text, []byte(member))
	if at < 0 {
		return 0, false
	}
	digits := text[at+len(member):]
	end := 0
	for end < len(digits) && digits[end]-'0' < 10 {
		end++
	}
	n, err := strconv.ParseInt(string(digits[:end]), 10, 64)
	return n, err == nil
}

var errNotAnArray = errors.New("a message must be an array of frames")

// eachFrame cuts a JSON array into its elements.
func eachFrame(payload []byte, take func([]byte) error) error {
	payload = bytes.TrimSpace(payload)
	if len(payload) < 2 || payload[0] != '[' || payload[len(payload)-1] != ']' {
		return errNotAnArray
	}
	depth, start, quoted := 0, 1, false
	for i := 1; i < len(payload); i++ {
		switch b := payload[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{' || b == '[':
			depth++
		case depth > 0 && (b == '}' || b == ']'):
			depth--
		case depth == 0 && (b == ',' || b == ']'):
			if element := bytes.TrimSpace(payload[start:i]); len(element) > 0 {
				if err := take(element); err != nil {
					return err
				}
			}
			start = i + 1
		}
	}
	return nil
}
