package durable

import (
	"errors"
	"syscall"
)

// ERROR_SHARING_VIOLATION of winerror.h, which package syscall does not name.
const sharingViolation = syscall.Errno(32)

// openElsewhere reports whether err may be of a file that somebody has open. Access
// is denied then, too, which cannot be told from a lack of permission.
func openElsewhere(err error) bool {
	return errors.Is(err, sharingViolation) || errors.Is(err, syscall.ERROR_ACCESS_DENIED)
}
