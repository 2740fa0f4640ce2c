package pixels_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
)

// Files built by hand, for what no encoder would write.

func chunk(name string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(b, name...)
	b = append(b, data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// pngFile claims width x height pixels of 8-bit RGB and holds idat.
func pngFile(width, height uint32, idat []byte) []byte {
	header := binary.BigEndian.AppendUint32(nil, width)
	header = binary.BigEndian.AppendUint32(header, height)
	header = append(header, 8, 2, 0, 0, 0)
	return bytes.Join([][]byte{
		[]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", header), chunk("IDAT", idat), chunk("IEND", nil),
	}, nil)
}

// zeros is n zero bytes, deflated.
func zeros(n int) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	block := make([]byte, 1<<16)
	for ; n > 0; n -= len(block) {
		w.Write(block[:min(n, len(block))])
	}
	w.Close()
	return b.Bytes()
}

// gifFile has a canvas, and one frame of zeros at left, top.
func gifFile(canvas, at, size [2]uint16) []byte {
	b := []byte("GIF89a")
	b = binary.LittleEndian.AppendUint16(b, canvas[0])
	b = binary.LittleEndian.AppendUint16(b, canvas[1])
	b = append(b, 0x80, 0, 0)             // a palette of two
	b = append(b, 10, 20, 30, 40, 50, 60) // its colours
	b = append(b, 0x2c)
	for _, v := range [][2]uint16{at, size} {
		b = binary.LittleEndian.AppendUint16(b, v[0])
		b = binary.LittleEndian.AppendUint16(b, v[1])
	}
	b = append(b, 0, 2) // no palette of its own, two-bit codes
	var codes []byte
	var hold, n uint
	put := func(code uint) {
		hold |= code << n
		for n += 3; n >= 8; n -= 8 {
			codes, hold = append(codes, byte(hold)), hold>>8
		}
	}
	for range int(size[0]) * int(size[1]) {
		put(4) // clear before every pixel keeps codes three bits long
		put(0)
	}
	put(5)
	codes = append(codes, byte(hold))
	for len(codes) > 0 {
		part := codes[:min(255, len(codes))]
		b = append(append(b, byte(len(part))), part...)
		codes = codes[len(part):]
	}
	return append(b, 0, 0x3b)
}

// tiffEntry is one tag of a built TIFF; values beyond four bytes go behind it.
type tiffEntry struct {
	tag    uint16
	values []uint32
}

// tiffFile is little-endian, one directory of longs, then data. The entries' tags
// must rise. offsetTag's values are moved by where data begins.
func tiffFile(entries []tiffEntry, offsetTag uint16, data []byte) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(entries)))
	arrays := len(b) + 12*len(entries) + 4
	start := arrays
	for _, e := range entries {
		if len(e.values) > 1 {
			start += 4 * len(e.values)
		}
	}
	var tail []byte
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, 4)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(e.values)))
		var values []byte
		for _, v := range e.values {
			if e.tag == offsetTag {
				v += uint32(start)
			}
			values = binary.LittleEndian.AppendUint32(values, v)
		}
		if len(values) > 4 {
			b = binary.LittleEndian.AppendUint32(b, uint32(arrays+len(tail)))
			tail = append(tail, values...)
		} else {
			b = append(b, values...)
		}
	}
	b = append(b, 0, 0, 0, 0)
	return append(append(b, tail...), data...)
}

func times(v uint32, n int) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		out[i] = v
	}
	return out
}
