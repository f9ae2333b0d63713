"""Static files as they are served: compressed, named by their content, each style sheet whole of those that it imports.

A browser that meets `@import` asks for one more file, of which it did not know before, and paints nothing until that has
come. So the sheets are written with imports, which work as they stand in development, and `collectstatic` puts the
imported text in their places; what that refers to is named from where it stands then.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import Any

from django.core.files.storage import Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

IMPORT = re.compile(r"""@import\s+(?:url\()?["']?([^"'()]+)["']?\)?\s*;""")
LINKED = re.compile(r"""url\((["']?)(?![a-z]+:|/|#)([^"')]+)""")
Files = dict[str, tuple[Storage, str]]  # where each is read, by its name


class WholeSheetsStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # which has no types
    """WhiteNoise's, with whole style sheets. What none of `paths` is called is left to Django, which refuses it."""

    def url(self, name: str | None, force: bool = False) -> str:
        """Return the address of a file, worked out once in a process that serves: a page asks for some twenty."""
        if name not in (kept := self.__dict__.setdefault("_urls", {})):
            kept[name] = super().url(name, force)
        return str(kept[name])

    def post_process(self, paths: Files, dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Make the sheets whole, then name and compress all files."""
        if not dry_run:
            whole = {name: _whole(name, paths) for name in paths if name.endswith(".css")}
            for name in (name for name in whole if IMPORT.search(_read(name, paths))):
                written = Path(self.path(name))
                written.unlink()  # which may be a link to where it was collected from
                written.write_text(whole[name], encoding="utf-8")
                paths[name] = (self, name)
        yield from super().post_process(paths, dry_run=dry_run, **options)


def _whole(name: str, paths: Files) -> str:
    """Return a sheet with those that it imports in the places where it does."""

    def imported(found: re.Match[str]) -> str:
        target = normpath(join(dirname(name), found[1]))
        return LINKED.sub(lambda link: linked(link, target), _whole(target, paths)) if target in paths else found[0]

    def linked(link: re.Match[str], target: str) -> str:
        return f"url({link[1]}{relpath(join(dirname(target), link[2]), dirname(name))}"

    return IMPORT.sub(imported, _read(name, paths))


def _read(name: str, paths: Files) -> str:
    storage, path = paths[name]
    with storage.open(path) as file:
        return str(file.read(), "utf-8")
