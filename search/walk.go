package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/loopitr/loopitr"
)

// pictureExtensions are the formats that package pixels decodes.
var pictureExtensions = []string{"jpg", "jpeg", "jpe", "jfif", "png", "gif", "webp", "bmp", "tif", "tiff"}

// excludedNames are folders that hold copies, thumbnails or no pictures of one's
// own: Synology, QNAP, Windows, macOS and development folders.
var excludedNames = []string{
	"@eadir", "@recycle", "#recycle", "$recycle.bin", "system volume information", "lost+found",
	"node_modules", "__macosx",
}

// indexFolder is where the index lies, inside the folder that it indexes.
const indexFolder = ".loopitr"

// deepest bounds the folders within each other, should a file system have loops
// that os.SameFile does not see.
const deepest = 200

// walker visits the pictures of a folder tree in ascending byte order of their
// paths, the order in which an index lists its items.
type walker struct {
	ctx     context.Context
	folder  fs.FS
	exclude []string
	shard   Shard // of files; folders are everyone's
	hidden  bool
	follow  bool
	// picture is called with what stat says of the file, found through links.
	picture func(path string, stat fs.FileInfo) error
	// failed is called for what cannot be looked at; path ends in a slash when it
	// is a folder.
	failed func(path string, err error) error
}

// run visits all. Links to files are followed; links to folders only if asked,
// and never to a folder that the link lies in.
func (w *walker) run() error {
	root, err := fs.Stat(w.folder, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", err, loopitr.ErrNotFound)
	}
	if errors.Is(err, syscall.ENOTDIR) || err == nil && !root.IsDir() {
		return fmt.Errorf("it is not a folder: %w", loopitr.ErrInvalid)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", err, loopitr.ErrUnavailable)
	}
	entries, err := fs.ReadDir(w.folder, ".")
	if err != nil {
		return fmt.Errorf("%w: %w", err, loopitr.ErrUnavailable)
	}
	return w.visit(".", entries, []fs.FileInfo{root})
}

// found is one name in a folder.
type found struct {
	key  string // the path; with a slash behind it if it is a folder
	stat fs.FileInfo
	err  error
}

func (f found) isFolder() bool { return strings.HasSuffix(f.key, "/") }

// visit orders names so that whole paths ascend: "a.jpg" lies before "a/b.jpg",
// because '.' is less than '/'.
func (w *walker) visit(folder string, entries []fs.DirEntry, above []fs.FileInfo) error {
	names := make([]found, 0, len(entries))
	for _, e := range entries {
		if f, wanted := w.look(path.Join(folder, e.Name()), e, above); wanted {
			names = append(names, f)
		}
	}
	slices.SortFunc(names, func(a, b found) int { return cmp.Compare(a.key, b.key) })
	for _, f := range names {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if err := w.step(f, above); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) step(f found, above []fs.FileInfo) error {
	if f.err != nil {
		return w.failed(f.key, f.err)
	}
	if !f.isFolder() {
		return w.picture(f.key, f.stat)
	}
	if len(above) >= deepest {
		return w.failed(f.key, fmt.Errorf("it lies %d folders deep: %w", len(above), loopitr.ErrInvalid))
	}
	inside := strings.TrimSuffix(f.key, "/")
	entries, err := fs.ReadDir(w.folder, inside)
	if errors.Is(err, fs.ErrNotExist) { // gone since its name was read
		return nil
	}
	if err != nil {
		return w.failed(f.key, err)
	}
	return w.visit(inside, entries, append(above[:len(above):len(above)], f.stat))
}

// look decides whether a name is of interest. Only names that are cost a stat.
func (w *walker) look(p string, e fs.DirEntry, above []fs.FileInfo) (found, bool) {
	if w.skips(p, e.Name()) {
		return found{}, false
	}
	link := e.Type()&fs.ModeSymlink != 0
	if !e.IsDir() && !isPicture(p) && !(link && w.follow) {
		return found{}, false
	}
	if !e.IsDir() && !(link && w.follow) && !w.shard.has(p) {
		return found{}, false
	}
	if !fs.ValidPath(p) {
		return found{key: p, err: fmt.Errorf("its name is not valid UTF-8: rename it: %w", loopitr.ErrInvalid)}, isPicture(p)
	}
	stat, err := fs.Stat(w.folder, p)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !link: // gone since its name was read
		return found{}, false
	case err != nil && e.IsDir():
		return found{key: p + "/", err: err}, true
	case err != nil:
		return found{key: p, err: err}, isPicture(p) && w.shard.has(p)
	case stat.IsDir() && link && (!w.follow || contains(above, stat)):
		return found{}, false
	case stat.IsDir():
		return found{key: p + "/", stat: stat}, true
	case !isPicture(p), !w.shard.has(p):
		return found{}, false
	case !stat.Mode().IsRegular():
		return found{key: p, err: fmt.Errorf("it is not a regular file: %w", loopitr.ErrInvalid)}, true
	}
	return found{key: p, stat: stat}, true
}

func isPicture(p string) bool {
	return slices.Contains(pictureExtensions, strings.ToLower(loopitr.Ext(p)))
}

func contains(above []fs.FileInfo, folder fs.FileInfo) bool {
	return slices.ContainsFunc(above, func(a fs.FileInfo) bool { return sameFolder(a, folder) })
}

func (w *walker) skips(p, name string) bool {
	if name == indexFolder || slices.Contains(excludedNames, strings.ToLower(name)) {
		return true
	}
	if strings.HasPrefix(name, ".") && !w.hidden {
		return true
	}
	return slices.ContainsFunc(w.exclude, func(pattern string) bool {
		byName, _ := path.Match(pattern, name)
		byPath, _ := path.Match(pattern, p)
		return byName || byPath
	})
}
