// Package durable writes files that are either complete and on the disk, or not
// there at all, and reads those of strangers within bounds.
//
// It knows nothing of what they hold. A folder that has to change as a whole is
// package checkpoint's business.
//
// Start with WriteFile and ReadFile.
package durable
