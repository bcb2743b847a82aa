"""Response objects, items, ids and usage as the real API sends them (wire.md 2.3, 2.4, 8)."""

import secrets
from typing import Any

import msgspec

from darkroom.sandbox.order import Order, Wish
from darkroom.wire.picture import read_head
from darkroom.wire.tokens import PROMPT_TOKENS, image_input_tokens, image_output_tokens, text_tokens

Tree = dict[str, Any]
CALL = "response.image_generation_call"
ECHOED: dict[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
    "metadata": {},
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
"""Fields of the request that come back, with what they are when they were not sent."""


def new_id(kind: str) -> str:
    """A new id: `resp`, `ig`, `msg`, `rs`, `fc`, `req`, …"""
    return f"{kind}_{secrets.token_hex(25)}"


def response_object(order: Order, id: str, created_at: int) -> Tree:
    """The response as it stands when it has just begun; `finished` makes it whole."""
    body = order.body
    reasoning, text = body.get("reasoning"), body.get("text")
    reasoning = reasoning if isinstance(reasoning, dict) else {}
    tree: Tree = {
        "id": id,
        "object": "response",
        "created_at": created_at,
        "completed_at": None,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": order.model,
        "output": [],
    }
    tree |= {key: default if body.get(key) is None else body[key] for key, default in ECHOED.items()}
    return tree | {
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "service_tier": "default",
        "text": text if isinstance(text, dict) else {"format": {"type": "text"}, "verbosity": "medium"},
        "tools": [_tool(tool) for tool in body.get("tools") or []],
        "usage": None,
    }


def _tool(tool: Tree) -> Tree:
    """A tool as it comes back: with its defaults, and the `n` that nobody can ask for."""
    if tool.get("type") == "image_generation":
        defaults = {"background": "auto", "moderation": "auto", "n": 1, "output_compression": 100,
                    "output_format": "png", "quality": "auto", "size": "auto"}  # fmt: skip
        return {"type": "image_generation", **defaults, **{k: v for k, v in tool.items() if v is not None}}
    if tool.get("type") == "function":
        return {"description": None, "parameters": None, "strict": None, **tool}
    return tool


def finished(response: Tree, output: list[Tree], usage: Tree, tool_usage: Tree, now: int) -> Tree:
    """The completed response."""
    done = {
        "completed_at": now,
        "status": "completed",
        "output": output,
        "usage": usage,
        "tool_usage": tool_usage,
    }
    return {**response, **done}


def failed(response: Tree, fields: Tree) -> Tree:
    """The failed response; its error has a code and a message."""
    error = {"code": fields.get("code") or "server_error", "message": fields["message"]}
    return {**response, "status": "failed", "error": error}


def incomplete(response: Tree) -> Tree:
    """The response that stopped early."""
    return {**response, "status": "incomplete", "incomplete_details": {"reason": "content_filter"}}


def image_item(id: str, wish: Wish, revised_prompt: str, result: str) -> Tree:
    """The finished image call."""
    return {
        "id": id,
        "type": "image_generation_call",
        "status": "completed",
        "action": wish.action,
        "background": "transparent" if wish.transparent else "opaque",
        "output_format": wish.format,
        "quality": wish.quality,
        "size": wish.size,
        "revised_prompt": revised_prompt,
        "result": result,
    }


def message_item(id: str, text: str) -> Tree:
    """A finished message of the assistant."""
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    return {"id": id, "type": "message", "status": "completed", "role": "assistant", "content": [part]}


def function_item(id: str, tool: Tree) -> Tree:
    """A finished call of a function, with arguments that fit its parameters."""
    arguments = msgspec.json.encode(sample(tool.get("parameters") or {})).decode()
    call = new_id("call")
    name = str(tool.get("name") or "function")
    return {
        "id": id,
        "type": "function_call",
        "status": "completed",
        "call_id": call,
        "name": name,
        "arguments": arguments,
    }


def sample(schema: Any, depth: int = 0) -> Any:
    """The simplest value that a JSON schema allows."""
    if not isinstance(schema, dict) or depth > 8:
        return {} if depth == 0 else None
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    if kind == "object" or (depth == 0 and kind is None):
        fields = schema.get("properties")
        fields = fields if isinstance(fields, dict) else {}
        return {name: sample(field, depth + 1) for name, field in fields.items()}
    plain: dict[str, Any] = {
        "string": "sandbox",
        "integer": 1,
        "number": 1.0,
        "boolean": True,
        "array": [],
    }
    return plain.get(kind) if isinstance(kind, str) else None


def image_usage(wish: Wish, prompt: str, partials: int, count: int = 1) -> Tree:
    """What a picture costs, by the published formulas; `count` pictures of one request cost that many times."""
    pixels = [
        (head.width, head.height) if (head := read_head(file[:65536])) else (1024, 1024)
        for file in wish.images
    ]
    text = text_tokens(prompt) + PROMPT_TOKENS
    seen = sum(image_input_tokens(width, height) for width, height in pixels)
    made = image_output_tokens(wish.model, wish.size, wish.quality, partials)
    return {
        "input_tokens": (text + seen) * count,
        "input_tokens_details": {"image_tokens": seen * count, "text_tokens": text * count},
        "output_tokens": made * count,
        "output_tokens_details": {"image_tokens": made * count, "text_tokens": 0},
        "total_tokens": (text + seen + made) * count,
    }


def tool_usage(image: Tree | None) -> Tree:
    """The response's `tool_usage`; zeros when nothing was drawn."""
    none = {"input_tokens": 0, "input_tokens_details": {"image_tokens": 0, "text_tokens": 0}, "output_tokens": 0,
            "total_tokens": 0}  # fmt: skip
    return {"image_gen": image or none, "web_search": {"num_requests": 0}}


def text_usage(order: Order, said: str) -> Tree:
    """What the outer model costs."""
    seen, said_tokens = text_tokens(order.text) + 8, text_tokens(said)
    return {
        "input_tokens": seen,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": said_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": seen + said_tokens,
    }
