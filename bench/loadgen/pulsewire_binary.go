package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
)

// pulsewireBinary speaks pulsewire.bin.v1 in full, images included: without them no field could be read, the
// producer's timestamp among them.
type pulsewireBinary struct {
	pulsewireSession
	dictionaries map[uint64][]field
}

const (
	frameJSON       = 0x01
	framePulse      = 0x02
	frameAck        = 0x03
	frameMark       = 0x04
	frameAckMark    = 0x05
	frameDictionary = 0x06
	frameUpdate     = 0x80

	flagSnapshot  = 0x01
	flagCount     = 0x02
	flagPartition = 0x04
	flagPrevious  = 0x08
	flagRaw       = 0x10
	flagDeleted   = 0x20
	flagSteps     = 0x40
)

func newPulsewireBinary(options subscribeOptions) *pulsewireBinary {
	return &pulsewireBinary{newPulsewireSession(options), map[uint64][]field{}}
}

func (d *pulsewireBinary) subprotocol() string { return "pulsewire.bin.v1" }

func (d *pulsewireBinary) hello() []message { return wrapped([]map[string]any{d.helloFrame()}) }

func (d *pulsewireBinary) subscribe(symbols []string) []message {
	return wrapped(d.subscribeFrames(symbols))
}

// wrapped puts each frame that has no binary form into a message of its own.
func wrapped(frames []map[string]any) []message {
	var messages []message
	for _, frame := range frames {
		body, _ := json.Marshal(frame)
		messages = append(messages, binaryOf(lengthPrefixed(frameJSON, body)))
	}
	return messages
}

func lengthPrefixed(kind byte, payload []byte) []byte {
	return append(binary.AppendUvarint([]byte{kind}, uint64(len(payload))), payload...)
}

func (d *pulsewireBinary) receive(payload []byte, t *tally) (replies []message, err error) {
	in := &input{rest: payload}
	var pulse uint64
	for len(in.rest) > 0 {
		kind := in.byte()
		if kind >= frameUpdate {
			if err := d.takeUpdate(kind, in, t); err != nil {
				return nil, err
			}
			continue
		}
		body := input{rest: in.bytes(in.uvarint())}
		switch kind {
		case frameJSON:
			more, err := d.takeJSON(body.rest, t)
			if err != nil {
				return nil, err
			}
			replies = append(replies, more...)
		case framePulse:
			pulse = max(pulse, body.uvarint())
		case frameMark:
			replies = append(replies, binaryOf(lengthPrefixed(frameAckMark, binary.AppendUvarint(nil, body.uvarint()))))
		case frameDictionary:
			d.takeDictionary(&body)
		}
		if in.short || body.short {
			return nil, errShort
		}
	}
	if pulse > 0 {
		ack := binary.AppendUvarint(binary.AppendUvarint(nil, pulse), uint64(len(d.rows)))
		replies = append(replies, binaryOf(lengthPrefixed(frameAck, binary.LittleEndian.AppendUint32(ack, d.digest))))
	}
	return replies, nil
}

func (d *pulsewireBinary) takeJSON(text []byte, t *tally) ([]message, error) {
	var f frame
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	replies, err := d.take(&f, t)
	return wrapped(replies), err
}

func (d *pulsewireBinary) takeDictionary(in *input) {
	feed, first, count := in.uvarint(), in.uvarint(), in.uvarint()
	fields := d.dictionaries[feed]
	for i := first; i < first+count && !in.short; i++ {
		for uint64(len(fields)) <= i {
			fields = append(fields, field{})
		}
		fields[i] = field{name: string(in.bytes(in.uvarint())), scale: int(min(9, in.uvarint()))}
	}
	d.dictionaries[feed] = fields
}

func (d *pulsewireBinary) takeUpdate(kind byte, in *input, t *tally) error {
	ref := in.uvarint()
	if kind&flagPartition != 0 {
		in.uvarint()
		in.uvarint()
	}
	in.uvarint() // offset, or with flagSteps how far it is from the last one
	in.uvarint() // record timestamp: whole ms, so the field's is used instead
	records := int64(1)
	if kind&flagCount != 0 {
		records = int64(in.uvarint())
	}
	if kind&(flagPrevious|flagSteps) == flagPrevious {
		in.uvarint()
	}
	if in.short {
		return errShort
	}
	snapshot := kind&flagSnapshot != 0
	row, err := d.update(ref, records, snapshot, t)
	if err != nil {
		return err
	}
	if snapshot || kind&flagDeleted != 0 {
		clear(row.image)
	}
	switch {
	case kind&flagDeleted != 0:
		return nil
	case kind&flagRaw != 0:
		in.bytes(in.uvarint())
	default:
		fields := d.dictionaries[d.feedIndex()]
		if err := row.image.apply(in, fields); err != nil {
			return err
		}
		if !snapshot && t.timed() {
			t.time(row.image.number(fields, "ts"))
		}
	}
	if in.short {
		return errShort
	}
	return nil
}

// feedIndex of the one feed that the load generator subscribes to.
func (d *pulsewireBinary) feedIndex() uint64 {
	for i, feed := range d.feeds {
		if feed == feedName {
			return uint64(i)
		}
	}
	return 0
}

var errShort = errors.New("frame ends too early")

// input reads from a message. Past its end everything is zero and short is set, to be checked once per frame.
type input struct {
	rest  []byte
	short bool
}

func (in *input) byte() byte {
	if b := in.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (in *input) bytes(count uint64) []byte {
	if count > uint64(len(in.rest)) {
		in.rest, in.short = nil, true
		return nil
	}
	taken := in.rest[:count]
	in.rest = in.rest[count:]
	return taken
}

func (in *input) uvarint() uint64 {
	value, size := binary.Uvarint(in.rest)
	if size <= 0 {
		in.rest, in.short = nil, true
		return 0
	}
	in.rest = in.rest[size:]
	return value
}

func unzigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }
