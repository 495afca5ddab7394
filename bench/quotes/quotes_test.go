package quotes

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
)

func TestSymbolsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, symbol := range Symbols(10_000) {
		if seen[symbol] {
			t.Fatalf("%s comes twice", symbol)
		}
		seen[symbol] = true
	}
}

func TestRecordIsJSONAndKeepsItsTimestamp(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	quote := NewQuote("AAPL.US", random)
	for range 1000 {
		quote.Step(random)
		var record struct {
			Symbol         string
			Last, Bid, Ask float64
			Ts             float64
		}
		text := quote.AppendJSON(nil, 1_764_000_000_123_007)
		if err := json.Unmarshal(text, &record); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if record.Symbol != "AAPL.US" || record.Bid >= record.Last || record.Ask <= record.Last {
			t.Fatalf("not a quote: %s", text)
		}
		if int64(record.Ts*1000+0.5) != 1_764_000_000_123_007 {
			t.Fatalf("timestamp lost: %s", text)
		}
	}
}
