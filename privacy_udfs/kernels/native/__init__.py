"""Machine code made in the running process, for loops that whole-array calls of numpy and Arrow cannot express well.

**Why by hand.** It is not: llvmlite (the extra ``fast``) compiles, and what is compiled is written with its builder, in
the families. It is taken for its price: nothing to build or to ship per platform, and code for the very processor at
hand. Nothing is compiled at import or kept on disk; where llvmlite is not installed the other ways give the same bytes.

**Source.** The LLVM Language Reference; the tests hold compiled code against Python, one value at a time.

**What it does not protect against.** Machine code checks no bounds: that buffers are as long as it takes them to be is
up to the function that calls it, and each says what it needs. The process must be allowed to make memory executable.
"""

from privacy_udfs.kernels.native.loops import repeated
from privacy_udfs.kernels.native.machine_code import COUNT, POINTER, MachineCode, features

__all__ = ["COUNT", "POINTER", "MachineCode", "features", "repeated"]
