package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
)

// remark is what an index remembers of how it was made, so that search needs
// neither model nor folder.
type remark struct {
	// Model is an absolute path.
	Model string `json:"model"`
	// Folder is relative to the index file where that lies inside it, so that both
	// may move together; otherwise absolute.
	Folder string `json:"folder"`
}

func newRemark(model, folder, index string) string {
	r := remark{Model: absolute(model), Folder: absolute(folder)}
	if up, err := filepath.Rel(filepath.Dir(absolute(index)), r.Folder); err == nil && strings.Trim(up, "./\\") == "" {
		r.Folder = filepath.ToSlash(up)
	}
	text, err := json.Marshal(r)
	if err != nil {
		panic("loopitr: remark: " + err.Error()) // two strings always marshal
	}
	return string(text)
}

// readRemark returns what the index file at path remembers; fields are empty
// where it remembers nothing.
func readRemark(text, index string) remark {
	var r remark
	if json.Unmarshal([]byte(text), &r) != nil {
		return remark{}
	}
	if r.Folder != "" && !filepath.IsAbs(r.Folder) {
		r.Folder = filepath.Join(filepath.Dir(absolute(index)), filepath.FromSlash(r.Folder))
	}
	return r
}

func absolute(path string) string {
	if a, err := filepath.Abs(path); err == nil {
		return a
	}
	return path
}
