package dataset

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/loopitr/loopitr"
)

// shard is a tar file whose members' offsets are known. It is opened for each
// read, so that thousands of shards need no open files.
type shard struct {
	path string
	size int64
}

func (s *shard) close() error { return nil }

func (s *shard) picture(p place, limit int64) ([]byte, error) {
	if p.size > limit {
		return nil, fmt.Errorf("read %s: %d bytes, more than the limit of %d: %w", p.name, p.size, limit, loopitr.ErrInvalid)
	}
	f, size, err := openRegular(s.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size != s.size {
		return nil, fmt.Errorf("read %s: the shard changed after it was opened: %w", p.name, loopitr.ErrCorrupt)
	}
	picture := make([]byte, p.size) // within the file: readShard checked it
	if _, err := f.ReadAt(picture, p.offset); err != nil {
		return nil, fmt.Errorf("read %s: %w", p.name, err)
	}
	return picture, nil
}

// sample is what one key of a shard has gathered.
type sample struct {
	row
	key  string // name may be another, from KEY.json
	text bool   // KEY.txt was seen: its lines are the captions
	told bool   // a member was skipped: what the sample lacks by it is not told again
}

// shardRead reads the members of one shard into samples.
type shardRead struct {
	b       *builder
	source  *shard
	member  int
	order   []*sample
	samples map[string]*sample
}

// readShard reads the directory and the captions of one tar file, not its
// pictures. A shard that ends too early keeps what was whole.
func readShard(b *builder, path string, captions *translations) error {
	f, size, err := openRegular(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return readMembers(b, f, &shard{path: path, size: size}, captions)
}

func readMembers(b *builder, f io.ReadSeeker, source *shard, captions *translations) error {
	r := &shardRead{b: b, source: source, samples: map[string]*sample{}}
	if err := r.members(f); err != nil {
		return err
	}
	for _, s := range r.order {
		if s.place.source == nil {
			if len(s.captions) > 0 && !s.told {
				b.skip(s.at, MissingFile, "captions without a picture")
			}
			continue
		}
		if captions != nil {
			var err error
			if s.captions, err = captions.of(source.path, s.key); err != nil {
				return err
			}
		}
		if s.told && len(s.captions) == 0 {
			continue
		}
		if err := b.add(s.row); err != nil {
			return err
		}
	}
	return nil
}

func (r *shardRead) members(f io.ReadSeeker) error {
	in := tar.NewReader(f)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		r.member++
		at := spot{file: r.source.path, line: r.member, unit: "member"}
		if err != nil {
			if r.member == 1 {
				return fmt.Errorf("read %s: %w: %w", r.source.path, err, loopitr.ErrCorrupt)
			}
			r.b.skip(at, Truncated, err.Error())
			return nil
		}
		if r.member%1024 == 0 && r.b.ctx.Err() != nil {
			return r.b.ctx.Err()
		}
		offset, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return fmt.Errorf("read %s: %w", r.source.path, err)
		}
		if h.Typeflag == tar.TypeReg && (h.Size < 0 || h.Size > r.source.size-offset) {
			r.b.skip(at, Truncated, fmt.Sprintf("%.120q says %d bytes, %d are left", h.Name, h.Size, r.source.size-offset))
			return nil
		}
		if err := r.take(h, in, offset); err != nil {
			r.b.skip(at, Truncated, err.Error())
			return nil
		}
	}
}

// take files one member under its key. The error is of reading its bytes.
func (r *shardRead) take(h *tar.Header, in io.Reader, offset int64) error {
	key, extension := sampleKey(h.Name)
	picture := pictureExtensions[extension]
	if !picture && extension != ".txt" && extension != ".json" {
		return nil
	}
	at := spot{file: r.source.path, line: r.member, unit: "member"}
	name, err := cleanName(key)
	if err != nil {
		r.b.skip(at, UnsafeName, fmt.Sprintf("%.120q: %v", h.Name, err))
		return nil
	}
	if h.Typeflag != tar.TypeReg || sparse(h) {
		if picture {
			r.b.skip(at, NotAFile, fmt.Sprintf("%.120q", h.Name))
		}
		return nil
	}
	s := r.samples[name]
	if s == nil {
		s = &sample{row: row{at: at, name: name, whole: true}, key: name}
		r.samples[name] = s
		r.order = append(r.order, s)
	}
	if picture {
		r.takePicture(s, h, offset)
		return nil
	}
	if h.Size > int64(r.b.limits.RowBytes) {
		r.b.skip(at, OversizedInput, fmt.Sprintf("%.120q: %d bytes, limit %d", h.Name, h.Size, r.b.limits.RowBytes))
		s.told = true
		return nil
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("%.120q: %w", h.Name, err)
	}
	if extension == ".txt" {
		if s.text {
			r.b.skip(at, DuplicateID, fmt.Sprintf("%.120q: the sample has captions", h.Name))
			return nil
		}
		s.captions, s.text = captionLines(string(text)), true
		return nil
	}
	r.takeJSON(s, at, text)
	return nil
}

func (r *shardRead) takePicture(s *sample, h *tar.Header, offset int64) {
	at := spot{file: r.source.path, line: r.member, unit: "member"}
	if s.place.source != nil {
		r.b.skip(at, DuplicateID, fmt.Sprintf("%.120q: the sample has a picture", h.Name))
		return
	}
	if reason, detail := judgeSize(h.Size, r.b.limits.PictureBytes); reason != "" {
		r.b.skip(at, reason, fmt.Sprintf("%.120q: %s", h.Name, detail))
		s.told = true
		return
	}
	s.place = place{source: r.source, name: r.source.path + ":" + h.Name, offset: offset, size: h.Size}
}

func (r *shardRead) takeJSON(s *sample, at spot, text []byte) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		r.b.skip(at, BadRow, err.Error())
		s.told = true
		return
	}
	if captions, ok := textsOf(fields, captionNames); ok && !s.text {
		s.captions = captions
	}
	if split, ok := textOf(fields, splitNames); ok {
		s.split, s.stated = split, true
	}
	if name, ok := textOf(fields, []string{"image"}); ok && name != "" {
		s.name = name
	}
}

// sampleKey cuts a member's name at the first dot of its last element. The
// extension is in lower case and has all the rest: "seg.png" is no picture.
func sampleKey(name string) (key, extension string) {
	dir, base := path.Split(name)
	stem, rest, dotted := strings.Cut(base, ".")
	if !dotted || stem == "" {
		return dir + base, ""
	}
	return dir + stem, "." + strings.ToLower(rest)
}

// sparse reports members whose bytes are not stored one after another.
func sparse(h *tar.Header) bool {
	for record := range h.PAXRecords {
		if strings.HasPrefix(record, "GNU.sparse.") {
			return true
		}
	}
	return false
}
