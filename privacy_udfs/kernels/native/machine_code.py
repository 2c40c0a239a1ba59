"""LLVM instructions made into machine code for the processor at hand, by llvmlite, which is loaded when first used."""

from __future__ import annotations

import ctypes
from typing import Any

POINTER, COUNT = ctypes.c_void_p, ctypes.c_int64


def features() -> frozenset[str]:
    """What the processor has, by LLVM's names; nothing where LLVM cannot tell, or llvmlite is not to be had."""
    try:
        from llvmlite import binding

        return frozenset(name for name, there in binding.get_host_cpu_features().items() if there)
    except Exception:  # to compile for it would fail likewise, and that is where it is told
        return frozenset()


class MachineCode:
    """The functions of an `llvmlite.ir.Module`, compiled. It must outlive what `function` gives."""

    def __init__(self, module: Any) -> None:
        from llvmlite import binding

        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        parsed = binding.parse_assembly(str(module))
        parsed.verify()
        machine = binding.Target.from_default_triple().create_target_machine(
            cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), opt=2
        )
        self._engine = binding.create_mcjit_compiler(parsed, machine)
        self._engine.finalize_object()

    def function(self, name: str, *takes: Any) -> Any:
        """A function that gives nothing, with arguments of the types of ctypes."""
        return ctypes.CFUNCTYPE(None, *takes)(self._engine.get_function_address(name))
