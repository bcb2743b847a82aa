"""The customers' API under /v1, plain ASGI: the key is checked before the body is read, then an exchange takes over."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec
import structlog

from darkroom.errors import CallerError, Error, Internal, Invalid, NotFound
from darkroom.gateway import admission, answers
from darkroom.gateway.body import Incoming
from darkroom.gateway.exchange import Exchange
from darkroom.gateway.gateway import Gateway, new_id
from darkroom.gateway.record import Record
from darkroom.gateway.wishes import storing
from darkroom.ledger.keys import Key
from darkroom.web import models
from darkroom.web.call import Table
from darkroom.web.call import methods as below
from darkroom.web.files import FileRoutes
from darkroom.web.metrics import Metrics
from darkroom.web.outlet import EXTENSION, Outlet
from darkroom.web.pictures import PictureRoutes
from darkroom.wire.codecs.images.request import read_edit, read_form, read_generation
from darkroom.wire.codecs.responses import read_request
from darkroom.wire.request import Request
from darkroom.wire.stages import Stage, StageClock

log = structlog.get_logger("darkroom.web")
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Call:
    """One HTTP request: its headers by name, its id, and the plain ways to answer it."""

    def __init__(self, gateway: Gateway, scope: Scope, receive: Receive, send: Send) -> None:
        self.gateway = gateway
        self.scope = scope
        self.receive = receive
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.request_id = new_id("req")
        self._send = send

    async def answer(self, tree: Any, status: int = 200) -> None:
        """A JSON answer."""
        await self._write(status, [], msgspec.json.encode(tree))

    async def refuse(self, error: Error) -> None:
        """An error answer."""
        answers.worded(error, self.request_id, self.gateway.settings.support)
        await self._write(*answers.error_answer(error))

    async def _write(self, status: int, extra: answers.Headers, data: bytes) -> None:
        headers = [
            *answers.headers(self.request_id, answers.JSON),
            *extra,
            (b"content-length", b"%d" % len(data)),
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": data})

    async def sign_in(self) -> Key:
        """The caller's key."""
        return await admission.sign_in(self.gateway, self.headers.get(b"authorization"))

    def base_url(self) -> str:
        """What the customer should use as base URL."""
        public = self.gateway.settings.public_url
        if public:
            return public.rstrip("/") + "/v1"
        host = self.headers.get(b"host", b"").decode("latin-1")
        return f"{self.scope.get('scheme', 'http')}://{host}/v1"


async def responses(call: Call) -> None:
    """POST /v1/responses."""
    await relay(call, call.gateway.body(), lambda body: read_request(body.tree))


async def generations(call: Call) -> None:
    """POST /v1/images/generations."""
    await relay(call, call.gateway.body(), lambda body: read_generation(body.tree))


async def edits(call: Call) -> None:
    """POST /v1/images/edits: a form, or JSON."""
    kind = call.headers.get(b"content-type", b"")
    if kind.lower().startswith(b"multipart/"):
        await relay(call, call.gateway.form(kind), lambda form: read_form(form.fields))
    else:
        await relay(call, call.gateway.body(), lambda body: read_edit(body.tree))


async def variations(call: Call) -> None:
    """POST /v1/images/variations, which was retired with dall-e-2."""
    await call.sign_in()
    base = call.base_url()
    raise NotFound(
        "Variations were retired with the model that made them. Send the picture and what to change to "
        f"POST {base}/images/edits instead.",
        code="unknown_url",
    )


Read = TypeVar("Read", bound=Incoming)


async def relay(call: Call, body: Read, read: Callable[[Read], Request]) -> None:
    """Read the body into a request, and let an exchange serve it."""
    gateway = call.gateway
    clock = StageClock(asyncio.get_running_loop().time())
    key = await call.sign_in()
    clock.mark(Stage.ACCEPTED, clock.start)
    sandbox = gateway.choose(key) == (gateway.sandbox,)
    record = Record(call.request_id, key, call.method, call.path, call.headers.get(b"user-agent"), sandbox)
    started = False
    admission.enter(gateway, key)
    try:
        length = call.headers.get(b"content-length")
        await body.read(call.receive, int(length) if length else None, gateway.settings.caller_stall_s)
        admission.stay(gateway)
        request = read(body)
        admission.allow(key, request)
        scenario = call.headers.get(b"x-darkroom-scenario", b"")
        outlet: Outlet = call.scope["extensions"][EXTENSION]
        # OpenAI's SDKs take an error body under status 200 for a success (DESIGN section 4).
        cut_plain = any(name.startswith(b"x-stainless-") for name in call.headers)
        if request.response_format == "url" and storing(gateway.settings, key) == "never":
            raise Invalid(
                "Pictures of this API key are not stored here, so they have no addresses. Ask for `b64_json`.",
                param="response_format",
            )
        base = call.base_url().removesuffix("/v1")
        exchange = Exchange(gateway, key, request, body, outlet, clock, record, scenario, cut_plain, base)
        gateway.start(exchange)
        started = True
    except Error as error:
        record.error, record.status = error, error.status
        gateway.ended(record.finish(None, clock, body.size, 0))
        raise
    finally:
        if not started:
            gateway.leave(key)
            body.close()
    await exchange.served.wait()


