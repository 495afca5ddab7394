package quotes

import (
	"math/rand/v2"
	"strconv"
)

// Quote is one symbol's state. Prices are whole ticks of 0.01 and turnover is in hundredths, so that a long random
// walk never collects rounding errors.
type Quote struct {
	Symbol   string
	last     int64
	spread   int64
	bidSize  int64
	askSize  int64
	volume   int64
	turnover int64
}

// NewQuote opens a symbol at a random price between 5 and 505, mid-session: volume and turnover are already large.
func NewQuote(symbol string, random *rand.Rand) *Quote {
	q := &Quote{Symbol: symbol, last: 500 + random.Int64N(50_000), spread: 1 + random.Int64N(3)}
	q.bidSize, q.askSize = 100*(1+random.Int64N(50)), 100*(1+random.Int64N(50))
	q.volume = 100_000 + random.Int64N(20_000_000)
	q.turnover = q.volume * q.last
	return q
}

// Step moves the quote as a busy market does. Two of three records are trades, which move everything but now and then
// a size; the rest only change the book.
func (q *Quote) Step(random *rand.Rand) {
	if random.IntN(3) > 0 {
		q.last = max(100, q.last+random.Int64N(5)-2)
		traded := 100 * (1 + random.Int64N(20))
		q.volume += traded
		q.turnover += traded * q.last
	}
	if random.IntN(4) == 0 {
		q.spread = 1 + random.Int64N(3)
	}
	q.bidSize = max(100, q.bidSize+100*(random.Int64N(7)-3))
	q.askSize = max(100, q.askSize+100*(random.Int64N(7)-3))
}

// AppendJSON writes the record. tsMicros is the producer's wall clock in microseconds since the Unix epoch; it is
// written as milliseconds with three decimals, which a double still holds exactly enough to read back.
func (q *Quote) AppendJSON(to []byte, tsMicros int64) []byte {
	to = append(append(append(to, `{"symbol":"`...), q.Symbol...), '"')
	to = appendHundredths(append(to, `,"last":`...), q.last)
	to = appendHundredths(append(to, `,"bid":`...), q.last-q.spread)
	to = appendHundredths(append(to, `,"ask":`...), q.last+q.spread)
	to = strconv.AppendInt(append(to, `,"bidSize":`...), q.bidSize, 10)
	to = strconv.AppendInt(append(to, `,"askSize":`...), q.askSize, 10)
	to = strconv.AppendInt(append(to, `,"volume":`...), q.volume, 10)
	to = appendHundredths(append(to, `,"turnover":`...), q.turnover)
	to = strconv.AppendInt(append(to, `,"ts":`...), tsMicros/1000, 10)
	micros := tsMicros % 1000
	to = append(to, '.', byte('0'+micros/100), byte('0'+micros/10%10), byte('0'+micros%10))
	return append(to, '}')
}

// appendHundredths writes n/100 the way a JSON serialiser does: 187.2, not 187.20.
func appendHundredths(to []byte, n int64) []byte {
	return strconv.AppendFloat(to, float64(n)/100, 'f', -1, 64)
}
