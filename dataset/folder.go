package dataset

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// deepestFolder bounds the recursion into folders.
const deepestFolder = 100

// folderWalk reads a tree of pictures with .txt files beside them.
type folderWalk struct {
	b       *builder
	root    string
	visited map[string]bool // real paths of folders
}

func readFolder(b *builder, root string) error {
	w := &folderWalk{b: b, root: root, visited: map[string]bool{}}
	return w.walk("", 0)
}

// walk reads the folder at the slash path below the root, in order of names.
// Links to folders are followed once.
func (w *folderWalk) walk(dir string, depth int) error {
	full := filepath.Join(w.root, filepath.FromSlash(dir))
	real, err := filepath.EvalSymlinks(full)
	if err != nil {
		w.b.skip(spot{file: full}, SymlinkLoop, err.Error())
		return nil
	}
	if w.visited[real] || depth > deepestFolder {
		w.b.skip(spot{file: full}, SymlinkLoop, "the folder was read before as "+real)
		return nil
	}
	w.visited[real] = true
	entries, err := os.ReadDir(full)
	if err != nil {
		if dir == "" {
			return kind(err)
		}
		w.b.skip(spot{file: full}, Unreadable, err.Error())
	}
	for _, e := range entries {
		if err := w.b.ctx.Err(); err != nil {
			return err
		}
		if strings.HasPrefix(e.Name(), ".") || e.Name() == "__MACOSX" {
			continue
		}
		name := strings.TrimPrefix(dir+"/"+e.Name(), "/")
		folder, err := w.entry(name, e)
		if err == nil && folder {
			err = w.walk(name, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// entry reads one picture; it reports a folder, which is left to walk.
func (w *folderWalk) entry(name string, e os.DirEntry) (folder bool, err error) {
	full := filepath.Join(w.root, filepath.FromSlash(name))
	at := spot{file: full}
	mode := e.Type()
	if mode&os.ModeSymlink != 0 {
		facts, err := os.Stat(full)
		if err != nil {
			if isPicture(name) || reasonOf(err) == SymlinkLoop {
				w.b.skip(at, reasonOf(err), "a link that leads nowhere")
			}
			return false, nil
		}
		mode = facts.Mode()
	}
	switch {
	case mode.IsDir() && isPicture(name):
		w.b.skip(at, NotAFile, "is a folder")
		return true, nil
	case mode.IsDir():
		return true, nil
	case !isPicture(name):
		return false, nil
	case !mode.IsRegular():
		w.b.skip(at, NotAFile, modeWord(mode))
		return false, nil
	}
	return false, w.picture(name, full)
}

func (w *folderWalk) picture(name, full string) error {
	at := spot{file: full}
	f, size, err := openRegular(full)
	if err != nil {
		w.b.skip(at, reasonOf(err), err.Error())
		return nil
	}
	_ = f.Close() // nothing was written
	if reason, detail := judgeSize(size, w.b.limits.PictureBytes); reason != "" {
		w.b.skip(at, reason, detail)
		return nil
	}
	captions, reason, detail := w.captions(strings.TrimSuffix(full, filepath.Ext(full)) + ".txt")
	if reason != "" {
		w.b.skip(at, reason, detail)
		return nil
	}
	split := ""
	if top, _, below := strings.Cut(name, "/"); below {
		split = splitWords[strings.ToLower(top)]
	}
	return w.b.add(row{at: at, name: name, captions: captions, split: split, whole: true,
		place: place{source: files{}, name: full}})
}

// captions reads the lines of a caption file; blank lines are no captions. The
// Reason is empty when the file could be read.
func (w *folderWalk) captions(path string) ([]string, Reason, string) {
	f, size, err := openRegular(path)
	switch {
	case isMissing(err):
		return nil, NoCaption, "no .txt beside it"
	case err != nil:
		return nil, reasonOf(err), err.Error()
	}
	defer f.Close()
	if size > int64(w.b.limits.RowBytes) {
		return nil, OversizedInput, fmt.Sprintf("%s: %d bytes, limit %d", path, size, w.b.limits.RowBytes)
	}
	text, err := io.ReadAll(io.LimitReader(f, size))
	if err != nil {
		return nil, Unreadable, err.Error()
	}
	return captionLines(string(text)), "", ""
}

// captionLines cuts the text of a caption file; blank lines are no captions.
func captionLines(text string) []string {
	var captions []string
	for _, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		if strings.TrimSpace(line) != "" {
			captions = append(captions, line)
		}
	}
	return captions
}

// judgeSize refuses pictures that cannot be pictures by their length alone.
func judgeSize(size, limit int64) (Reason, string) {
	switch {
	case size == 0:
		return Unreadable, "the file is empty"
	case size > limit:
		return OversizedInput, fmt.Sprintf("%d bytes, limit %d", size, limit)
	}
	return "", ""
}
