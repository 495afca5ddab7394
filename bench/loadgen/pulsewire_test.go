package main

import (
	"encoding/binary"
	"math"
	"testing"
)

func zigzag(n int64) uint64 { return uint64(n)<<1 ^ uint64(n>>63) }

// wire writes test messages the way section 10 of the protocol describes them.
type wire []byte

func (w *wire) bytes(bytes ...byte)  { *w = append(*w, bytes...) }
func (w *wire) number(n uint64)      { *w = binary.AppendUvarint(*w, n) }
func (w *wire) text(text string)     { w.number(uint64(len(text))); *w = append(*w, text...) }
func (w *wire) value(kind, x uint64) { w.number(x<<2 | kind) }
func (w *wire) framed(kind byte, payload []byte) {
	*w = append(*w, lengthPrefixed(kind, payload)...)
}

// subscribedBinary is a session with one row, A.US under ref 1, whose fields are last (2 decimals), name, ts (3 decimals).
func subscribedBinary(t *testing.T) (*pulsewireBinary, *tally) {
	t.Helper()
	d, counted := newPulsewireBinary(subscribeOptions{}), measuringTally()
	d.subscribe([]string{"A.US"})
	var w, fields wire
	w.framed(frameJSON, []byte(`{"t":"welcome","epoch":1000,"feeds":[{"feed":"quote","generation":1,"partitions":4}]}`))
	w.framed(frameJSON, []byte(`{"t":"subscribed","id":1,"ok":[["A.US",1,"snapshot"]],"refused":[],"done":true}`))
	fields.number(0)
	fields.number(0)
	fields.number(3)
	fields.text("last")
	fields.number(2)
	fields.text("name")
	fields.number(0)
	fields.text("ts")
	fields.number(3)
	w.framed(frameDictionary, fields)
	if _, err := d.receive(w, counted); err != nil {
		t.Fatal(err)
	}
	return d, counted
}

func snapshotFrame() wire {
	var w wire
	w.bytes(frameUpdate | flagSnapshot | flagPartition | flagCount)
	w.number(1) // ref
	w.number(1) // generation
	w.number(2) // partition
	w.number(4711)
	w.number(zigzag(500))
	w.number(0) // stands for an unknown number of records
	w.bytes(0b111)
	w.value(1, zigzag(18723))
	w.value(2, 5)
	w.bytes([]byte("Apple")...)
	w.value(3, 3)
	w = binary.LittleEndian.AppendUint64(w, math.Float64bits(1999.25))
	return w
}

func TestBinaryImagesFollowSteps(t *testing.T) {
	d, counted := subscribedBinary(t)
	if d.answered() != 0 {
		t.Fatal("answered before its snapshot came")
	}
	w := snapshotFrame()
	w.bytes(frameUpdate|flagCount, 1)
	w.number(4712)
	w.number(zigzag(501))
	w.number(3)
	w.bytes(0b101)
	w.value(0, zigzag(-2))
	w.value(0, zigzag(500))
	if _, err := d.receive(w, counted); err != nil {
		t.Fatal(err)
	}
	image, fields := d.rows[1].image, d.dictionaries[0]
	if d.answered() != 1 || counted.updates != 1 || counted.records != 3 {
		t.Fatalf("%d answered, %d updates, %d records", d.answered(), counted.updates, counted.records)
	}
	if image.number(fields, "last") != 187.21 || string(image[1].text) != `"Apple"` || image.number(fields, "ts") != 1999.75 {
		t.Fatalf("image %+v", image)
	}
	if len(counted.latenciesMicros) != 1 || counted.latenciesMicros[0] != 250 {
		t.Fatalf("latencies %v", counted.latenciesMicros)
	}
}

func TestBinaryPulsesAndMarksAreAcknowledged(t *testing.T) {
	d, counted := subscribedBinary(t)
	var w, pulse wire
	pulse.number(812)
	pulse.number(zigzag(7))
	pulse.number(0)
	w.framed(framePulse, pulse)
	w.framed(0x7f, []byte("a kind of the future"))
	w.framed(frameMark, binary.AppendUvarint(nil, 17))
	replies, err := d.receive(w, counted)
	if err != nil || len(replies) != 2 {
		t.Fatalf("%v %v", replies, err)
	}
	if string(replies[0].payload) != string(lengthPrefixed(frameAckMark, []byte{17})) {
		t.Fatalf("mark answered with %x", replies[0].payload)
	}
	want := binary.LittleEndian.AppendUint32(binary.AppendUvarint(binary.AppendUvarint(nil, 812), 1), digestOf(rowName{1, "A.US"}))
	if string(replies[1].payload) != string(lengthPrefixed(frameAck, want)) {
		t.Fatalf("pulse answered with %x", replies[1].payload)
	}
}

// Whatever is cut off a message is an error, and never a crash.
func TestBinaryRefusesWhatIsCutShort(t *testing.T) {
	whole := snapshotFrame()
	for size := 1; size < len(whole); size++ {
		d, counted := subscribedBinary(t)
		if _, err := d.receive(whole[:size], counted); err == nil {
			t.Fatalf("the first %d bytes of %d passed", size, len(whole))
		}
	}
}

func TestJSONSession(t *testing.T) {
	d, counted := newPulsewireJSON(subscribeOptions{}), measuringTally()
	d.subscribe([]string{"A.US", "B.US"})
	replies, err := d.receive([]byte(`[{"t":"welcome","epoch":0,"feeds":[{"feed":"quote"}]},
		{"t":"subscribed","id":1,"ok":[["A.US",1,"snapshot"],["B.US",2,"empty"]],"refused":[],"done":true},
		{"t":"update","ref":1,"n":0,"snapshot":true,"symbol":"A.US","position":"1:0:7","ts":1,"values":{"last":1.5,"ts":1000}},
		{"t":"pulse","pulse":3,"at":1},
		{"t":"update","ref":2,"n":4,"symbol":"B.US","position":"1:0:9","ts":1,"values":{"last":2,"ts":1999.5}}]`), counted)
	if err != nil || len(replies) != 1 || d.answered() != 2 {
		t.Fatalf("%v %v, %d answered", replies, err, d.answered())
	}
	if counted.updates != 1 || counted.records != 4 || len(counted.latenciesMicros) != 1 || counted.latenciesMicros[0] != 500 {
		t.Fatalf("%d updates, %d records, latencies %v", counted.updates, counted.records, counted.latenciesMicros)
	}
}
