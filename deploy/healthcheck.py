"""Exit 0 when this container's service is ready; the image has no curl."""

from __future__ import annotations

import os
import sys
from urllib.error import URLError
from urllib.request import urlopen


def main() -> int:
    address = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/ops/{os.environ['SERVICE']}/readyz"
    try:
        with urlopen(address, timeout=3) as answer:
            return 0 if answer.status == 200 else 1
    except (URLError, TimeoutError) as why:
        print(f"{address}: {why}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