async def list_models(call: Call) -> None:
    """GET /v1/models."""
    key = await call.sign_in()
    await call.answer({"object": "list", "data": models.offered(call.gateway.choose(key), key)})


async def one_model(call: Call) -> None:
    """GET /v1/models/{id}."""
    key = await call.sign_in()
    name = call.path.removeprefix("/v1/models/")
    found = next((m for m in models.offered(call.gateway.choose(key), key) if m["id"] == name), None)
    if found is None:
        raise NotFound(
            f"The model `{name}` does not exist here or you do not have access to it. GET /v1/models lists the models.",
            code="model_not_found",
            param="model",
        )
    await call.answer(found)


KNOWN = ("/responses", "/images/generations", "/images/edits", "/models")


async def help_404(call: Call) -> None:
    """Any other path: which base URL and path are right."""
    base, path = call.base_url(), call.path.rstrip("/")
    tail = "/" + path.rpartition("/v1/")[2].lstrip("/")
    known = tail in KNOWN or tail.startswith("/models/")
    if known and path != "/v1" + tail:
        hint = f"Use {base} as the base URL, so that the address is {base}{tail}."
    elif tail.startswith("/images"):
        hint = (
            f"Make pictures with POST {base}/images/generations, and edit them with POST {base}/images/edits."
        )
    elif tail.startswith("/responses/"):
        hint = "Responses are not stored here: read the stream of POST /v1/responses instead."
    else:
        hint = f"Make pictures with POST {base}/responses; GET {base}/models lists the models."
    raise NotFound(f"Invalid URL ({call.method} {call.path}). {hint}", code="unknown_url")


async def health(call: Call) -> None:
    """GET /healthz: the process is up."""
    await call.answer({"status": "ok"})


async def ready(call: Call) -> None:
    """GET /readyz: the store is migrated and the listener up; never an upstream's health."""
    await call.answer(
        {"status": "stopping" if call.gateway.stopping else "ready"}, 503 if call.gateway.stopping else 200
    )


Action = Callable[[Call], Awaitable[None]]
ROUTES: dict[str, dict[str, Action]] = {
    "/v1/responses": {"POST": responses},
    "/v1/images/generations": {"POST": generations},
    "/v1/images/edits": {"POST": edits},
    "/v1/images/variations": {"POST": variations},
    "/v1/models": {"GET": list_models},
    "/healthz": {"GET": health},
    "/readyz": {"GET": ready},
}


def route(call: Call, more: Table) -> Action:
    """What answers this method and path. Raises a 405 where the path is right and the method is not."""
    path = call.path.rstrip("/") or "/"
    methods: Mapping[str, Action] | None = ROUTES.get(path) or below(more, path)
    if methods is None and path.startswith("/v1/models/"):
        methods = {"GET": one_model}
    if methods is None:
        return help_404
    method = "GET" if call.method == "HEAD" else call.method
    if method not in methods:
        allowed = ", ".join(methods)
        raise CallerError(
            f"{call.method} is not allowed for {call.path}. Use {allowed}.",
            status=405,
            code="method_not_allowed",
            headers={"allow": allowed},
        )
    return methods[method]


def make_app(gateway: Gateway) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The ASGI application. Needs `web.outlet.Protocol` as uvicorn's http protocol."""

    album, metrics = gateway.album, Metrics(gateway)
    gateway.observers.append(metrics.observe)
    parts = (FileRoutes(album.files), PictureRoutes(album.pictures, album.links), metrics)
    more: Table = {path: methods for part in parts for path, methods in part.table.items()}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        call = Call(gateway, scope, receive, send)
        try:
            await route(call, more)(call)
        except Error as error:
            await call.refuse(error)
        except Exception as exc:
            log.error("request_failed", request_id=call.request_id, exc_info=exc)
            await call.refuse(Internal("Darkroom failed to answer this request; the operator can see why."))

    return app
