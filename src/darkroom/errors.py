"""Every failure that Darkroom can tell somebody about: one tree, one place where a failure gets its HTTP status.

    Error
    ├── CallerError      the request must change: Invalid 400 · Unauthorized 401 · Forbidden 403 · NotFound 404
    │                    · TooLarge 413 · TooMany 429
    ├── GatewayError     this installation must change     Internal 500 · Overloaded 503 · NoChannel 503 · Stopping 503
    └── UpstreamError    the upstream failed               Lost 502 · Refused 502 · TimedOut 502 · Busy 503

`blame` decides who is asked to act, `retryable` whether sending the same request again can help (`x-should-retry`).
The body has the four keys of the OpenAI error object, always (wire.md section 6).
"""

from typing import Any, ClassVar, Literal

Blame = Literal["caller", "gateway", "upstream"]


class Error(Exception):
    """A failure with its code, HTTP status, blame and whether a retry can help."""

    status: int = 500
    code: str | None = "server_error"
    type: str = "server_error"
    retryable: bool = False
    blame: ClassVar[Blame] = "gateway"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        type: str | None = None,
        param: str | None = None,
        retryable: bool | None = None,
        headers: dict[str, str] | None = None,
        details: dict[str, Any] | None = None,
        internal: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.headers = headers or {}
        self.details = details or {}
        self.internal = internal
        """What the operator may read in the trace, beyond the message."""
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status
        if type is not None:
            self.type = type
        if retryable is not None:
            self.retryable = retryable

    def fields(self) -> dict[str, Any]:
        """The error object: message, type, param, code; plus details such as `moderation_details`."""
        return {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
            **self.details,
        }

    def body(self) -> dict[str, Any]:
        """The JSON body of an error answer."""
        return {"error": self.fields()}


class CallerError(Error):
    """The request must change before it can succeed."""

    status = 400
    code = "invalid_request"
    type = "invalid_request_error"
    blame = "caller"


class Invalid(CallerError):
    """A field is missing, wrong or not offered here; `param` names it."""

    code = "invalid_value"


class Unauthorized(CallerError):
    """The API key is missing, unknown, expired or revoked."""

    status = 401
    code = "invalid_api_key"


class Forbidden(CallerError):
    """The key is right, but may not do this."""

    status = 403
    code = "forbidden"


class NotFound(CallerError):
    """No such path, model or thing."""

    status = 404
    code = "not_found"


class TooLarge(CallerError):
    """The body or one of its parts is larger than allowed."""

    status = 413
    code = "request_too_large"


class TooMany(CallerError):
    """Too many requests at once or in this minute; carries Retry-After."""

    status = 429
    code = "rate_limit_exceeded"
    type = "rate_limit_error"
    retryable = True


class GatewayError(Error):
    """This installation failed or cannot take the request now."""

    blame = "gateway"


class Internal(GatewayError):
    """A fault of Darkroom itself."""

    status = 500
    retryable = True


class Overloaded(GatewayError):
    """A process-wide budget is used up; carries Retry-After."""

    status = 503
    code = "overloaded"
    type = "service_unavailable_error"
    retryable = True


class NoChannel(GatewayError):
    """No configured channel can serve this request now."""

    status = 503
    code = "no_channel"
    type = "service_unavailable_error"
    retryable = True


class Stopping(GatewayError):
    """This process is stopping; another one, or a little patience, serves the request."""

    status = 503
    code = "stopping"
    type = "service_unavailable_error"
    retryable = True


class UpstreamError(Error):
    """The upstream failed to deliver."""

    status = 502
    code = "upstream_error"
    type = "upstream_error"
    retryable = True
    blame = "upstream"


class Lost(UpstreamError):
    """The connection could not be made, was reset, or ended before the answer was whole."""

    code = "upstream_connection_lost"


class Refused(UpstreamError):
    """The upstream refused this installation's own credentials, path or account."""

    code = "upstream_refused"


class TimedOut(UpstreamError):
    """The upstream said nothing useful within the channel's deadline."""

    code = "upstream_timeout"


class Busy(UpstreamError):
    """The upstream is overloaded or its account is used up."""

    status = 503
    code = "upstream_busy"
    type = "service_unavailable_error"
