"""The script that pages load: ``src/`` is what is written, ``script.js`` what is built of it and served."""
