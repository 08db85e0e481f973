"""The fast form of a graph: one Python function, made from its nodes.

    Generator (generator, inline, fields, patterns)   writes the source
    Compiler, Program (program)                       the source, compiled; and again, once more is known
    CompiledRun (run)                                 one input through it

The interpreter in `fproc.engine` says what is right; this is right if it gives the same.
"""

from fproc.compiler.program import Compiler, Program
from fproc.compiler.run import CompiledRun
from fproc.compiler.writer import NotCompiledError

__all__ = ["CompiledRun", "Compiler", "NotCompiledError", "Program"]
