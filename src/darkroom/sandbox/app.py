"""The sandbox as an ASGI application: an OpenAI-compatible upstream that draws its pictures itself."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from darkroom.errors import Error, Invalid, NotFound, Unauthorized
from darkroom.sandbox import images, models, objects, responses
from darkroom.sandbox.easel import Easel
from darkroom.sandbox.forms import read_form
from darkroom.sandbox.line import Line, Over
from darkroom.sandbox.order import read_order
from darkroom.sandbox.scenario import Scenario, read_scenario, take_tag
from darkroom.sandbox.teller import Teller

ASGI = Callable[[Any, Any, Any], Awaitable[None]]


class Answered:
    """An answer that writes itself to the connection (Starlette calls it as an application)."""

    def __init__(self, story: responses.Story | images.Story, scenario: Scenario, stream: bool) -> None:
        self.story, self.scenario, self.stream = story, scenario, stream

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Tell the story, however the scenario lets it end."""
        line = Line(receive, send, self.scenario)
        ending = getattr(self.story, "ending", None)
        headers = [("x-request-id", objects.new_id("req"))]
        teller = Teller(line, self.scenario, self.stream, headers, self.story.format, ending)
        try:
            if self.scenario.refuses():
                await teller.refuse()
            else:
                await self.story.tell(teller)
        except Over:
            pass
        except Error as error:
            if not line.started:
                await _error(error)(scope, receive, send)
        finally:
            await line.close()


def _error(error: Error) -> Response:
    """A failure as the real API answers it."""
    headers = {"x-request-id": objects.new_id("req"), **error.headers}
    return JSONResponse(error.body(), error.status, headers)


def _json(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
        raise Invalid(
            f"We could not parse the JSON body of your request: {exc}", code="invalid_json"
        ) from None


class _Routes:
    """What the paths answer. `usual` is the scenario of a request that names none; with `key` only that is let in."""

    def __init__(self, usual: Scenario, key: str | None) -> None:
        self.usual, self.key, self.easel = usual, key, Easel()

    def check(self, request: Request) -> None:
        """Refuse a caller who does not have the key."""
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            raise Unauthorized("Incorrect API key provided. Check the Authorization header.")

    def choose(self, request: Request, body: Any, prompt: str) -> tuple[Scenario, str]:
        """The scenario of a request, and its prompt without the tag that may have named it."""
        metadata = body.get("metadata") if isinstance(body, dict) else None
        named = metadata.get("scenario") if isinstance(metadata, dict) else None
        prompt, tagged = take_tag(prompt)
        scenario = self.usual
        for text in (request.headers.get("x-darkroom-scenario"), named, tagged):
            if isinstance(text, str) and text:
                scenario = read_scenario(text, scenario)
        return scenario, prompt

    async def response(self, request: Request) -> Any:
        """`POST /v1/responses`."""
        self.check(request)
        body = _json(await request.body())
        order = read_order(body)
        scenario, prompt = self.choose(request, body, order.prompt)
        order = msgspec.structs.replace(order, prompt=prompt)
        return Answered(responses.Story(order, scenario, self.easel), scenario, order.stream)

    async def pictures(self, request: Request) -> Any:
        """`POST /v1/images/generations` and `POST /v1/images/edits`."""
        self.check(request)
        edit = request.url.path.endswith("/edits")
        kind = request.headers.get("content-type", "")
        if edit and kind.startswith("multipart/"):
            batch = images.read_edit_form(read_form(kind, await request.body()))
        else:
            batch = images.read_batch(_json(await request.body()), edit)
        scenario, prompt = self.choose(request, {}, batch.prompt)
        batch = msgspec.structs.replace(batch, prompt=prompt)
        return Answered(images.Story(batch, scenario, self.easel), scenario, batch.stream)

    async def model_list(self, request: Request) -> Response:
        """`GET /v1/models`."""
        self.check(request)
        return JSONResponse(models.model_list())

    async def model(self, request: Request) -> Response:
        """`GET /v1/models/{id}`."""
        self.check(request)
        name = request.path_params["name"]
        if models.find_model(name) is None:
            raise NotFound(f"The model '{name}' does not exist.", code="model_not_found", param="model")
        return JSONResponse(models.model_object(name))


async def _refuse(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, Error)
    return _error(exc)


async def _unknown(request: Request, exc: Exception) -> Response:
    return _error(NotFound(f"Invalid URL ({request.method} {request.url.path})"))


def make_app(scenario_default: str = "", key: str | None = None) -> ASGI:
    """The application. `scenario_default` is played unless a request names its own; with `key` only that is let in."""
    routes = _Routes(read_scenario(scenario_default), key)
    return Starlette(
        routes=[
            Route("/v1/responses", routes.response, methods=["POST"]),
            Route("/v1/images/generations", routes.pictures, methods=["POST"]),
            Route("/v1/images/edits", routes.pictures, methods=["POST"]),
            Route("/v1/models", routes.model_list),
            Route("/v1/models/{name:path}", routes.model),
        ],
        exception_handlers={Error: _refuse, 404: _unknown},
    )
