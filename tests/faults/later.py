"""Runs a management command whose clock is ahead: `python -m tests.faults.later SECONDS command options`."""

import sys
from datetime import UTC, datetime, timedelta

import time_machine
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    ahead = timedelta(seconds=float(sys.argv[1]))
    with time_machine.travel(datetime.now(UTC) + ahead, tick=True):
        execute_from_command_line(["manage.py", *sys.argv[2:]])
