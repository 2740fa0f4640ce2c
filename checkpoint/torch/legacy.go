package torch

import (
	"encoding/binary"
	"io"
)

// The numbers that begin the legacy form: PyTorch's magic and protocol version.
const (
	legacyMagic   = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
	legacyVersion = int64(1001)
)

// readLegacy reads five pickles after each other (magic, version, machine, the
// value, the keys of storages) and finds the storages behind them.
func readLegacy(r io.ReaderAt, size int64) (any, error) {
	in := newInput(r, 0, size)
	none := func(tuple) (*storage, error) { return nil, corrupt("a storage before the value") }
	if magic, err := unpickle(in, none); err != nil {
		return nil, err
	} else if magic != long(legacyMagic) {
		return nil, corrupt("a pickle, but not one of torch.save")
	}
	if version, err := unpickle(in, none); err != nil {
		return nil, err
	} else if version != legacyVersion {
		return nil, corrupt("legacy version %v, want %d", version, legacyVersion)
	}
	machine, err := unpickle(in, none)
	if err != nil {
		return nil, err
	}
	if d, ok := machine.(*dict); ok && d.get("little_endian") == false {
		return nil, corrupt("written on a big-endian machine")
	}
	set := storageSet{}
	root, err := unpickle(in, func(id tuple) (*storage, error) {
		_, s, _, err := set.named(id)
		return s, err
	})
	if err != nil {
		return nil, err
	}
	keys, err := unpickle(in, none)
	if err != nil {
		return nil, err
	}
	return root, set.place(keys, r, in.read, size)
}

// place says where each storage is: in the order of the keys, a count of eight
// bytes before its elements.
func (all storageSet) place(keys any, r io.ReaderAt, at, size int64) error {
	order, ok := keys.(*list)
	if !ok {
		return corrupt("keys of storages are %s", describe(keys))
	}
	for _, k := range order.items {
		key, _ := k.(string)
		s := all[key]
		if s == nil || s.from != nil {
			return corrupt("storage %.40q is unknown or there twice", key)
		}
		var prefix [8]byte
		if err := readFull(r, prefix[:], at); err != nil {
			return err
		}
		if count := int64(binary.LittleEndian.Uint64(prefix[:])); count != s.count {
			return corrupt("storage %.40q has %d elements, its tensors say %d", key, count, s.count)
		}
		at += int64(len(prefix))
		if s.bytes() > size-at {
			return corrupt("storage %.40q of %d bytes: file ends at byte %d", key, s.bytes(), size)
		}
		s.from, s.offset = r, at
		at += s.bytes()
	}
	for key, s := range all {
		if s.from == nil {
			return corrupt("storage %.40q is not in the file", key)
		}
	}
	return nil
}

func (d *dict) get(key string) any {
	for i, k := range d.keys {
		if k == key {
			return d.values[i]
		}
	}
	return nil
}
