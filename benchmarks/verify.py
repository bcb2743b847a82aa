"""Compares a gateway's streamed answer with the upstream's own, byte by byte and event by event.

    python verify.py PORT PATH [-H 'k: v'] [--model gpt-5] [--up 9100] [--spec p2-s300000-d300-c16384]
Prints JSON: body identical?, events in order, event names kept?, data payloads identical?, arrival time of each event.
"""

import argparse
import hashlib
import http.client
import json
import time
import urllib.request


def get(port, path, headers, body):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    t0 = time.time()
    c.request("POST", path, body, headers)
    r = c.getresponse()
    buf, events, pos = bytearray(), [], 0
    while True:
        b = r.read1(65536)
        if not b:
            break
        t = time.time() - t0
        buf += b
        while (
            j := buf.find(
                b"\n\n", max(pos - 1, 0) if pos > len(buf) - len(b) else max(len(buf) - len(b) - 1, pos)
            )
        ) >= 0 and j >= pos:
            events.append((bytes(buf[pos:j]), t))
            pos = j + 2
    c.close()
    return r.status, dict(r.getheaders()), bytes(buf), events, bytes(buf[pos:])


def split(ev):
    name = data = None
    for line in ev.split(b"\n"):
        if line.startswith(b"event:"):
            name = line[6:].strip().decode()
        elif line.startswith(b"data:"):
            data = line[5:].strip()
    return name, data


def kind(ev):
    name, data = split(ev)
    try:
        j = json.loads(data)
        return name, j.get("type"), j
    except Exception:
        return name, (data or b"")[:40].decode("latin1"), None


def images(j, out):
    if isinstance(j, dict):
        for k, v in j.items():
            if k in ("result", "partial_image_b64", "b64_json") and isinstance(v, str):
                out.append(hashlib.md5(v.encode()).hexdigest()[:8])
            else:
                images(v, out)
    elif isinstance(j, list):
        for v in j:
            images(v, out)
    return out


def compare(port, path, headers, model, up=9100, spec="p2-s300000-d300-c16384", uppath=None):
    urllib.request.urlopen(f"http://127.0.0.1:{up}/__default?fake={spec}").read()
    body = json.dumps(
        {
            "model": model,
            "input": "a lighthouse",
            "stream": True,
            **(
                {"tools": [{"type": "image_generation", "partial_images": 2}]}
                if "images" not in path
                else {"partial_images": 2}
            ),
        }
    )
    headers = {"Content-Type": "application/json", **headers}
    get(port, path, headers, body)  # warm up
    try:
        st, hd, got, gev, grest = get(port, path, headers, body)
    except Exception as e:
        return {"error": repr(e)[:200]}
    _, _, want, wev, _ = get(up, uppath or ("/v1/" + path.split("/v1/")[-1]), headers, body)
    out = {
        "status": st,
        "content_type": hd.get("content-type") or hd.get("Content-Type"),
        "identical_bytes": got == want,
        "bytes": len(got),
        "want_bytes": len(want),
    }
    if st != 200:
        out["body"] = got[:300].decode("latin1")
        return out
    g, w = [kind(e) for e, _ in gev], [kind(e) for e, _ in wev]
    out["event_types"] = "same" if [x[1] for x in g] == [x[1] for x in w] else [x[1] for x in g]
    out["event_lines_kept"] = [x[0] for x in g] == [x[0] for x in w]
    out["data_bytes_same"] = sum(1 for a, b in zip(gev, wev) if split(a[0])[1] == split(b[0])[1]), len(wev)
    out["json_equal"] = sum(1 for a, b in zip(g, w) if a[2] == b[2]), len(wev)
    gi, wi = sum((images(x[2], []) for x in g if x[2]), []), sum((images(x[2], []) for x in w if x[2]), [])
    out["images_intact"] = gi == wi
    out["images"] = f"{len(gi)}/{len(wi)}"
    out["late_ms"] = [round((a[1] - b[1]) * 1e3) for a, b in zip(gev, wev)]
    out["first_partial_ms"], out["end_ms"] = (
        [
            (round(e[1] * 1e3))
            for e in gev
            if b"partial_image_index" in e[0][:400] or b"partial_image_index" in e[0][-400:]
        ][:1],
        round(gev[-1][1] * 1e3) if gev else None,
    )
    return out


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("port", type=int)
    ap.add_argument("path")
    ap.add_argument("-H", action="append", default=[])
    ap.add_argument("--model", default="gpt-5")
    ap.add_argument("--up", type=int, default=9100)
    ap.add_argument("--spec", default="p2-s300000-d300-c16384")
    a = ap.parse_args()
    print(
        json.dumps(
            compare(a.port, a.path, dict(h.split(": ", 1) for h in a.H), a.model, a.up, a.spec), indent=1
        )
    )
