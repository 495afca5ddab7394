package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
)

// The parts of Pulsewire's hop protocol (docs/protocol.md) that both encodings share: the frames that are rare, the
// digest, and what is still to be answered.

// feedName is the one feed of the benchmark.
const feedName = "quote"

// subscribeBatch keeps a subscribe frame below any server's messageBytesMax.
const subscribeBatch = 500

type pulsewireSession struct {
	options  subscribeOptions
	welcomed bool
	// epoch is the base of binary timestamps, feeds the order that binary feed indexes refer to.
	epoch float64
	feeds []string
	// rows are the subscriptions in force, by ref; digest is over them.
	rows   map[uint64]*row
	byName map[rowName]uint64
	digest uint32
	// done counts rows that are answered and have their snapshot, if one was promised.
	done int
}

type rowName struct {
	id     int
	symbol string
}

type row struct {
	rowName
	snapshotDue bool
	image       image
}

// frame is every member that a rare frame may have and that matters here.
type frame struct {
	T        string                  `json:"t"`
	Epoch    float64                 `json:"epoch"`
	Feeds    []struct{ Feed string } `json:"feeds"`
	ID       int                     `json:"id"`
	Ok       []json.RawMessage       `json:"ok"`
	Refused  []json.RawMessage       `json:"refused"`
	Symbols  []json.RawMessage       `json:"symbols"`
	Pulse    uint64                  `json:"pulse"`
	Mark     uint64                  `json:"mark"`
	Code     string                  `json:"code"`
	Message  string                  `json:"message"`
	Ref      uint64                  `json:"ref"`
	N        *int64                  `json:"n"`
	Snapshot bool                    `json:"snapshot"`
}

func newPulsewireSession(options subscribeOptions) pulsewireSession {
	return pulsewireSession{options: options, rows: map[uint64]*row{}, byName: map[rowName]uint64{}}
}

func (s *pulsewireSession) ready() bool   { return s.welcomed }
func (s *pulsewireSession) answered() int { return s.done }

func (s *pulsewireSession) helloFrame() map[string]any {
	return map[string]any{"t": "hello", "client": "pulsewire-bench/1"}
}

func (s *pulsewireSession) subscribeFrames(symbols []string) []map[string]any {
	var frames []map[string]any
	for batch := range slices.Chunk(symbols, subscribeBatch) {
		frame := map[string]any{"t": "subscribe", "id": 1, "feed": feedName, "symbols": batch}
		if s.options.maxRate > 0 {
			frame["maxRate"] = s.options.maxRate
		}
		if s.options.every {
			frame["delivery"] = "every"
		}
		frames = append(frames, frame)
	}
	return frames
}

// take handles a rare frame and returns what to send, if anything.
func (s *pulsewireSession) take(f *frame, t *tally) (replies []map[string]any, err error) {
	switch f.T {
	case "welcome":
		s.welcomed, s.epoch = true, f.Epoch
		fallthrough
	case "feeds":
		s.feeds = nil
		for _, feed := range f.Feeds {
			s.feeds = append(s.feeds, feed.Feed)
		}
	case "subscribed":
		return nil, s.takeSubscribed(f)
	case "unsubscribed", "ended":
		s.takeEnded(f)
	case "mark":
		return []map[string]any{{"t": "ack", "mark": f.Mark}}, nil
	case "resubscribe":
		// The protocol lets a client repair this by subscribing again. Here it means that one of both counts wrongly.
		return nil, errors.New("the server holds other subscriptions than this client: digests differ")
	case "stale":
		t.stale++
	case "error", "goodbye":
		return nil, fmt.Errorf("server says %s: %s %s", f.T, f.Code, f.Message)
	}
	return nil, nil
}

func (s *pulsewireSession) takeSubscribed(f *frame) error {
	if len(f.Refused) > 0 {
		return fmt.Errorf("refused: %s", f.Refused[0])
	}
	for _, raw := range f.Ok {
		var symbol, state string
		var ref uint64
		if err := json.Unmarshal(raw, &[]any{&symbol, &ref, &state}); err != nil {
			return err
		}
		s.addRow(rowName{f.ID, symbol}, ref, state == "snapshot")
	}
	return nil
}

func (s *pulsewireSession) addRow(name rowName, ref uint64, snapshotDue bool) {
	s.dropRow(name)
	s.rows[ref] = &row{rowName: name, snapshotDue: snapshotDue}
	s.byName[name] = ref
	s.digest ^= digestOf(name)
	if !snapshotDue {
		s.done++
	}
}

func (s *pulsewireSession) dropRow(name rowName) {
	if ref, known := s.byName[name]; known {
		if !s.rows[ref].snapshotDue {
			s.done--
		}
		delete(s.rows, ref)
		delete(s.byName, name)
		s.digest ^= digestOf(name)
	}
}

func (s *pulsewireSession) takeEnded(f *frame) {
	for _, raw := range append(f.Ok, f.Symbols...) {
		var symbol string
		if json.Unmarshal(raw, &symbol) != nil {
			_ = json.Unmarshal(raw, &[]any{&symbol})
		}
		s.dropRow(rowName{f.ID, symbol})
	}
}

// update counts an update of a row; nil when its ref is unknown, which the protocol rules out.
func (s *pulsewireSession) update(ref uint64, records int64, snapshot bool, t *tally) (*row, error) {
	r := s.rows[ref]
	if r == nil {
		return nil, fmt.Errorf("update of unknown ref %d", ref)
	}
	if r.snapshotDue {
		r.snapshotDue = false
		s.done++
	}
	// A snapshot that answers a subscribe is no update; one that replaces a backlog stands for its records.
	if !snapshot || records > 0 {
		t.count(records)
	}
	return r, nil
}

// digestOf is section 8 of the protocol.
func digestOf(name rowName) uint32 {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(strconv.Itoa(name.id) + " " + name.symbol))
	h := hash.Sum32()
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}
