"""Pillow's decoding and its antialiased bicubic resizing."""
import base64
import io

from PIL import Image, __version__, features

VERSION = f"Pillow {__version__} (libjpeg {features.version('jpg')})"


def picture(sizes):
    file, to = base64.b64decode(sizes["file"]), sizes["to"]

    def run():
        Image.open(io.BytesIO(file)).convert("RGB").resize((to, to), Image.BICUBIC).tobytes()

    return run


ROWS = {"decode-resize": picture}
