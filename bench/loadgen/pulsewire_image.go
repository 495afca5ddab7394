package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
)

// field is an entry of a feed's dictionary: its name, and how many decimals its numbers are sent with.
type field struct {
	name  string
	scale int
}

// image is a symbol's last value, by dictionary index. Section 10 of the protocol says how updates change it.
type image []value

type value struct {
	present bool
	// text is any JSON that is not a number; nil for numbers.
	text   []byte
	number float64
}

var powersOfTen = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// apply reads a field body: a bitmap of indexes, then one value for each.
func (im *image) apply(in *input, fields []field) error {
	var bitmap [64]byte
	size := 0
	for more := true; more; size++ {
		if size == len(bitmap) {
			return fmt.Errorf("bitmap of more than %d bytes", len(bitmap))
		}
		bitmap[size] = in.byte()
		more = bitmap[size]&0x80 != 0
	}
	for len(*im) < len(fields) {
		*im = append(*im, value{})
	}
	for index := range size * 7 {
		if bitmap[index/7]>>(index%7)&1 == 0 {
			continue
		}
		if index >= len(fields) {
			return fmt.Errorf("field %d is not in the dictionary", index)
		}
		if err := (*im)[index].read(in, powersOfTen[fields[index].scale]); err != nil {
			return err
		}
	}
	return nil
}

func (v *value) read(in *input, scale float64) error {
	h := in.uvarint()
	x := h >> 2
	switch h & 3 {
	case 0:
		*v = value{present: true, number: (math.Round(v.number*scale) + float64(unzigzag(x))) / scale}
	case 1:
		*v = value{present: true, number: float64(unzigzag(x)) / scale}
	case 2:
		*v = value{present: true, text: quoted(in.bytes(x))}
	default:
		return v.readOther(in, x)
	}
	return nil
}

func (v *value) readOther(in *input, x uint64) error {
	switch x {
	case 0:
		*v = value{present: true, text: []byte("null")}
	case 1:
		*v = value{present: true, text: []byte("true")}
	case 2:
		*v = value{present: true, text: []byte("false")}
	case 3:
		if b := in.bytes(8); len(b) == 8 {
			*v = value{present: true, number: math.Float64frombits(binary.LittleEndian.Uint64(b))}
		}
	case 4:
		*v = value{present: true, text: append([]byte(nil), in.bytes(in.uvarint())...)}
	case 5:
		*v = value{}
	default:
		return fmt.Errorf("unknown value kind %d", x)
	}
	return nil
}

// number returns a number field's value, 0 when there is none.
func (im image) number(fields []field, name string) float64 {
	for i := len(im) - 1; i >= 0; i-- {
		if fields[i].name == name {
			return im[i].number
		}
	}
	return 0
}

func quoted(text []byte) []byte {
	encoded, _ := json.Marshal(string(text))
	return encoded
}
