// Package durable writes files that are either complete and on the disk, or not
// there at all.
//
// It knows nothing of what is written. A folder that has to change as a whole is
// package checkpoint's business.
//
// Start with WriteFile.
package durable
