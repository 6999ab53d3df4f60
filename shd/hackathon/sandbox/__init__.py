"""Code of strangers runs here, behind the strongest walls that the system has."""

from shd.hackathon.sandbox.box import Sandbox
from shd.hackathon.sandbox.files import remove, safe_read
from shd.hackathon.sandbox.kernel import kernel_manager
from shd.hackathon.sandbox.layers import Layer, available
from shd.hackathon.sandbox.limits import Ended, Limits
from shd.hackathon.sandbox.watch import Watch

__all__ = ["Ended", "Layer", "Limits", "Sandbox", "Watch", "available", "kernel_manager", "remove", "safe_read"]
