"""The least that reading a list takes with `phonenumbers` alone: valid or not, and E.164, in one thread.

Reads the cells from standard input, and prints the seconds and how many are valid.
"""

# ruff: noqa: T201 - what it prints is what it is for

import sys
from time import perf_counter

import phonenumbers  # noqa: TID251 - what the check is compared with
from phonenumbers import PhoneNumberFormat  # noqa: TID251

if __name__ == "__main__":
    region, cells, valid = sys.argv[1] or None, sys.stdin.read().split("\n"), 0
    start = perf_counter()
    for cell in cells:
        number = phonenumbers.parse(cell, region)
        valid += phonenumbers.is_valid_number(number)
        phonenumbers.format_number(number, PhoneNumberFormat.E164)
    print(perf_counter() - start, valid)
