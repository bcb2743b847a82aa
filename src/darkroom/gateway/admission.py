"""Who may send a request, and what: the key from the headers, its limits, and the models it may use."""

from darkroom.errors import Forbidden, Stopping, TooMany, Unauthorized
from darkroom.gateway.gateway import Gateway
from darkroom.ledger.keys import Key
from darkroom.wire.request import Request


async def sign_in(gateway: Gateway, authorization: bytes | None) -> Key:
    """The key of an `Authorization: Bearer sk-…` header. Raises Unauthorized, Forbidden or Stopping."""
    stay(gateway)
    if not authorization:
        raise Unauthorized(
            "You didn't provide an API key. Send it in a header: `Authorization: Bearer YOUR_API_KEY`.",
        )
    scheme, _, secret = authorization.decode("latin-1").strip().partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise Unauthorized(
            "The Authorization header is not understood. It must read `Authorization: Bearer YOUR_API_KEY`.",
        )
    key = gateway.keys.warm(secret)
    return key if key is not None else await gateway.keys.verify(secret)


def stay(gateway: Gateway) -> None:
    """The gateway still begins exchanges. Raises Stopping, for requests that come, or whose body ends, too late."""
    if gateway.stopping:
        raise Stopping(
            "This server is restarting. Please send the request again.", headers={"retry-after": "2"}
        )


def enter(gateway: Gateway, key: Key) -> None:
    """Take a place in flight for `key`. Raises TooMany; `gateway.leave(key)` gives it back."""
    limit = gateway.settings.in_flight_per_key
    if gateway.in_flight.get(key.id, 0) >= limit:
        raise TooMany(
            f"This API key has {limit} requests in flight already. Wait for some of them to finish, then retry.",
            code="too_many_images_in_flight",
            headers={"retry-after": "5"},
        )
    gateway.enter(key)


def allow(key: Key, request: Request) -> None:
    """The key may use the request's models. Raises Forbidden naming the first it may not use."""
    if key.models is None:
        return
    tool = request.tool.model if request.tool else None
    for model, param in ((request.model, "model"), (tool, "tools")):
        if isinstance(model, str) and model not in key.models:
            raise Forbidden(
                f"This API key may not use the model `{model}`. Ask the operator to enable it, or use one of: "
                f"{', '.join(key.models)}.",
                code="model_not_enabled",
                param=param,
            )
