package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/loopitr/loopitr"
)

// CheckConfig says how a set is checked.
type CheckConfig struct {
	// Decode judges the bytes of a picture; nil leaves pictures unjudged. It is
	// called concurrently and does not keep the bytes.
	Decode func(encoded []byte) error
	// Undecodable, if not nil, hears of every picture that cannot be read or
	// decoded, in the order of the records, after all were read.
	Undecodable func(id string, cause error)
	// Workers is how many pictures are read at a time; 0 is one per processor.
	Workers int
	// Details is how many findings of each kind are listed; all are counted.
	// 0 is 1000.
	Details int
}

// Findings is what a check found. A set that trains and measures honestly has
// none of Undecodable, SharedPictures and SharedCaptions.
type Findings struct {
	Count
	// Skipped is what Open left out: missing files, empty captions, bad rows.
	Skipped Skips `json:"skipped"`
	// Absent counts pictures that only a token file stands for.
	Absent int `json:"absent"`
	// Undecodable are pictures that cannot be read or decoded.
	Undecodable Finding `json:"undecodable"`
	// RepeatedCaptions are captions that their own picture has twice.
	RepeatedCaptions Finding `json:"repeated_captions"`
	// SharedCaptions are texts of pictures in different splits.
	SharedCaptions Finding `json:"shared_captions"`
	// DuplicatePictures are the same bytes under several names of one split.
	DuplicatePictures Finding `json:"duplicate_pictures"`
	// SharedPictures are the same bytes in different splits: what is measured on
	// one was learned on the other.
	SharedPictures Finding `json:"shared_pictures"`
}

// Finding counts one kind of problem and lists the first of them.
type Finding struct {
	Count   int      `json:"count"`
	Details []string `json:"details,omitempty"`
}

func (f *Finding) add(limit int, format string, args ...any) {
	f.Count++
	if len(f.Details) < limit {
		f.Details = append(f.Details, printable(fmt.Sprintf(format, args...)))
	}
}

// Check reads every picture of a set once and looks for what spoils training and
// measuring. The error is ctx's.
func Check(ctx context.Context, s *Set, config CheckConfig) (Findings, error) {
	if config.Workers <= 0 {
		config.Workers = runtime.GOMAXPROCS(0)
	}
	if config.Details <= 0 {
		config.Details = DefaultLimits().Details
	}
	f := Findings{Count: CountOf(s.Records), Skipped: s.Skipped}
	read, err := readPictures(ctx, s, config)
	if err != nil {
		return Findings{}, err
	}
	f.pictures(s.Records, read, config)
	f.captions(s.Records, config.Details)
	return f, nil
}

// pictureRead is what reading one picture gave.
type pictureRead struct {
	hash [sha256.Size]byte
	err  error
}

// readPictures hashes and judges all pictures on several goroutines, which end
// before it returns.
func readPictures(ctx context.Context, s *Set, config CheckConfig) ([]pictureRead, error) {
	read := make([]pictureRead, len(s.Records))
	var next atomic.Int64
	var group sync.WaitGroup
	for range config.Workers {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(read) || ctx.Err() != nil {
					return
				}
				picture, err := s.Picture(i)
				if err == nil {
					read[i].hash = sha256.Sum256(picture)
					if config.Decode != nil {
						err = config.Decode(picture)
					}
				}
				read[i].err = err
			}
		})
	}
	group.Wait()
	return read, ctx.Err()
}

// pictures reports in the order of the records, whichever was read first.
func (f *Findings) pictures(records []Record, read []pictureRead, config CheckConfig) {
	first := map[[sha256.Size]byte]int{}
	for i, r := range records {
		switch err := read[i].err; {
		case errors.Is(err, loopitr.ErrNotFound):
			f.Absent++
			continue
		case err != nil:
			f.Undecodable.add(config.Details, "%s: %v", r.ID, err)
			if config.Undecodable != nil {
				config.Undecodable(r.ID, err)
			}
		}
		if read[i].hash == ([sha256.Size]byte{}) {
			continue // it could not be read
		}
		same, known := first[read[i].hash]
		if !known {
			first[read[i].hash] = i
			continue
		}
		finding := &f.DuplicatePictures
		if records[same].Split != r.Split {
			finding = &f.SharedPictures
		}
		finding.add(config.Details, "%s (%s) is %s (%s), sha256 %s", r.ID, splitWord(r.Split), records[same].ID,
			splitWord(records[same].Split), hex.EncodeToString(read[i].hash[:6]))
	}
}

func splitWord(split string) string {
	if split == "" {
		return "no split"
	}
	return split
}

func (f *Findings) captions(records []Record, details int) {
	first := map[string]int{}
	reported := map[string]bool{}
	for i, r := range records {
		own := map[string]bool{}
		for _, caption := range r.Captions {
			text := groupText(caption)
			if own[text] {
				f.RepeatedCaptions.add(details, "%s: %q", r.ID, caption)
				continue
			}
			own[text] = true
			same, known := first[text]
			if !known {
				first[text] = i
				continue
			}
			if records[same].Split != r.Split && !reported[text] {
				reported[text] = true
				f.SharedCaptions.add(details, "%q: %s (%s) and %s (%s)", caption, records[same].ID, splitWord(records[same].Split), r.ID, splitWord(r.Split))
			}
		}
	}
}
