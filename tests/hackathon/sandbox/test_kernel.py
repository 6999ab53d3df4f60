"""A real kernel of a notebook inside a sandbox, spoken to from outside."""

import asyncio
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from queue import Empty

import pytest
from jupyter_client.manager import AsyncKernelManager

from shd._errors import ShdError
from shd.hackathon.sandbox import Limits, Sandbox, kernel_manager


def run(coroutine):
    """Run it in a loop of its own: that of a browser, which other tests leave open, may run in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no sockets in folders")


@pytest.fixture
def private():
    """A folder with a short name: that of a socket has 107 letters at most."""
    folder = Path(tempfile.mkdtemp(prefix="shd-"))
    yield folder
    shutil.rmtree(folder)


@asynccontextmanager
async def started(box: Sandbox):
    """Start a kernel, and end it whatever happens."""
    manager = kernel_manager(box, AsyncKernelManager)
    with (box.work / ".log").open("wb") as log:
        await manager.start_kernel(env=box.environment(), cwd=str(box.work), stdout=log, stderr=log)
    client = manager.client()
    with box.watch(manager.provisioner.process) as watch:
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=30)
            yield manager, client, watch
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)
            manager.context.destroy()


async def ask(client, code: str) -> tuple[str, str]:
    """Return how a cell ended, and what it printed or raised."""
    said = []

    def hear(message):
        said.append(message["content"].get("text", "") or message["content"].get("ename", ""))

    reply = await client.execute_interactive(code, timeout=30, output_hook=hear)
    return reply["content"]["status"], "".join(said)


def test_a_kernel_answers_imports_torch_and_is_interrupted(strangers, private):
    box = strangers(limits=Limits(seconds=120))

    async def talk():
        async with started(box) as (manager, client, watch):
            assert await ask(client, "import os; print(6 * 7, os.getcwd())") == ("ok", f"42 {private}\n")
            if box.layers[0].name != "unshare" and len(box.layers) > 2:  # it takes seconds, so not everywhere
                assert await ask(client, "import torch; print(torch.ones(3).sum().item())") == ("ok", "3.0\n")
            if box.layers[0].name == "bubblewrap":  # a terminal of its own
                assert await ask(client, "!echo from a child") == ("ok", "from a child\r\n")
            assert (await ask(client, "open('out.csv', 'w').write('a')"))[0] == "ok"
            loop = asyncio.create_task(ask(client, "import time\nwhile True: time.sleep(0.05)"))
            await asyncio.sleep(0.5)
            await manager.interrupt_kernel()
            assert await loop == ("error", "KeyboardInterrupt")
            assert await ask(client, "print('alive')") == ("ok", "alive\n")
            assert watch.broken is None

    run(talk())
    assert (private / "out.csv").read_text() == "a"


def test_a_kernel_over_its_limit_is_seen_to_be_dead(strangers):
    grow = "import os, time\nfor n in range(4):\n    if os.fork() == 0:\n        x = b'x' * 120_000_000; time.sleep(30)"

    async def talk():
        async with started(strangers(limits=Limits(seconds=60, memory=300 * 10**6))) as (manager, client, watch):
            client.execute(grow)
            async with asyncio.timeout(30):
                while await manager.is_alive():
                    await asyncio.sleep(0.05)
            return watch.broken

    assert run(talk()) == "It used more than 300 MB of memory."


def test_a_message_too_large_for_us_does_not_come_through(private):
    async def talk():
        async with started(Sandbox(private, layers=[], trusted=True)) as (_, client, watch):
            for size in (1_000_000, 50_000_000):
                client.execute(f"display({{'text/plain': 'x' * {size}}}, raw=True)")
                await client.get_shell_msg(timeout=30)
            seen = 0
            try:
                while True:
                    message = await client.get_iopub_msg(timeout=1)
                    seen = max(seen, len(message["content"].get("data", {}).get("text/plain", "")))
            except Empty:
                return seen, watch.broken

    assert run(talk()) == (1_000_000, None)


def test_a_name_too_long_for_sockets_is_told(tmp_path):
    folder = tmp_path / ("long" * 25)
    folder.mkdir()
    with pytest.raises(ShdError, match="take a shorter one"):
        kernel_manager(Sandbox(folder, layers=[], trusted=True))
