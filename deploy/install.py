"""What `make` does before anything else: install what requirements.lock names into a virtual environment.

Runs with whatever Python there is, standard library only. `make run` and `make demo` may be the first commands of a fresh clone,
in two terminals in one moment: one installs, the other waits for it.
"""

import fcntl
import os
import subprocess
import sys

NAMED = ("requirements.lock", "pyproject.toml")


def is_done(stamp: str) -> bool:
    return os.path.exists(stamp) and all(os.path.getmtime(stamp) >= os.path.getmtime(name) for name in NAMED)


def install(folder: str) -> None:
    python = os.path.join(folder, "bin", "python")
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.check_call([sys.executable, "-m", "venv", folder])
    subprocess.check_call([*pip, "--require-hashes", "-r", "requirements.lock"])
    subprocess.check_call([*pip, "--no-deps", "--no-build-isolation", "-e", "."])


def main() -> None:
    folder = sys.argv[1]
    stamp = os.path.join(folder, ".installed")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, ".lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another make is installing into " + folder + "; waiting for it ...", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if is_done(stamp):
            return
        print("Installing what requirements.lock names into " + folder + " ...", flush=True)
        try:
            install(folder)
        except subprocess.CalledProcessError as failed:
            sys.exit(failed.returncode)
        except KeyboardInterrupt:
            sys.exit(130)
        with open(stamp, "a"):
            os.utime(stamp)


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036  it is exactly the older ones that must be told
        sys.exit("Tocsin needs Python >= 3.11; say which with PYTHON=")
    main()
