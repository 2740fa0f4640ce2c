package dataset

import (
	"encoding/binary"
	"errors"
)

// The element types of Thrift's compact protocol, as far as they are told apart
// here (thrift-compact-protocol.md of Apache Thrift).
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
	thriftUUID   = 13
)

var (
	errThriftShort = errors.New("metadata ends too early")
	errThriftLies  = errors.New("metadata states more than it holds")
	errThriftType  = errors.New("metadata has an unknown type")
)

// thrift reads values of the compact protocol from bytes that are not trusted.
type thrift struct {
	b  []byte
	at int
	// structs bounds how many structures lists may hold in all.
	structs int
}

func (t *thrift) uvarint() (uint64, error) {
	v, n := binary.Uvarint(t.b[t.at:])
	if n <= 0 {
		return 0, errThriftShort
	}
	t.at += n
	return v, nil
}

func (t *thrift) varint() (int64, error) {
	v, err := t.uvarint()
	return int64(v>>1) ^ -int64(v&1), err
}

func (t *thrift) take() (byte, error) {
	if t.at >= len(t.b) {
		return 0, errThriftShort
	}
	t.at++
	return t.b[t.at-1], nil
}

// fields calls field for each field of the structure that comes next; field must
// take the value. A boolean's value is its type.
func (t *thrift) fields(field func(id int64, kind byte) error) error {
	id := int64(0)
	for {
		head, err := t.take()
		if err != nil || head == 0 {
			return err
		}
		if delta := head >> 4; delta > 0 {
			id += int64(delta)
		} else if id, err = t.varint(); err != nil {
			return err
		}
		if err := field(id, head&15); err != nil {
			return err
		}
	}
}

// skip passes over one value. Lists that state more elements than bytes are left
// are refused: a decoder that believes them takes the memory first.
func (t *thrift) skip(kind byte, depth int) error {
	if depth > 32 {
		return errThriftType
	}
	size := 0
	switch kind {
	case thriftTrue, thriftFalse:
	case thriftByte:
		size = 1
	case thriftI16, thriftI32, thriftI64:
		_, err := t.uvarint()
		return err
	case thriftDouble:
		size = 8
	case thriftUUID:
		size = 16
	case thriftBinary:
		n, err := t.uvarint()
		if err != nil {
			return err
		}
		if n > uint64(len(t.b)-t.at) {
			return errThriftLies
		}
		size = int(n)
	case thriftList, thriftSet:
		return t.skipList(depth)
	case thriftMap:
		return t.skipMap(depth)
	case thriftStruct:
		return t.fields(func(_ int64, kind byte) error { return t.skip(kind, depth+1) })
	default:
		return errThriftType
	}
	if size > len(t.b)-t.at {
		return errThriftShort
	}
	t.at += size
	return nil
}

func (t *thrift) skipList(depth int) error {
	head, err := t.take()
	if err != nil {
		return err
	}
	n, kind := uint64(head>>4), head&15
	if n == 15 {
		if n, err = t.uvarint(); err != nil {
			return err
		}
	}
	return t.skipElements(n, kind, depth)
}

func (t *thrift) skipElements(n uint64, kind byte, depth int) error {
	if n > uint64(len(t.b)-t.at) {
		return errThriftLies
	}
	if kind == thriftStruct || kind == thriftList || kind == thriftMap || kind == thriftSet {
		if t.structs -= int(n); t.structs < 0 {
			return errThriftLies
		}
	}
	for range n {
		if kind == thriftTrue || kind == thriftFalse {
			kind = thriftByte // booleans of a list take a byte each
		}
		if err := t.skip(kind, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (t *thrift) skipMap(depth int) error {
	n, err := t.uvarint()
	if err != nil || n == 0 {
		return err
	}
	kinds, err := t.take()
	if err != nil {
		return err
	}
	if n > uint64(len(t.b)-t.at) || n > 1<<16 {
		return errThriftLies
	}
	for range n {
		for _, kind := range []byte{kinds >> 4, kinds & 15} {
			if err := t.skip(kind, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
