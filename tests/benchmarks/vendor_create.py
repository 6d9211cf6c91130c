"""Makes an audience with the vendor's SDK, of a list that is ready; it is checked by nobody.

Is run by the Python that has the SDK, with the URL, the key and a name; reads the numbers from standard input, and prints
the seconds.
"""

# ruff: noqa: T201 - what it prints is what it is for

import sys
from time import perf_counter

from smallestai.atoms.helpers import Audience  # type: ignore[import-not-found] # it has a Python of its own

if __name__ == "__main__":
    url, key, name = sys.argv[1:]
    numbers = sys.stdin.read().split("\n")
    people = [("Person", str(number)) for number in range(len(numbers))]
    start = perf_counter()
    made = Audience(url, key).create(name, numbers, people)
    taken = perf_counter() - start
    if not made["status"]:
        sys.exit("the audience was not made")
    print(taken)
