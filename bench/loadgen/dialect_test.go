package main

import (
	"strings"
	"testing"
)

func measuringTally() *tally { return &tally{sampling: true, measuring: true, nowMs: 2000} }

func TestCentrifugeCountsPushesAndAnswersPings(t *testing.T) {
	d, counted := &centrifugeDialect{}, measuringTally()
	replies, err := d.receive([]byte(`{"id":1,"connect":{"client":"c","ping":25,"pong":true}}`+"\n"+
		`{"id":2,"subscribe":{}}`+"\n{}\n"+
		`{"push":{"channel":"A.US","pub":{"data":{"symbol":"A.US","ts":1999.250}}}}`+"\n"+
		`{"push":{"channel":"A.US","pub":{"data":{"symbol":"A.US","ts":1999.500}}}}`), counted)
	if err != nil || len(replies) != 1 || !d.ready() || d.answered() != 1 || counted.updates != 2 {
		t.Fatalf("replies %v, error %v, ready %v, answered %d, updates %d", replies, err, d.ready(), d.answered(), counted.updates)
	}
	if counted.latenciesMicros[0] != 750 || counted.latenciesMicros[1] != 500 {
		t.Fatalf("latencies %v", counted.latenciesMicros)
	}
	if _, err := d.receive([]byte(`{"id":3,"error":{"code":103}}`), counted); err == nil {
		t.Fatal("an error went unnoticed")
	}
}

// NATS cuts its stream into messages anywhere.
func TestNatsSurvivesAnyCut(t *testing.T) {
	payload := `{"symbol":"A.US","ts":1999.250}`
	message := "MSG quote.A.US 1 31\r\n" + payload + "\r\n"
	stream := "INFO {}\r\nPONG\r\nPING\r\n" + message + "PONG\r\n" + message
	for step := 1; step < len(stream); step++ {
		d, counted, replies := &natsDialect{}, measuringTally(), 0
		d.subscribe([]string{"A.US"})
		for rest := stream; rest != ""; {
			cut := min(step, len(rest))
			answers, err := d.receive([]byte(rest[:cut]), counted)
			if err != nil {
				t.Fatal(err)
			}
			replies += len(answers)
			rest = rest[cut:]
		}
		if counted.updates != 2 || d.answered() != 1 || replies != 1 {
			t.Fatalf("cut every %d bytes: %d updates, %d answered, %d replies", step, counted.updates, d.answered(), replies)
		}
	}
}

func TestFramesAreCutAtTheTopLevelOnly(t *testing.T) {
	var frames []string
	err := eachFrame([]byte(` [{"t":"a","v":"]},\"{"}, {"t":"b","rows":[[1],[2]]} ,{}]`), func(text []byte) error {
		frames = append(frames, string(text))
		return nil
	})
	if err != nil || strings.Join(frames, "|") != `{"t":"a","v":"]},\"{"}|{"t":"b","rows":[[1],[2]]}|{}` {
		t.Fatalf("%v %q", err, frames)
	}
	if eachFrame([]byte(`{"t":"a"}`), func([]byte) error { return nil }) == nil {
		t.Fatal("a bare object passed")
	}
}
