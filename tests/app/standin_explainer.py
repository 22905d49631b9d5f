"""Stands in for `app.jobs.explain_run`: computes nothing, and does what the question's class says."""

import json
import sys
from pathlib import Path

import numpy as np

ANSWER, WAIT, REFUSE, CRASH, LEAVE_ONCE = range(5)  # positions of classes


def main() -> None:
    log = Path(sys.argv[1])
    for line in iter(sys.stdin.readline, ""):
        with log.open("a") as stream:
            stream.write(line)
        if not line.strip():
            continue
        asked = json.loads(line)
        number, what = asked["number"], asked["position"]
        if what == WAIT:
            tell(number=number, share=0.5)
        elif what == REFUSE:
            tell(number=number, error="It does not apply to this network.")
        elif what == CRASH:
            sys.exit(3)
        elif what == LEAVE_ONCE and log.read_text("utf-8").count("{") == 1:
            sys.exit(0)
        else:
            path = Path(asked["file"])
            np.savez(path, attention=np.ones((2, 2), np.float32), seconds=1.5)
            tell(number=number - 1, error="Of a question before.")
            tell(number=number, share=1.0, is_kept=True)


def tell(**what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
