"""The passwords that most people choose, which are tried first."""

from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path


@cache
def common_passwords(shortest: int) -> frozenset[str]:
    """Those of at least `shortest` characters, in lower case. Reads a file the first time: some 30 ms.

    They are zxcvbn's, of many leaks: 30,000. The package itself would build all its dictionaries when imported, and
    keep them: only the file with the list is read, and of that only what can be chosen here is kept.
    """
    package = find_spec("zxcvbn")
    assert package is not None
    assert package.origin is not None
    spec = spec_from_file_location("zxcvbn_frequency_lists", Path(package.origin).with_name("frequency_lists.py"))
    assert spec is not None
    assert spec.loader is not None
    lists = module_from_spec(spec)
    spec.loader.exec_module(lists)
    return frozenset(word for word in lists.FREQUENCY_LISTS["passwords"] if len(word) >= shortest)
