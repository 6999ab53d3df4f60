"""The kernel of a notebook inside a sandbox, spoken to through sockets in its private folder."""

from typing import TYPE_CHECKING

from shd._errors import ShdError
from shd.hackathon.sandbox.box import Sandbox

if TYPE_CHECKING:
    from jupyter_client.client import KernelClient
    from jupyter_client.manager import KernelManager

_CONNECTION = ".kernel.json"
_LARGE = 32 * 10**6  # bytes of one message: more than a figure takes, and few enough to be counted by whoever hears it
_LONGEST_SOCKET = 100  # bytes in the name of a socket; the kernel of the system takes 108, the number included


def kernel_manager(box: Sandbox, kind: "type[KernelManager] | None" = None) -> "KernelManager":
    """Return a manager whose kernel starts inside a sandbox: with ``start_kernel(env=box.environment(), ...)``.

    It is interrupted by a message, for no signal goes through the walls. Give `kind` for an asynchronous manager. Its
    client hangs up on a message of more than 32 MB, or than all that may be printed: no output is heard from then on.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import KernelManager

    connection = box.work / _CONNECTION
    if len(bytes(connection)) > _LONGEST_SOCKET:
        raise ShdError(f"The private folder {box.work} has a name too long for a kernel's sockets; take a shorter one.")
    manager = (kind or KernelManager)(transport="ipc", connection_file=str(connection), ip=str(box.work / ".kernel"))
    manager.write_connection_file()  # before `argv`, which gives it to the user inside
    command = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = KernelSpec(argv=box.argv(command), language="python", display_name="sandbox", interrupt_mode="message")
    manager.client_factory = _frugal(manager.client_factory, max(box.limits.output, _LARGE))
    manager._kernel_spec = spec  # its one door for a kernel that is not installed anywhere
    return manager


def _frugal(kind: "type[KernelClient]", most: int) -> "type[KernelClient]":
    """Return a kind of client that hangs up on a larger message before it is in our memory."""
    import zmq

    class Frugal(kind):
        def __init__(self, *given: object, **named: object) -> None:
            super().__init__(*given, **named)
            self.context.setsockopt(zmq.MAXMSGSIZE, most)

    return Frugal
