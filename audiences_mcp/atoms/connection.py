"""One request of the Atoms API: sent, tried again, its envelope read, every failure one of ours.

The only door to `httpx`. What surely was not done is tried again; see `repeating`.

What may be said of a write that failed: a 4xx and a 200 that says `status: false` are refusals, so nothing was changed.
All else (5xx, 408, a redirect, no answer, an answer that is not the documented JSON) leaves the outcome unknown, unless
no byte of the request can have left.
"""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from email.utils import parsedate_to_datetime
from functools import partial
from time import time
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import httpx  # noqa: TID251 - this module is its door
import stamina.instrumentation
from aiolimiter import AsyncLimiter

from audiences_mcp import __version__, collector
from audiences_mcp.atoms.repeating import repeated
from audiences_mcp.errors import (
    OUTCOME_UNKNOWN,
    AnswerTooLong,
    AtomsError,
    AudiencesError,
    AuthenticationFailed,
    InvalidInput,
    NotConfigured,
    NotFound,
    NotUnderstood,
    PermissionDenied,
    RateLimited,
    Rejected,
    ServerFailed,
    Unreachable,
)
from audiences_mcp.text import clip, line

TIMEOUT = 30.0
"""Seconds that one request may take in all, answer included."""

ANSWER_BYTES = 20_000_000
"""How long an answer may be, decompressed: what is longer is no answer of Atoms, and would fill the memory."""

REQUESTS_A_SECOND = 10
"""How many requests are made in a second; what Atoms takes of organisations that pay nothing."""

_LONG_ANSWER = 100_000  # bytes
_ENCODING = "gzip"  # each part that is read grows a thousand times at most
_MAX_MESSAGE = 300
_MAX_READ = 10_000  # characters of a text of which a few hundred are wanted
_LONGEST_RETRY_AFTER = 1e6  # seconds; a longer one is as good as never
_KEY = re.compile(r"[!-~]+")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]+")
_ACCEPTED, _REFUSED = (True, "success", "ok"), (False, "error", "fail", "failed")
# Raised before any byte of the request left: the write surely did not happen.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

T = TypeVar("T")

Watch = Callable[[int, Mapping[str, Any]], None]
"""Called with the status and the whole JSON of each answer, before it is read; for `round_trip`."""


class UnexpectedAnswer(Exception):
    """A part of an answer that is not as documented."""


