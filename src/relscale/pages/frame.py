"""What all pages share: one look, one self-contained file."""

import base64
import gzip
import html

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; margin: 1.2rem auto; padding: 0 1rem; max-width: 76rem; }
h1 { font-size: 1.35rem; } h2 { font-size: 1.1rem; margin-top: 1.6em; } h3 { font-size: 1rem; margin: 1.2em 0 .4em; }
p { max-width: 62em; } div.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .25em .7em; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
thead th { background: #f4f4f4; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font-size: .85em; overflow-wrap: anywhere; } pre { overflow-x: auto; background: #f7f7f7; padding: .6em; }
:focus-visible { outline: 2px solid #0072b2; outline-offset: 1px; }
"""


def compressed(text: str) -> str:
    """Return text as base64 of gzip without a time stamp, for a page's script to inflate.

    A report holds its pages as addresses of frames: these may have two megabytes at most in
    Chromium, and count in full in the report.
    """
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def page(title: str, body: str, style: str = "") -> str:
    """Return a whole page; it loads nothing from anywhere."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{html.escape(title)}</title>\n'
        f"<style>{STYLE}{style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
