"""The least that reading a list takes with `phonenumbers` alone: valid or not, and E.164, in one thread.

Takes the region and the clock of `time` by which it is measured, reads the cells from standard input, and prints the
seconds and how many are valid.
"""

# ruff: noqa: T201 - what it prints is what it is for

import sys
import time

import phonenumbers  # noqa: TID251 - what the check is compared with
from phonenumbers import PhoneNumberFormat  # noqa: TID251

if __name__ == "__main__":
    region, clock = sys.argv[1] or None, vars(time)[sys.argv[2]]
    cells, valid = sys.stdin.read().split("\n"), 0
    start = clock()
    for cell in cells:
        number = phonenumbers.parse(cell, region)
        valid += phonenumbers.is_valid_number(number)
        phonenumbers.format_number(number, PhoneNumberFormat.E164)
    print(clock() - start, valid)
