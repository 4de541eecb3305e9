"""`python -m bench.catalogs`: what the nine languages cost: loading them, finding a message, saying it.

Loading is measured in processes of their own, in CPU time, without the imports; the rest in this one.
"""

import subprocess
import sys
import timeit
from statistics import median

from i18n import LOCALES, translate
from i18n.catalogs import message

RUNS, CALLS = 15, 20_000
LOAD = """
import time
from i18n.catalogs import LOCALES, catalog
began = time.process_time()
for locale in LOCALES:
    catalog(locale)
print((time.process_time() - began) * 1000)
"""


def main() -> None:
    """Prints medians."""
    loads = [
        float(subprocess.run([sys.executable, "-c", LOAD], capture_output=True, check=True).stdout) for _ in range(RUNS)
    ]
    told = [f"loading {len(LOCALES)} languages: {median(loads):.1f} ms"]
    told.append(f"finding a message: {_microseconds(lambda: message('de', 'problem.forbidden')):.2f} µs")
    told.append(f"saying it: {_microseconds(lambda: translate('de', 'problem.forbidden')):.2f} µs")
    told.append(f"with a plural: {_microseconds(lambda: translate('de', 'problem.text_long', most=200)):.2f} µs")
    sys.stdout.write("\n".join(told) + "\n")


def _microseconds(call: object) -> float:
    return median(timeit.repeat(call, number=CALLS, repeat=5)) / CALLS * 1e6  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
