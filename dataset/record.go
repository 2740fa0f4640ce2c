package dataset

import "fmt"

// Record is one picture with its captions.
type Record struct {
	// ID names the picture: its path as the annotations write it (slashes, no
	// ".."), the key of a shard's sample, or FILE#ROW of a Parquet file without
	// names. It is unique within a Set and valid UTF-8 without control characters.
	ID string
	// Captions are in the order of the file, at least one, each one line of valid
	// UTF-8 that is not empty.
	Captions []string
	// Split is "train", "val" (dev and validation are read as val), "test", a
	// word of the set's own, or "" where none is stated.
	Split string
}

// Count is how many pictures and captions there are of something.
type Count struct {
	Pictures int `json:"pictures"`
	Captions int `json:"captions"`
}

// Text is the count in words: "1 picture, 5 captions".
func (c Count) Text() string {
	return counted(c.Pictures, "picture") + ", " + counted(c.Captions, "caption")
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// CountOf counts the pictures and captions of records.
func CountOf(records []Record) Count {
	c := Count{Pictures: len(records)}
	for _, r := range records {
		c.Captions += len(r.Captions)
	}
	return c
}
