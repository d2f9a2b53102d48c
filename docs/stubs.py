"""What griffe must not take from `invis/__init__.pyi`."""

from __future__ import annotations

from typing import Any

from griffe import Extension, Module


class PackagesThatAreFunctions(Extension):
    """`invis.search` is a package that can be called: the stub would hide what is in it."""

    def on_module_members(self, *, mod: Module, **_: Any) -> None:
        """Forget what the stub says of such packages."""
        if mod.path == "invis" and mod.filepath.suffix == ".pyi":
            for name in ("probe", "search"):
                mod.del_member(name)
