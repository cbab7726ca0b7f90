"""The one thing that pyproject.toml cannot say: a module that is compiled where that is possible.

Without Cython or without a C compiler the installation goes on, and the module runs as it is.
"""

from setuptools import Extension, setup

try:
    from Cython.Build import cythonize
except ImportError:
    modules = []
else:
    modules = cythonize(
        [Extension("migstream.ram.kernel", ["src/migstream/ram/kernel.py"])],
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

setup(ext_modules=modules)
