"""The one thing that pyproject.toml cannot say: modules that are compiled where that is possible.

Without Cython or without a C compiler the installation goes on, and the modules run as they are. A wheel that was made so
holds nothing of this machine or this Python, and its name says that: `py3-none-any`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

try:
    from Cython.Build import cythonize
except ImportError:
    modules = []
else:
    modules = cythonize(
        [
            Extension(
                f"migstream.ram.{name}",
                [f"src/migstream/ram/{name}.py"],
                # what a debugger wants of it is four fifths of the file
                extra_link_args=["-Wl,--strip-all"] if sys.platform == "linux" else [],
            )
            for name in ("kernel", "scan")
        ],
        compiler_directives={
            "language_level": 3,
            "boundscheck": True,
            "wraparound": False,
            "annotation_typing": False,
            "cdivision": True,
        },
        build_dir="build",
    )
    for module in modules:  # cythonize makes extensions of its own, which forget this
        module.optional = True


class Compiled(build_ext):
    """Forgets the modules that could not be compiled, so that nobody expects them."""

    def run(self) -> None:
        super().run()
        made = [m for m in self.extensions if Path(self.get_ext_fullpath(m.name)).exists()]
        if len(made) < len(self.extensions):
            self.warn(
                "migstream is NOT compiled here: reading guest memory will be many times slower"
            )
        self.extensions = self.distribution.ext_modules = made


class Wheel(bdist_wheel):
    """Is named after what was made, not after what was tried."""

    def run(self) -> None:
        self.run_command("build")
        self.root_is_pure = not self.distribution.has_ext_modules()
        super().run()


# `make man` writes them; without it there are none.
pages = [str(page) for page in sorted(Path("build/man/man1").glob("*.1"))]

setup(
    ext_modules=modules,
    data_files=[("share/man/man1", pages)] if pages else [],
    cmdclass={"build_ext": Compiled, "bdist_wheel": Wheel},
)
