"""Imports: postings that come as a file, row by row, through the ledger's own door.

`source` says what a format gives, `pkdd99` is the first one, `runner` posts what any format gives. Another format is a
class with the members of `Source` and a name in FORMATS; nothing else changes.
"""

from ledger.importing.pkdd99 import Pkdd99
from ledger.importing.source import Source

FORMATS: dict[str, type[Source]] = {Pkdd99.name: Pkdd99}
