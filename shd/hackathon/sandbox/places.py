"""What a Python program needs of this machine to run at all, and nothing more."""

import site
import sys
import sysconfig
from pathlib import Path

import shd

PACKAGE = Path(shd.__file__).resolve().parent

SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
    "/etc/alternatives", "/etc/fonts", "/etc/localtime", "/etc/ssl/openssl.cnf", "/nix/store",
    "/sys/devices/system/cpu",
)  # fmt: skip
DEVICES_READ = ("/dev/zero", "/dev/random", "/dev/urandom")
DEVICES_WRITTEN = ("/dev/null", "/dev/full", "/dev/tty")


def python() -> list[str]:
    """Return the folders of this interpreter, of its packages and of shd, without those that lie in another."""
    paths = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix, *site.getsitepackages(), str(PACKAGE)}
    paths |= {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    if site.ENABLE_USER_SITE:
        paths.add(site.getusersitepackages())
    paths |= {str(Path(path).resolve()) for path in (*paths, Path(sys.executable).resolve().parent)}
    there = sorted({Path(path) for path in paths if path and Path(path).is_dir()})
    within = {path for path in there if any(other in path.parents for other in there)}
    return [str(path) for path in there if path not in within and path != Path("/")]


def solutions() -> list[str]:
    """Return the folder in an installed package that holds worked solutions: no notebook needs it."""
    folder = PACKAGE / "_challenges"
    return [str(folder)] if folder.is_dir() else []


def beside_the_packages() -> list[str]:
    """Return the folder that shd is imported from, where that is none of the packages': a checkout."""
    parent = PACKAGE.parent
    return [] if any(parent == Path(path) for path in site.getsitepackages()) else [str(parent)]