class Connection:
    """A connection to the API with one key; close it with `aclose`.

    Args:
        base_url: Such as `https://api.smallest.ai/atoms/v1`.
        api_key: The Atoms key; never part of any message.
        transport: What carries the requests; None for the network.
        timeout: Seconds that one request may take.
        watch: Is told of each answer.

    Raises:
        NotConfigured: The key cannot be a key, or the URL, the proxy or the certificates cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        transport: httpx.AsyncBaseTransport | None,
        timeout: float,
        watch: Watch | None = None,
    ) -> None:
        if not _KEY.fullmatch(api_key):
            raise NotConfigured(
                "The Atoms API key has spaces or characters that no key has, so nothing was sent. Set SMALLEST_API_KEY "
                "to the key alone, without quotes or 'Bearer', and restart the server.",
            )
        self._api_key = api_key
        self._timeout = timeout
        self._watch = watch
        stamina.instrumentation.set_on_retry_hooks([])  # by default it logs what it tries again, and why
        for name in ("httpx", "httpcore"):  # they log URLs, so phone numbers that are searched for, and headers
            logging.getLogger(name).setLevel(logging.WARNING)
        self._http = _http_client(base_url, api_key, transport, timeout)
        # The sandbox, which is asked without encryption, has no limit.
        self._pace = AsyncLimiter(REQUESTS_A_SECOND, 1) if _is_encrypted(base_url) else nullcontext()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def call(self, method: str, path: str, read: Callable[[Any], T], **request: Any) -> T:  # noqa: ANN401
        """Make one request, again where it surely was not carried out.

        Args:
            method: GET reads; every other method writes.
            path: Below the base URL.
            read: Makes what is wanted of the `data` in the answer's envelope.
            request: What httpx takes.
        """
        return await repeated(partial(self._try, method, path, read, **request))

    async def _try(self, method: str, path: str, read: Callable[[Any], T], **request: Any) -> T:  # noqa: ANN401
        writes = method != "GET"
        with _failures_are_ours(writes=writes):
            async with self._pace:
                pass  # it is this request's turn
            with anyio.fail_after(self._timeout):  # httpx's own limit is for each read, so a slow drip passes it
                async with self._http.stream(method, path, **request) as response:
                    content = await _content(response, writes=writes)
        understood = partial(self._understood, response, content, read, writes=writes)
        if len(content) <= _LONG_ANSWER:
            return understood()
        # A long one takes a while, and has many objects, without cycles; those of the request itself are not to be kept.
        with collector.paused(forgets=False):
            return await anyio.to_thread.run_sync(understood)

    def _understood(self, response: httpx.Response, content: bytes, read: Callable[[Any], T], *, writes: bool) -> T:
        """Return what is wanted of an answer, or raise what it says went wrong."""
        body = _envelope(content)
        if self._watch:
            self._watch(response.status_code, body)
        if response.is_error or (response.is_success and body.get("status") in _REFUSED):
            raise self._refusal(response, body, writes=writes)
        with suppress(UnexpectedAnswer):
            if response.is_success and body.get("status") in _ACCEPTED:
                return read(body.get("data"))
        raise _not_understood(response, writes=writes)

    def _refusal(self, response: httpx.Response, body: Mapping[str, Any], *, writes: bool) -> AtomsError:
        """Return the error for a status of 400 or more, or for an envelope that says no."""
        status, reason = response.status_code, self._reason(body)
        if status == 429 or body.get("code") == "RATE_LIMIT_EXCEEDED":
            when = self._when_to_retry(response, body)
            message = f"Atoms got too many requests ({status}); nothing was changed. Try again {when}."
            return RateLimited(message, retry_after=_seconds(response, body))
        if status == 401:
            return AuthenticationFailed(
                "Atoms did not accept the API key (401); nothing was changed. Set SMALLEST_API_KEY to a key of the "
                "Atoms console and restart the server.",
            )
        if status == 403:
            return PermissionDenied(
                f"Atoms does not allow this (403): {reason} Nothing was changed. Check that the id and "
                "the key are of the same Atoms organisation.",
            )
        if status == 404:  # without an envelope it is not Atoms that knows of nothing, but a server on the way
            return _not_found(reason) if body else _not_understood(response, writes=False)
        if status >= 500 or status == 408:
            request_id = self._quoted(response.headers.get("x-request-id", ""), 60)
            asked = f" Its support asks for the request id {request_id}." if _REQUEST_ID.fullmatch(request_id) else ""
            return ServerFailed(
                f"Atoms failed ({status}): {reason} {_outcome(writes=writes)}{asked}", maybe_done=writes
            )
        return Rejected(f"Atoms refused ({status}): {reason} Nothing was changed. Mend that and try again.")

    def _reason(self, body: Mapping[str, Any]) -> str:
        """Return what the API says went wrong as a sentence."""
        errors = body.get("errors") or body.get("error") or body.get("message")
        texts = errors if isinstance(errors, list) else [errors]
        texts = [text.get("message") or text if isinstance(text, dict) else text for text in texts if text]
        said = self._quoted("; ".join(str(text) for text in texts), _MAX_MESSAGE) or "it gave no reason"
        return said if said.endswith((".", "!", "?", "…")) else f"{said}."

    def _when_to_retry(self, response: httpx.Response, body: Mapping[str, Any]) -> str:
        wait = self._quoted(response.headers.get("Retry-After") or body.get("retry_after") or "", 40)
        if wait.isdecimal():
            return f"in {wait} seconds"
        return "later" if _seconds(response, body) is None else f"after {wait}"

    def _quoted(self, text: object, most: int) -> str:
        """Return text of Atoms fit for a message: short, clean and without the key, which a server may echo."""
        # Cleaned first, since characters that cannot be seen may break up the key.
        whole = line(str(text)[:_MAX_READ], _MAX_READ)
        return clip(whole.replace(self._api_key, "[key]"), most)


def _seconds(response: httpx.Response, body: Mapping[str, Any]) -> float | None:
    """Return the seconds after which Atoms wants to be asked again: a number or a date (RFC 9110, section 10.2.3)."""
    said = str(response.headers.get("Retry-After") or body.get("retry_after") or "")
    if said.isdecimal():
        return min(float(said), _LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return None
    return min(max(0.0, moment.timestamp() - time()), _LONGEST_RETRY_AFTER)


def _http_client(
    base_url: str, api_key: str, transport: httpx.AsyncBaseTransport | None, timeout: float
) -> httpx.AsyncClient:
    encrypted = _is_encrypted(base_url)
    try:
        return httpx.AsyncClient(
            base_url=base_url.rstrip("/") + "/",
            headers={
                "Authorization": f"Bearer {api_key}",
                "User-Agent": f"audiences-mcp/{__version__}",
                "Accept-Encoding": _ENCODING,
            },
            # Connecting may take a part of the time only, so that what could not be sent is known not to be sent.
            timeout=httpx.Timeout(timeout, connect=timeout / 3, pool=timeout / 3),
            transport=transport,
            follow_redirects=False,
            # http is for this machine: a proxy of the environment would get the key in the clear and call back in
            # vain. And loading the root certificates takes longer than many calls.
            trust_env=encrypted,
            verify=encrypted,
        )
    except (httpx.InvalidURL, ImportError, OSError, ValueError):
        raise NotConfigured(
            "The connection to Atoms cannot be set up, so nothing was sent. Check ATOMS_API_URL, and in the environment "
            "HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE, then restart the server.",
        ) from None


def _is_encrypted(base_url: str) -> bool:
    return base_url.lower().startswith("https:")


async def _content(response: httpx.Response, *, writes: bool) -> bytes:
    """Return the body, decompressed.

    Raises:
        AnswerTooLong: It is longer than any answer of Atoms.
    """
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in {_ENCODING, "identity"}:
        raise httpx.DecodingError("not what was asked for")  # gzip in gzip grows a million times, in one step
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > ANSWER_BYTES and response.is_error:
            return b""  # its status says enough
        if size > ANSWER_BYTES:
            most = f"{ANSWER_BYTES // 1_000_000} MB"
            raise AnswerTooLong(
                f"The answer of Atoms is longer than {most} and was not read. {_outcome(writes=writes)}",
                maybe_done=writes,
            )
        parts.append(part)
    return b"".join(parts)


@contextmanager
def _failures_are_ours(*, writes: bool) -> Iterator[None]:
    """Map every failure of the transport to one of ours, which keeps nothing of it: its request has the key."""
    try:
        with _failures_mapped(writes=writes):
            yield
    except AudiencesError as error:
        error.__context__ = None
        raise


@contextmanager
def _failures_mapped(*, writes: bool) -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError:  # lone surrogates, which JSON can spell
        raise InvalidInput("The text holds a character that cannot be sent; nothing was sent. Leave it out.") from None
    except _NOT_SENT:
        raise Unreachable(
            "Atoms could not be reached; nothing was sent. Check the network and ATOMS_API_URL, then try again.",
        ) from None
    except (TimeoutError, httpx.TimeoutException):
        raise Unreachable(f"Atoms did not answer in time. {_outcome(writes=writes)}", maybe_done=writes) from None
    except httpx.DecodingError:
        raise NotUnderstood(
            f"The answer of Atoms could not be decompressed. {_outcome(writes=writes)}",
            maybe_done=writes,
        ) from None
    # The URL that is not valid is that of a redirect, and broken TLS records come as the ssl.SSLError that they are.
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError):
        raise Unreachable(f"The connection to Atoms broke off. {_outcome(writes=writes)}", maybe_done=writes) from None


def _outcome(*, writes: bool) -> str:
    """Return whether anything was changed by a request without a clear answer, and what to do."""
    if writes:
        return OUTCOME_UNKNOWN
    return "Nothing was changed. Try again later."


def _not_found(reason: str) -> NotFound:
    return NotFound(
        f"Atoms has nothing with that id for this key (404): {reason} Nothing was changed; list_audiences gives the ids.",
    )


def _not_understood(response: httpx.Response, *, writes: bool) -> NotUnderstood:
    what = "a redirect, which is not followed" if response.is_redirect else "something that is not the documented JSON"
    return NotUnderstood(
        f"Atoms answered {response.status_code} with {what}. {_outcome(writes=writes)} Check ATOMS_API_URL if it stays so.",
        maybe_done=writes,
    )


def _envelope(content: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer; an empty one when there is none."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
