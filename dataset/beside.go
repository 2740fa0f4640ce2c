package dataset

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
)

// listed is the records as a list at config.Path names them. Names that lead from
// its folder to the same pictures stay; otherwise all become paths below that folder,
// which a list cannot leave. Where neither leads to the pictures, names stay and
// the result says where those are.
func (c *converter) listed() []Record {
	s := c.set
	absent := func(p place) bool { return p.source == nil }
	if len(s.places) != len(s.Records) || slices.ContainsFunc(s.places, absent) {
		return s.Records // only tokens stand for them
	}
	dir := filepath.Dir(c.config.Path)
	beside := foldersBeside(dir, s.limit)
	if c.leads(beside, s.Records) {
		return s.Records
	}
	if s.tokens == nil { // tokens are found by the names
		if renamed := c.below(dir); renamed != nil && c.leads(beside, renamed) {
			return renamed
		}
	}
	c.done.Images = c.images()
	c.done.Apart = c.done.Images == ""
	return s.Records
}

// leads tells whether f finds every record's picture, be it a copy.
func (c *converter) leads(f finder, records []Record) bool {
	for i, r := range records {
		found, reason, _ := f.find(r.ID)
		if reason != "" || c.ctx.Err() != nil || !c.same(i, found) {
			return false
		}
	}
	return true
}

// same tells whether a place has the bytes of picture i, which are only read where
// it is another file.
func (c *converter) same(i int, found place) bool {
	if sameFile(found.name, c.set.places[i].name) {
		return true
	}
	want, err := c.set.Picture(i)
	if err != nil {
		return false
	}
	got, err := found.source.picture(found, c.set.limit)
	return err == nil && bytes.Equal(got, want)
}

func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// below is the records named by the paths of their pictures below dir; nil where a
// path leads out of it, is no name, or is that of two records.
func (c *converter) below(dir string) []Record {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil
	}
	renamed, known := make([]Record, len(c.set.Records)), map[string]bool{}
	for i, r := range c.set.Records {
		p := c.set.places[i]
		full, err := filepath.Abs(p.name)
		if _, plain := p.source.(files); !plain || err != nil {
			return nil
		}
		path, inside := pathBelow(root, full)
		name := filepath.ToSlash(path)
		if clean, err := cleanName(name); !inside || err != nil || clean != name || known[name] {
			return nil
		}
		known[name] = true
		r.ID = name
		renamed[i] = r
	}
	return renamed
}

func pathBelow(dir, path string) (string, bool) {
	below, err := filepath.Rel(dir, path)
	return below, err == nil && filepath.IsLocal(below)
}

// images is what Options.Images must name for the list to be read: the one zip of
// the pictures, or the folder of all of them if the names are found in it. It is
// empty where there is neither.
func (c *converter) images() string {
	places := c.set.places
	if len(places) == 0 {
		return ""
	}
	if zip, ok := places[0].source.(*archive); ok {
		for _, p := range places {
			if p.source != zip {
				return ""
			}
		}
		return zip.name
	}
	folder := commonFolder(places)
	if folder == "" || !c.leads(&folders{roots: []string{folder}, largest: c.set.limit}, c.set.Records) {
		return ""
	}
	return folder
}

// commonFolder is the deepest folder that all places are below; empty where there
// is none.
func commonFolder(places []place) string {
	common := filepath.Dir(places[0].name)
	for _, p := range places {
		for _, inside := pathBelow(common, p.name); !inside; _, inside = pathBelow(common, p.name) {
			up := filepath.Dir(common)
			if up == common {
				return ""
			}
			common = up
		}
	}
	return common
}
