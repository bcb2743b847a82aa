"""What an upstream wrote, made fit for a customer: no keys, addresses, ids of the operator's account, paths or markup.

Law: when in doubt a word goes. Only texts that a customer can act upon (a refused parameter, a safety refusal) pass
through here at all; every other failure is told in our own words (`failure`). Linear in the text's length.
"""

import re

REMOVED = "[removed]"
LONGEST = 1000
"""Characters of a scrubbed text."""
_READ = 4000
"""Characters that are looked at."""
_SECRET = 4
"""Characters of a secret: a stand-in key such as `x` would tear every word apart."""

_PAGE = re.compile(r"<\s*(?:!doctype|html|head|body)\b", re.IGNORECASE)
_TAG = re.compile(r"<[A-Za-z/!][^<>]*>")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_END = r"""[^\s"'<>()\[\]{}，。；：）】」]"""

_TLDS = (
    "com|net|org|io|ai|cn|dev|app|cloud|local|internal|lan|localdomain|co|xyz|top|uk|de|jp|hk|sg|tech|site|"
    "online|pro|vip|cc|biz|gg|sh|tv|shop|eu|fr|ru|kr|tw"
)

_PRIVATE = re.compile(
    "|".join(
        (
            # pictures and other long payloads
            r"data:[\w/+.-]{0,80};base64,[\w+/=-]*",
            r"[A-Za-z0-9+/]{64,}={0,2}",
            # addresses
            rf"\b[a-z][a-z0-9+.-]{{1,20}}://{_END}+",
            r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+",
            rf"\b(?:[a-z0-9_-]{{1,63}}\.){{1,8}}(?:{_TLDS})\b(?![_.\[])(?::\d{{1,5}})?(?:/{_END}*)?",
            r"\blocalhost\b(?::\d{1,5})?",
            r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?::\d{1,5})?",
            r"(?<![\w:])(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}(?![\w:])",
            r"(?<![\w:])\[?(?:[0-9a-f]{1,4}:){0,6}:(?:[0-9a-f]{1,4}:){0,5}[0-9a-f]{1,4}\]?(?![\w:])",
            # keys
            r"\bbearer\s+[\w.~+/=*-]{4,}",
            r"\b(?:sk|pk|rk|sess|gsk|xai)[-_][\w*.…-]{4,}",
            r"\b(?:AIza|AKIA|ghp_|eyJ)[\w.-]{8,}",
            # ids of the operator's account and of the upstream's own logs
            r"\b(?:org|proj)[-_][A-Za-z0-9]{6,}",
            r"\b(?:user|acct|account|team|project|tenant)[-_](?=[A-Za-z]*\d)[A-Za-z0-9]{6,}",
            r"\(\s*(?:request|trace|log)[ _-]?id\b[^()]*\)",
            r"\b(?:request|trace|log|ray)[ _-]?id\b\s*[:=]?\s*(?=[\w-]*\d)[\w-]{6,}",
            r"\breq[-_][A-Za-z0-9_-]{4,}",
            r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b",
            r"\b(?!(?:resp|ig|msg|rs|fc|call|item)_)(?=[A-Za-z_-]*\d)[\w-]{32,}",
            # places on the upstream's machines
            r"(?<![\w/.\]])/(?!v1/)(?:[\w.@-]+/)+[\w.@-]*(?::\d+)?",
            r"\b[a-z]:\\[^\s\"']+",
            r"\b[\w/-]+\.(?:go|py|js|ts|java|rs|cpp|php|rb):\d+",
        )
    ),
    re.IGNORECASE | re.ASCII,
)
_REPEATED = re.compile(r"(?:\[removed\][\s,;/:]*){2,}")
_EMPTY_BRACKETS = re.compile(r"\s*\(\s*\[removed\]\s*\)")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)|(?<=[。！？])")
_INVITATION = re.compile(
    r"\b(?:contact|visit|help cent|learn more|more information|read the docs|documentation|see|find|go to|refer|"
    r"manage|check|support)\b|联系|访问|查看",
    re.IGNORECASE,
)


def scrub(text: str, secrets: tuple[str, ...] = ()) -> str:
    """The text without what is nobody's business but the operator's; "" for a web page.

    `secrets` are removed literally, wherever they stand: pass the channel's key and host. Sentences that only send
    the reader to a removed address ("contact us at …", "visit …") go as a whole.
    """
    for secret in sorted((s for s in secrets if len(s) >= _SECRET), key=len, reverse=True):
        text = text.replace(secret, REMOVED)
    text = text[:_READ]
    if _PAGE.search(text):
        return ""
    text = _CONTROL.sub(" ", _TAG.sub(" ", text))
    text = _PRIVATE.sub(_replace, text)
    text = _EMPTY_BRACKETS.sub("", text)
    text = _REPEATED.sub(REMOVED + " ", text)
    if REMOVED in text:
        text = _without_invitations(text)
    text = re.sub(r"\s+([.,;!?])(?=\s|$)", r"\1", re.sub(r"\s{2,}", " ", text)).strip()
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    return "" if not text.replace(REMOVED, "").strip(" .,:;!?-") else text


def _replace(match: re.Match[str]) -> str:
    """The mark, and the punctuation that ended a sentence rather than an address."""
    found = match[0]
    bare = found.rstrip(".,;:!?")
    return REMOVED + found[len(bare) :]


def _without_invitations(text: str) -> str:
    kept = [
        sentence
        for sentence in _SENTENCE.split(text)
        if REMOVED not in sentence or not _INVITATION.search(sentence)
    ]
    return " ".join(kept) if kept else text
