package dataset

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/loopitr/loopitr"
)

// jsonScan cuts a JSON text into the elements of its lists and objects without
// holding more than one of them, and passes over those that are too large. It
// finds where values end; whether they are well-formed inside is for
// encoding/json to say.
type jsonScan struct {
	file  string
	in    *bufio.Reader
	limit int
	at    int64 // bytes taken
}

func newJSONScan(r io.Reader, file string, limit int) *jsonScan {
	s := &jsonScan{file: file, in: bufio.NewReaderSize(r, 64<<10), limit: limit}
	if mark, err := s.in.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = s.in.Discard(3)
		s.at = 3
	}
	return s
}

func (s *jsonScan) wrong(format string, args ...any) error {
	return fmt.Errorf("byte %d: %s: %w", s.at, fmt.Sprintf(format, args...), loopitr.ErrInvalid)
}

func (s *jsonScan) take() (byte, error) {
	c, err := s.in.ReadByte()
	if errors.Is(err, io.EOF) {
		return 0, s.wrong("the file ends in the middle")
	}
	s.at++
	return c, err
}

// peek passes over white space and returns the next byte without taking it.
func (s *jsonScan) peek() (byte, error) {
	for {
		c, err := s.take()
		if err != nil {
			return 0, err
		}
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			s.at--
			return c, s.in.UnreadByte()
		}
	}
}

// end takes the white space after the text; anything else would be lost.
func (s *jsonScan) end() error {
	for {
		switch c, err := s.in.ReadByte(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case c != ' ' && c != '\t' && c != '\n' && c != '\r':
			return s.wrong("%q after the end", c)
		}
		s.at++
	}
}

func (s *jsonScan) expect(want byte) error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	if c != want {
		return s.wrong("%q where %q is expected", c, want)
	}
	_, err = s.take()
	return err
}

// list calls element for each element of the list that comes next; element must
// take exactly one value.
func (s *jsonScan) list(element func(i int) error) error {
	return s.sequence('[', ']', element)
}

// object calls member for each member of the object that comes next; member must
// take exactly the value.
func (s *jsonScan) object(member func(key string) error) error {
	return s.sequence('{', '}', func(int) error {
		raw, oversized, err := s.value()
		if err != nil {
			return err
		}
		key, ok := jsonText(raw)
		if oversized || !ok || raw[0] != '"' {
			return s.wrong("a name in quotes is expected")
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return member(key)
	})
}

func (s *jsonScan) sequence(open, end byte, element func(i int) error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	for i := 0; ; i++ {
		c, err := s.peek()
		if err != nil {
			return err
		}
		if c == end {
			_, err := s.take()
			return err
		}
		if i > 0 {
			if err := s.expect(','); err != nil {
				return err
			}
		}
		if err := element(i); err != nil {
			return err
		}
	}
}

// value takes the next value and returns its text, or oversized without it.
func (s *jsonScan) value() (raw []byte, oversized bool, err error) {
	c, err := s.peek()
	if err != nil {
		return nil, false, err
	}
	keep := func(c byte) {
		if !oversized {
			if raw = append(raw, c); len(raw) > s.limit {
				raw, oversized = nil, true
			}
		}
	}
	if c != '{' && c != '[' && c != '"' {
		err = s.scalar(keep)
		return raw, oversized, err
	}
	depth, quoted := 0, false
	for {
		if c, err = s.take(); err != nil {
			return nil, false, err
		}
		keep(c)
		switch {
		case quoted && c == '\\':
			if c, err = s.take(); err != nil {
				return nil, false, err
			}
			keep(c)
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth <= 0 && !quoted {
			return raw, oversized, nil
		}
	}
}

// scalar takes a number, true, false or null.
func (s *jsonScan) scalar(keep func(byte)) error {
	for taken := 0; ; taken++ {
		c, err := s.in.ReadByte()
		if errors.Is(err, io.EOF) && taken > 0 {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return s.wrong("a value is expected")
		}
		if err != nil {
			return err
		}
		switch c {
		case ',', ']', '}', ':', ' ', '\t', '\r', '\n':
			if taken == 0 {
				return s.wrong("%q where a value is expected", c)
			}
			return s.in.UnreadByte()
		}
		s.at++
		keep(c)
	}
}
