"""Code that wants to stay: nothing of it is left, whoever ends."""

import subprocess
import sys
import time

import pytest

from shd.hackathon.sandbox import Limits

DAEMON = """
import os, sys, time
def leave():
    if os.fork():
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    return True
if leave():
    for number in (0, 1, 2):
        os.close(number)
    for n in range(150):
        with open("heart", "a") as file:
            file.write(f"{os.getpid()}\\n")
        time.sleep(0.1)
    os._exit(0)
while not os.path.exists("heart"):
    time.sleep(0.01)
"""


@pytest.mark.parametrize("end", ["by itself", "by the clock"])
def test_a_daemon_does_not_outlive_its_sandbox(private, everybody, end):
    waits = "time.sleep(30)" if end == "by the clock" else ""
    ended = everybody(limits=Limits(seconds=1)).run(["python", "-c", DAEMON + waits])
    assert (ended.broken is None) == (end == "by itself")
    beats = (private / "heart").read_text()
    time.sleep(0.3)
    assert (private / "heart").read_text() == beats


def test_nothing_is_left_when_the_outer_process_is_killed_from_behind(private, everybody):
    box = everybody()
    process = subprocess.Popen(
        box.argv(["python", "-c", DAEMON + "time.sleep(30)"]), cwd=private, env=box.environment()
    )
    with box.watch(process):
        while not (private / "heart").exists():
            time.sleep(0.02)
        time.sleep(0.2)
        process.kill()
        process.wait()
    beats = (private / "heart").read_text()
    time.sleep(0.3)
    assert (private / "heart").read_text() == beats


GRADER = """
import sys
from pathlib import Path
from shd.hackathon.sandbox import Sandbox
box = Sandbox(Path(sys.argv[1]), layers=sys.argv[3:], trusted=True)
box.run(["python", "-c", sys.argv[2]])
"""


def test_nothing_is_left_when_the_grader_is_killed(private, everybody):
    layers = [layer.name for layer in everybody().layers]
    command = [sys.executable, "-c", GRADER, str(private), DAEMON + "time.sleep(30)", *layers]
    grader = subprocess.Popen(command)
    try:
        until = time.monotonic() + 20
        while not (private / "heart").exists() and time.monotonic() < until:
            time.sleep(0.02)
    finally:
        grader.kill()
        grader.wait()
    time.sleep(0.5)
    beats = (private / "heart").read_text()
    time.sleep(0.3)
    assert (private / "heart").read_text() == beats
