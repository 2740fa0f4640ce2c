package jpeg

import "golang.org/x/sys/cpu"

// hasAVX2 chooses the assembly, which gives the same bits as the plain Go form.
var hasAVX2 = cpu.X86.HasAVX2
