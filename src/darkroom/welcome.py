"""The first start: an API key and a ready curl line, to the terminal or into a file that only its owner can read."""

import sys

from darkroom.gateway.gateway import Gateway
from darkroom.ledger.accounts import ADMIN
from darkroom.store import facts

FILE = "first-start.txt"
_WELCOMED = "welcomed"
_TEXT = """\
Darkroom is ready at {base}

Your API key, shown once:   {key}
你的 API Key(仅显示一次):{key}

Make a picture / 生成第一张图片:

  curl -N {base}/responses -H "Authorization: Bearer {key}" -H "Content-Type: application/json" \\
    -d '{{"model":"gpt-5.5","input":"A lighthouse at dawn","stream":true,"tool_choice":{{"type":"image_generation"}},\
"tools":[{{"type":"image_generation","model":"gpt-image-2","size":"1024x1024","partial_images":1}}]}}'

  or / 或:  DARKROOM_BASE_URL={base} DARKROOM_API_KEY={key} darkroom generate "A lighthouse at dawn" -o lighthouse.png
"""


async def welcome(gateway: Gateway, port: int) -> None:
    """On the first start of an installation, make the administrator's first key and show it."""
    if await gateway.store.read(lambda c: facts.get(c, _WELCOMED)) is not None:
        return
    settings = gateway.settings
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    host = f"[{host}]" if ":" in host else host
    base = (settings.public_url or f"http://{host}:{port}").rstrip("/") + "/v1"
    _, secret = await gateway.keys.create(ADMIN, "first key")
    text = _TEXT.format(base=base, key=secret)
    if sys.stderr.isatty():
        sys.stderr.write(text)
    else:
        path = settings.data / FILE
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        sys.stderr.write(f"darkroom: the first API key is in {path}\n")
    await gateway.store.write(lambda c: facts.put(c, _WELCOMED, "yes"))
