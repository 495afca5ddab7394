// Package quotes holds what the producer and the load generator must agree on: which symbols exist, and what a
// quote record looks like.
package quotes

// Symbols returns the first count symbols of the benchmark's market, for example "ABQX.US". The list is the same on
// every run and machine, so that every peer is asked for the same symbols.
func Symbols(count int) []string {
	symbols := make([]string, count)
	for i := range symbols {
		symbols[i] = symbol(i)
	}
	return symbols
}

// symbol spells i in four letters. The step is coprime to 26^4, so all names differ and neighbours look unlike each other.
func symbol(i int) string {
	const step, names = 130_711, 26 * 26 * 26 * 26
	n := (i + 1) * step % names
	letters := []byte("AAAA.US")
	for at := 3; at >= 0; at-- {
		letters[at] = byte('A' + n%26)
		n /= 26
	}
	return string(letters)
}
