package main

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// tally counts what one connection received. Its goroutine holds the lock while it handles what one read brought; the
// window's begin and end are the only others who take it.
type tally struct {
	sync.Mutex
	counts
	// nowMs is when the read returned, by this machine's wall clock, which the producer's timestamps are taken from too.
	nowMs float64
	// sampling is on for a share of the connections, chosen evenly: every update of theirs is timed.
	sampling        bool
	measuring       bool
	latenciesMicros []int32
}

type counts struct {
	// updates as the peer delivered them; records counts conflated ones as many times as they stand for.
	updates, records int64
	bytes, messages  int64
	// stale: how often the server said that it cannot vouch for what it shows (Pulsewire only); 0 in a sound run.
	stale int64
}

func (c counts) minus(other counts) counts {
	return counts{
		c.updates - other.updates, c.records - other.records,
		c.bytes - other.bytes, c.messages - other.messages, c.stale - other.stale,
	}
}

func (c *counts) add(other counts) {
	c.updates += other.updates
	c.records += other.records
	c.bytes += other.bytes
	c.messages += other.messages
	c.stale += other.stale
}

// count counts one update.
func (t *tally) count(records int64) {
	t.updates++
	t.records += records
}

// timed says whether updates are to be timed now.
func (t *tally) timed() bool { return t.sampling && t.measuring }

// json counts an update that holds the record's JSON text.
func (t *tally) json(records int64, text []byte) {
	t.count(records)
	if t.timed() {
		t.time(timestampOf(text))
	}
}

func (t *tally) time(tsMs float64) {
	if tsMs > 0 {
		t.latenciesMicros = append(t.latenciesMicros, int32(min(math.MaxInt32, math.Round((t.nowMs-tsMs)*1000))))
	}
}

// timestampField is the producer's time in the record. A number with fractions; an envelope's own "ts" comes first in
// no peer's frames but Pulsewire's, whose whole milliseconds are skipped by taking the last one.
var timestampField = []byte(`"ts":`)

// timestampOf finds the record's timestamp in its JSON text, 0 when there is none.
func timestampOf(text []byte) float64 {
	at := bytes.LastIndex(text, timestampField)
	if at < 0 {
		return 0
	}
	digits := text[at+len(timestampField):]
	end := 0
	for end < len(digits) && (digits[end] == '.' || digits[end]-'0' < 10) {
		end++
	}
	ts, _ := strconv.ParseFloat(string(digits[:end]), 64)
	return ts
}

// latency summarises samples.
type latency struct {
	Samples int     `json:"samples"`
	P50Ms   float64 `json:"p50Ms"`
	P90Ms   float64 `json:"p90Ms"`
	P99Ms   float64 `json:"p99Ms"`
	P999Ms  float64 `json:"p999Ms"`
	MaxMs   float64 `json:"maxMs"`
}

// summarise sorts the samples in place; nil when there are none.
func summarise(micros []int32) *latency {
	if len(micros) == 0 {
		return nil
	}
	slices.Sort(micros)
	at := func(share float64) float64 {
		return float64(micros[min(len(micros)-1, int(share*float64(len(micros))))]) / 1000
	}
	return &latency{len(micros), at(0.5), at(0.9), at(0.99), at(0.999), at(1)}
}

// ownCPUSeconds is what this process has used, to show that it is not the bottleneck.
func ownCPUSeconds() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / float64(time.Second)
}
