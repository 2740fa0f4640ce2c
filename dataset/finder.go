package dataset

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/loopitr/loopitr"
)

// finder finds a picture by its name.
type finder interface {
	// find returns an empty Reason when the picture is there.
	find(id string) (place, Reason, string)
}

// folders finds pictures that are files below one of its roots. The whole name
// is tried first, then its endings, because lists name pictures by the folders
// of the machine that made them.
type folders struct {
	roots   []string
	largest int64 // bytes of a picture
}

// foldersBeside are where pictures lie when nothing is said.
func foldersBeside(dir string, largest int64) *folders {
	return &folders{roots: []string{dir, filepath.Join(dir, "images"), filepath.Join(dir, "Images")}, largest: largest}
}

func (f *folders) find(id string) (place, Reason, string) {
	var found place
	reason, detail := MissingFile, id
	try := func(name string) bool {
		for _, root := range f.roots {
			full := filepath.Join(root, filepath.FromSlash(name))
			file, size, err := openRegular(full)
			if err == nil {
				_ = file.Close() // nothing was written
				found = place{source: files{}, name: full}
				reason, detail = judgeSize(size, f.largest)
				return false
			}
			if r := reasonOf(err); r != MissingFile {
				reason, detail = r, err.Error()
				if r != NotAFile { // a folder of that name may hide the picture elsewhere
					return false
				}
			}
		}
		return true
	}
	spellings(id, func(name string) bool {
		going := true
		endings(name, func(end string) bool { going = try(end); return going })
		return going
	})
	return found, reason, detail
}

// spellings yields id, also with slashes for the backslashes of another system,
// and each with every picture extension if it has none.
func spellings(id string, yield func(string) bool) {
	spelled := []string{id}
	if slashed := strings.ReplaceAll(id, `\`, "/"); slashed != id {
		spelled = append(spelled, slashed)
	}
	for _, name := range spelled {
		if !yield(name) {
			return
		}
	}
	if isPicture(id) {
		return
	}
	for _, name := range spelled {
		for _, extension := range sortedKeys(pictureExtensions) {
			if !yield(name + extension) {
				return
			}
		}
	}
}

// archive is a zip of pictures.
type archive struct {
	name    string
	file    *os.File
	zip     *zip.Reader
	byName  map[string]int
	byBase  map[string]int // -1 where several entries end in the same name
	largest int64
}

func openArchive(name string, largest int64) (*archive, error) {
	file, size, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	r, err := zip.NewReader(file, size)
	if err != nil {
		_ = file.Close() // nothing was written
		if _, system := errors.AsType[*fs.PathError](err); system {
			return nil, kind(err)
		}
		return nil, fmt.Errorf("open %s: %w: %w", name, err, loopitr.ErrCorrupt)
	}
	a := &archive{name: name, file: file, zip: r, byName: map[string]int{}, byBase: map[string]int{}, largest: largest}
	for i, entry := range r.File {
		clean, err := cleanName(entry.Name)
		if err != nil {
			continue
		}
		if _, known := a.byName[clean]; known {
			continue
		}
		a.byName[clean] = i
		if base := path.Base(clean); clean != base {
			if _, known := a.byBase[base]; known {
				a.byBase[base] = -1
			} else {
				a.byBase[base] = i
			}
		}
	}
	return a, nil
}

func (a *archive) find(id string) (place, Reason, string) {
	entry := -1
	spellings(id, func(name string) bool {
		endings(name, func(end string) bool {
			if i, known := a.byName[end]; known {
				entry = i
			}
			return entry < 0
		})
		if i, known := a.byBase[path.Base(name)]; entry < 0 && known {
			entry = i
		}
		return entry < 0
	})
	if entry < 0 {
		return place{}, MissingFile, fmt.Sprintf("%s in %s", id, a.name)
	}
	f := a.zip.File[entry]
	switch {
	case f.Mode().IsDir():
		return place{}, NotAFile, f.Name
	case f.Flags&1 != 0:
		return place{}, Unreadable, f.Name + " is encrypted"
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return place{}, Unreadable, fmt.Sprintf("%s: compression method %d", f.Name, f.Method)
	}
	if reason, detail := judgeSize(int64(min(f.UncompressedSize64, 1<<62)), a.largest); reason != "" {
		return place{}, reason, f.Name + ": " + detail
	}
	return place{source: a, name: a.name + ":" + f.Name, offset: int64(entry)}, "", ""
}

// picture inflates one entry. What the entry says of its size is not believed.
func (a *archive) picture(p place, limit int64) ([]byte, error) {
	f := a.zip.File[p.offset]
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w: %w", p.name, err, loopitr.ErrCorrupt)
	}
	defer r.Close()
	picture, err := readAtMost(r, p.name, int64(min(f.UncompressedSize64, 1<<62)), limit)
	if err != nil && !errors.Is(err, loopitr.ErrInvalid) {
		err = fmt.Errorf("%w: %w", err, loopitr.ErrCorrupt)
	}
	return picture, err
}

func (a *archive) close() error { return a.file.Close() }

// lookout gives each annotation file the finder of its pictures, one for all
// files of a folder.
type lookout struct {
	named   finder // Options.Images; nil: beside each file
	beside  map[string]finder
	largest int64
}

// newLookout opens where the pictures of the annotation files lie.
func newLookout(o Options, b *builder) (*lookout, error) {
	l := &lookout{beside: map[string]finder{}, largest: b.limits.PictureBytes}
	if o.Images == "" {
		return l, nil
	}
	facts, err := os.Stat(o.Images)
	if err != nil {
		return nil, kind(err)
	}
	if facts.IsDir() {
		l.named = &folders{roots: []string{o.Images}, largest: l.largest}
		return l, nil
	}
	a, err := openArchive(o.Images, l.largest)
	if err != nil {
		return nil, err
	}
	b.sources = append(b.sources, a)
	l.named = a
	return l, nil
}

// finder is the same for the same folder: records are compared by it.
func (l *lookout) finder(beside string) finder {
	if l.named != nil {
		return l.named
	}
	if _, known := l.beside[beside]; !known {
		l.beside[beside] = foldersBeside(beside, l.largest)
	}
	return l.beside[beside]
}
