"""A wheel with compiled modules, where it is asked for (docs/performance.md, "Compiled modules").

``HATCH_BUILD_HOOK_ENABLE_CUSTOM=true pip wheel --no-deps .``: Cython compiles the modules that pyproject.toml
lists, as they are. Their sources lie beside them, for tracebacks and debuggers.
"""

import os
import shutil
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SWITCH = "HATCH_BUILD_HOOK_ENABLE_CUSTOM"
_REMEDY = (
    "A C compiler and Python's headers are needed (Debian: apt-get install gcc libc6-dev python3-dev). "
    f"Without {_SWITCH} nothing is compiled."
)


class CompiledModules(BuildHookInterface):  # type: ignore[misc, type-arg, unused-ignore]
    """Called by hatchling before it writes a wheel, and only when the switch is set."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and have the results taken into the wheel. Raises ``SystemExit`` with cause and remedy."""
        if version == "editable":
            raise SystemExit(
                f"an editable installation runs the sources, nothing is compiled for it: unset {_SWITCH}"
            )
        self._built = tempfile.TemporaryDirectory(prefix="leadstream-compiled-")
        built = Path(self._built.name)
        _compile(self.config["modules"], built)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for path in sorted(built.joinpath("lib").rglob("*")):
            if path.is_file():
                build_data["force_include"][str(path)] = str(path.relative_to(built / "lib"))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """The wheel is written."""
        self._built.cleanup()


def _compile(modules: list[str], built: Path) -> None:
    """``modules``: paths from here. What comes of them lies under ``built/lib``."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        raise SystemExit(f"Leadstream's modules cannot be compiled: there is no {compiler}. {_REMEDY}")
    # Both are there only when the switch is set.
    from Cython.Build import cythonize
    from setuptools import Extension
    from setuptools.command.build_ext import build_ext
    from setuptools.dist import Distribution
    from setuptools.errors import CompileError, LinkError

    # Debugging symbols of C are ten times the code.
    extensions = [
        Extension(path.removesuffix(".py").replace("/", "."), [path], extra_compile_args=["-g0"])
        for path in modules
    ]
    cores = os.cpu_count() or 1
    build = build_ext(
        Distribution(
            {
                "ext_modules": cythonize(
                    extensions,
                    build_dir=str(built / "c"),
                    nthreads=cores,
                    quiet=True,
                    language_level=3,
                    # What is said of types is for mypy; else a subclass of `str` would be refused here alone.
                    compiler_directives={"annotation_typing": False},
                )
            }
        )
    )
    build.build_lib, build.build_temp, build.parallel = str(built / "lib"), str(built / "o"), cores
    build.ensure_finalized()
    try:
        build.run()
    except (CompileError, LinkError) as error:
        raise SystemExit(
            f"Leadstream's modules cannot be compiled: {str(error).rstrip('.')}. {_REMEDY}"
        ) from error
