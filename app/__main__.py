"""`python -m app COMMAND`: the whole correction in a script. The page is `streamlit run app/main.py`."""

import sys

from app.cli.program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
